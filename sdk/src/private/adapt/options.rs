//! Adapts a function that looks options up.

use std::future::Future;

use super::super::check::{Choices, LookUpContext, QueryArgument};
use crate::block::BoxFuture;
use crate::connection::Connection as _;
use crate::error::StepError;
use crate::options::{Choice, OptionsInvocation};

/// Calls a function that looks options up.
pub fn options<Q, X, R, H, F>(
    invocation: OptionsInvocation,
    handler: H,
) -> BoxFuture<Result<Vec<Choice>, StepError>>
where
    Q: QueryArgument,
    X: LookUpContext,
    R: Choices,
    H: FnOnce(Q, X) -> F + Send + 'static,
    F: Future<Output = Result<R, StepError>> + Send + 'static,
{
    Box::pin(async move {
        let OptionsInvocation { query, services, credentials } = invocation;
        let connection = X::Connection::from_credentials(credentials).map_err(|error| {
            StepError::permanent(format!("the connection does not fit the function: {error}"))
        })?;
        Ok(handler(Q::of(query), X::open(services, connection)).await?.choices())
    })
}

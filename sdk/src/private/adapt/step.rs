//! The handlers of a step.

use std::future::Future;

use serde_json::Value;

use super::{Misfit, read};
use crate::__private::check::{
    NeverDefers, NextState, SameConfig, SameConnection, SameOutcomes, SameState, StepContext, StoredState,
};
use crate::__private::handler::step::{
    CancelArguments, CancelResult, ExecuteResult, FinishArguments, FinishResult, WakeArguments, WakeResult,
};
use crate::__private::handler::{Asynchronous, Handler, Named};
use crate::block::{BoxFuture, StepInvocation};
use crate::config::Config;
use crate::connection::Connection;
use crate::context::StepCall;
use crate::error::StepError;
use crate::outcome::{Outcome, Outcomes};
use crate::request::Request;
use crate::step::{Deferral, Execution, Finish, StepResult, Wake};

/// The state as JSON, for a step that may defer.
pub fn store_state<S: StoredState>(state: &S) -> Result<Value, StepError> {
    state
        .store()
        .map_err(|error| StepError::permanent(format!("the state to defer with has no JSON form: {error}")))
}

/// The state as JSON, for a step that cannot defer.
pub fn no_state<S: NeverDefers>(state: &S) -> Result<Value, StepError> {
    state.store()
}

/// Calls `execute`.
pub fn execute<C, X, R, T, H, F>(
    invocation: StepInvocation,
    handler: H,
    store: fn(&R::State) -> Result<Value, StepError>,
) -> BoxFuture<Result<Execution<Outcome, Value>, StepError>>
where
    C: Config,
    X: StepContext,
    R: StepResult,
    T: ExecuteResult<R>,
    H: FnOnce(C, X) -> F + Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    Box::pin(async move {
        let (config, call) = open(invocation)?;
        let cx = X::open(call.metadata, call.services, call.connection);
        Ok(match handler(config, cx).await.into_result()?.into_execution() {
            Execution::Outcome(outcome) => Execution::Outcome(outcome_of(outcome)?),
            Execution::Exit => Execution::Exit,
            Execution::Defer(Deferral { state, waiting_for, wake, question }) => {
                Execution::Defer(Deferral { state: store(&state)?, waiting_for, wake, question })
            }
        })
    })
}

/// Calls `finish`.
pub fn finish<C, K, S, O, H, A, T>(
    invocation: StepInvocation,
    request: Request,
    state: Value,
    handler: Named<H, A>,
) -> BoxFuture<Result<Finish<Outcome, Value>, StepError>>
where
    C: Config,
    K: Connection,
    S: StoredState,
    O: Outcomes,
    H: Handler<A> + Send + 'static,
    A: FinishArguments<C, K, S, O>,
    A::Config: SameConfig<C>,
    A::State: SameState<S>,
    A::Connection: SameConnection<K>,
    H::Returned: Asynchronous<Output = T, Future: Send>,
    T: FinishResult<C, K, S, O>,
    T::Outcomes: SameOutcomes<O>,
    T::State: NextState<S>,
{
    Box::pin(async move {
        let (config, call) = open::<C, K>(invocation)?;
        let state = S::restore(state).map_err(misfit)?;
        let arguments =
            A::of(request, A::Config::from_config(config), A::State::from_state(state), call.same());
        Ok(match handler.call(arguments).future().await.into_finish()? {
            Finish::Outcome(outcome) => Finish::Outcome(outcome_of(outcome.into_outcomes())?),
            Finish::Exit => Finish::Exit,
            Finish::NoOp => Finish::NoOp,
            Finish::NextState(state) => Finish::NextState(store_state::<S>(&state.into_state())?),
        })
    })
}

/// Calls `wake`.
pub fn wake<C, K, S, O, H, A, T>(
    invocation: StepInvocation,
    state: Value,
    handler: Named<H, A>,
) -> BoxFuture<Result<Wake<Outcome, Value>, StepError>>
where
    C: Config,
    K: Connection,
    S: StoredState,
    O: Outcomes,
    H: Handler<A> + Send + 'static,
    A: WakeArguments<C, K, S, O>,
    A::Config: SameConfig<C>,
    A::State: SameState<S>,
    A::Connection: SameConnection<K>,
    H::Returned: Asynchronous<Output = T, Future: Send>,
    T: WakeResult<C, K, S, O>,
    T::Outcomes: SameOutcomes<O>,
    T::State: NextState<S>,
{
    Box::pin(async move {
        let (config, call) = open::<C, K>(invocation)?;
        let state = S::restore(state).map_err(misfit)?;
        let arguments = A::of(A::Config::from_config(config), A::State::from_state(state), call.same());
        Ok(match handler.call(arguments).future().await.into_wake()? {
            Wake::Outcome(outcome) => Wake::Outcome(outcome_of(outcome.into_outcomes())?),
            Wake::Exit => Wake::Exit,
            Wake::NoOp { next } => Wake::NoOp { next },
            Wake::NextState { state, next } => {
                Wake::NextState { state: store_state::<S>(&state.into_state())?, next }
            }
        })
    })
}

/// Calls `cancel`.
pub fn cancel<C, K, S, H, A, T>(
    invocation: StepInvocation,
    state: Value,
    handler: Named<H, A>,
) -> BoxFuture<Result<(), StepError>>
where
    C: Config,
    K: Connection,
    S: StoredState,
    H: Handler<A> + Send + 'static,
    A: CancelArguments<C, K, S>,
    A::Config: SameConfig<C>,
    A::State: SameState<S>,
    A::Connection: SameConnection<K>,
    H::Returned: Asynchronous<Output = T, Future: Send>,
    T: CancelResult<C, K, S>,
{
    Box::pin(async move {
        let (config, call) = open::<C, K>(invocation)?;
        let state = S::restore(state).map_err(misfit)?;
        let arguments = A::of(A::Config::from_config(config), A::State::from_state(state), call.same());
        handler.call(arguments).future().await.into_cancelled()
    })
}

fn open<C: Config, K: Connection>(invocation: StepInvocation) -> Result<(C, StepCall<K>), StepError> {
    let StepInvocation { config, metadata, services, credentials } = invocation;
    let config = read(config, "the config")?;
    let connection = K::from_credentials(credentials)
        .map_err(|error| StepError::permanent(format!("the connection does not fit the block: {error}")))?;
    Ok((config, StepCall::new(metadata, services, connection)))
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn misfit(error: serde_json::Error) -> StepError {
    Misfit(format!("the stored state does not fit its type: {error}")).into()
}

fn outcome_of(outcome: impl Outcomes) -> Result<Outcome, StepError> {
    outcome
        .into_outcome()
        .map_err(|error| StepError::permanent(format!("the outcome's data has no JSON form: {error}")))
}

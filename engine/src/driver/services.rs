//! What handlers are given.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use stepwell::error::StepError;
use stepwell::http_client::HttpTransport;
use stepwell::network::Network;
use stepwell::services::{Services, StepServices};

use super::Inner;
use super::call::private;
use super::index_key::index_key;
use crate::model::ExecutionId;
use crate::store::{CommitError, OnceValue};

/// The services of a trigger's handlers.
pub(super) struct TriggerServices(pub(super) Arc<Inner>);

impl Services for TriggerServices {
    fn http(&self) -> Arc<dyn HttpTransport> {
        Arc::clone(&self.0.http)
    }

    fn network(&self) -> Arc<dyn Network> {
        Arc::clone(&self.0.network)
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

/// The services of the handlers of one execution.
pub(super) struct ExecutionServices {
    pub(super) inner: Arc<Inner>,
    pub(super) execution: ExecutionId,
}

impl ExecutionServices {
    fn purpose(&self, name: &str) -> String {
        format!("once:{}:{name}", self.execution)
    }
}

impl Services for ExecutionServices {
    fn http(&self) -> Arc<dyn HttpTransport> {
        Arc::clone(&self.inner.http)
    }

    fn network(&self) -> Arc<dyn Network> {
        Arc::clone(&self.inner.network)
    }

    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }
}

#[async_trait]
impl StepServices for ExecutionServices {
    fn finish_link(&self, person: u32) -> String {
        self.inner.urls.finish_link(self.execution, person)
    }

    async fn recorded(&self, name: &str) -> Result<Option<Value>, StepError> {
        let sealed =
            self.inner.store.once(self.execution, &index_key(name.to_owned())).await.map_err(unavailable)?;
        let Some(sealed) = sealed else { return Ok(None) };
        let plain = self.inner.keys.unseal(&self.purpose(name), &sealed)?;
        Ok(Some(serde_json::from_slice(&plain)?))
    }

    async fn record(&self, name: &str, value: Value) -> Result<(), StepError> {
        let plain = private("the value of `once`", &value).map_err(StepError::permanent)?;
        let value = OnceValue {
            execution: self.execution,
            name: index_key(name.to_owned()),
            value: self.inner.keys.seal(&self.purpose(name), &plain),
        };
        self.inner.store.record_once(value).await.map_err(|error| match error {
            CommitError::Conflict => StepError::retryable("another engine has taken this run over"),
            CommitError::Store(error) => unavailable(error),
        })
    }
}

/// A failing database is no fault of the step: the attempt may be repeated.
fn unavailable(error: impl std::error::Error) -> StepError {
    StepError::retryable(format!("the value of `once` could not be read or stored: {error}"))
}

//! What an engine provides to the handlers that it calls.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::error::StepError;
use crate::http_client::HttpTransport;
use crate::network::Network;

/// What an engine provides to every handler.
pub trait Services: Send + Sync + 'static {
    /// How outgoing requests are sent.
    fn http(&self) -> Arc<dyn HttpTransport>;

    /// How the hosts of other connections are looked up.
    fn network(&self) -> Arc<dyn Network>;

    /// The time.
    fn now(&self) -> Timestamp;
}

/// What an engine provides to the handlers of one execution.
#[async_trait]
pub trait StepServices: Services {
    /// The execution's URL for the person of this number.
    fn finish_link(&self, person: u32) -> String;

    /// The value that an earlier attempt of this execution recorded under `name`.
    async fn recorded(&self, name: &str) -> Result<Option<Value>, StepError>;

    /// Records a value under `name`, durably, before it returns.
    async fn record(&self, name: &str, value: Value) -> Result<(), StepError>;
}

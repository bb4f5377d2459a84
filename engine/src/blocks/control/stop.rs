//! `core/stop`: ends the run.

use serde_json::Value;
use stepwell::prelude::*;

use super::carried_out_by_the_core;

/// How to end.
#[config]
struct Stop {
    /// Result
    ///
    /// What the run comes to, for a workflow that has called this one.
    #[field(default = Value::Null)]
    result: Value,
    /// Error
    ///
    /// With a message here, the run fails with it.
    error: Option<String>,
}

/// Stop
///
/// Ends the run here. Whatever else of it runs or waits is cancelled.
#[step(app = "core", outcomes(
    /// Stopped; nothing follows
    stopped(Value),
))]
async fn stop(_config: Stop, _cx: ExecuteContext) -> Result<StopOutcome, StepError> {
    Err(carried_out_by_the_core())
}

//! `core/call-workflow`: runs another workflow.

use serde_json::{Value, json};
use stepwell::prelude::*;

use super::carried_out_by_the_core;

/// What to call.
#[config]
struct CallWorkflow {
    /// Workflow
    ///
    /// The id of a workflow that is enabled and begins with `core/workflow-called`.
    #[field(variables = "never")]
    workflow: String,
    /// Data
    ///
    /// What the workflow is given, as its inputs say.
    #[field(default = json!({}))]
    data: Value,
    /// Wait
    ///
    /// Whether to wait until the run has ended.
    #[field(default = true, variables = "never")]
    wait: bool,
}

/// Call a workflow
///
/// Starts a run of another workflow and waits for what it comes to: the result of its `core/stop`, or the data of its
/// last outcome. If that run fails or is cancelled, this step fails. If this step is cancelled, so is that run.
#[step(app = "core", outcomes(
    /// Completed
    #[outcome(when(wait = true))]
    completed {
        /// What the run came to
        result: Value,
        /// The run's id
        run: String,
    },
    /// Started
    #[outcome(when(wait = false))]
    started {
        /// The run's id
        run: String,
    },
))]
async fn call_workflow(_config: CallWorkflow, _cx: ExecuteContext) -> Result<CallWorkflowOutcome, StepError> {
    Err(carried_out_by_the_core())
}

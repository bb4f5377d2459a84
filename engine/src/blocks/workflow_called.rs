//! `core/workflow-called`: started by other workflows.

use serde_json::Value;
use stepwell::prelude::*;

use super::inputs::{Inputs, have_names};

/// What the workflow takes.
#[config]
struct WorkflowCalled {
    /// Inputs
    ///
    /// The fields of the data that a call must or may give, by name. Without any, a call may give what it likes.
    #[field(default = Inputs::new(), check = have_names)]
    inputs: Inputs,
}

/// Workflow called
///
/// Starts a run when another workflow calls this one with `core/call-workflow`, or when somebody starts it by hand. The
/// data of the call is the trigger's data.
#[trigger(app = "core", outcomes(
    /// Called
    #[expect(dead_code, reason = "the engine makes it, from what the caller gives")]
    called(Value),
))]
async fn workflow_called(
    request: NoRequest,
    _config: WorkflowCalled,
    _cx: TriggerContext,
) -> Result<WorkflowCalledOutcome, TriggerError> {
    match request {}
}

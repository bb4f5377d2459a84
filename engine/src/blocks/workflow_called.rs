//! `core/workflow-called`: started by other workflows.

use std::collections::BTreeMap;

use serde_json::Value;
use stepwell::prelude::*;

/// What the workflow takes.
#[config]
struct WorkflowCalled {
    /// Inputs
    ///
    /// The fields of the data that a call must or may give, by name. Without any, a call may give what it likes.
    #[field(default = BTreeMap::new())]
    inputs: BTreeMap<String, Input>,
}

/// An input.
#[data]
#[serde(deny_unknown_fields)]
struct Input {
    /// Type
    r#type: InputType,
    /// Required
    ///
    /// What is not required may be left out or be null.
    #[serde(default = "yes")]
    required: bool,
}

const fn yes() -> bool {
    true
}

/// The type of an input.
#[data]
#[serde(rename_all = "snake_case")]
enum InputType {
    /// Text
    Text,
    /// Number
    Number,
    /// True or false
    Boolean,
    /// List
    List,
    /// Object
    Object,
    /// Anything
    Any,
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
    _request: Request,
    _config: WorkflowCalled,
    _cx: TriggerContext,
) -> Result<WorkflowCalledOutcome, TriggerError> {
    Err(Rejected::bad_request(
        "This workflow is started by other workflows with `core/call-workflow`, or through the API or with `start`, \
         not through its URL",
    )
    .into())
}

//! `core/set`: names values, so that later steps can use them.

use std::collections::BTreeMap;

use serde_json::Value;
use stepwell::prelude::*;

/// What to name.
#[config]
struct Set {
    /// Values
    ///
    /// By name, each a constant or an expression.
    values: BTreeMap<String, Value>,
}

/// Set values
///
/// Names values, so that later steps can use them: `{{ this_step.name }}`.
#[step(app = "core", outcomes(
    /// Set
    done(BTreeMap<String, Value>),
))]
async fn set(config: Set, _cx: ExecuteContext) -> Result<SetOutcome, StepError> {
    Ok(SetOutcome::Done(config.values))
}

//! `core/manual`: started by a person or a program through the API.

use serde_json::Value;
use stepwell::prelude::*;

use super::inputs::{Inputs, have_names};

/// What it takes to start.
#[config]
struct Manual {
    /// Inputs
    ///
    /// The fields of the data that whoever starts a run must or may give, by name. Without any, they may give what they
    /// like.
    #[field(default = Inputs::new(), check = have_names)]
    inputs: Inputs,
}

/// Manual start
///
/// Starts a run when somebody asks for it, with the data that they give.
#[trigger(app = "core", outcomes(
    /// Started
    #[expect(dead_code, reason = "the engine makes it, from what the person gives")]
    started(Value),
))]
async fn manual(
    request: NoRequest,
    _config: Manual,
    _cx: TriggerContext,
) -> Result<ManualOutcome, TriggerError> {
    match request {}
}

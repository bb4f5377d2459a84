//! `core/manual`: started by a person or a program through the API.

use serde_json::Value;
use stepwell::prelude::*;

/// Manual start
///
/// Starts a run when somebody asks for it, with whatever data they give.
#[trigger(app = "core", outcomes(
    /// Started
    #[expect(dead_code, reason = "the engine makes it, from what the person gives")]
    started(Value),
))]
async fn manual(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<ManualOutcome, TriggerError> {
    Err(Rejected::bad_request(
        "A manual trigger is started through the API or with `start`, not through its URL",
    )
    .into())
}

//! Blocks that do nothing, so that what they take is what the engine takes.

use serde_json::Value;
use stepwell::prelude::*;

/// Hook
///
/// Starts a run for each request, unless its body says `"ignore": true`.
#[trigger(outcomes(
    /// Received
    received {
        /// The body
        body: Value,
    },
))]
pub async fn hook(
    request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<Trigger<HookOutcome>, TriggerError> {
    let body: Value = request.json()?;
    Ok(if body["ignore"] == true { Trigger::NoOp } else { HookOutcome::Received { body }.into() })
}

/// What to pass on.
#[config]
pub struct Pass {
    /// Value
    value: Value,
}

/// Pass a value on
#[step(outcomes(
    /// Passed
    passed {
        /// The value
        value: Value,
    },
))]
pub async fn pass(config: Pass, _cx: ExecuteContext) -> Result<PassOutcome, StepError> {
    Ok(PassOutcome::Passed { value: config.value })
}

/// Wait for a value
#[step(
    outcomes(
        /// Taken
        taken {
            /// The body of the callback
            value: Value,
        },
    ),
    finish = take,
)]
pub async fn wait(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<WaitOutcome, ()>, StepError> {
    Ok(Execution::defer(()))
}

/// Ends the wait.
pub async fn take(
    request: Request,
    _config: NoConfig,
    _cx: FinishContext<()>,
) -> Result<Finish<WaitOutcome>, StepError> {
    Ok(WaitOutcome::Taken { value: request.json()? }.into())
}

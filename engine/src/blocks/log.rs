//! `core/log`: writes a line into the engine's log.

use stepwell::prelude::*;

/// What to write.
#[config]
struct Log {
    /// Message
    #[field(multiline)]
    message: String,
}

/// Write to the log
///
/// Writes a line into the engine's log, with the run that it comes from.
#[step(app = "core", outcomes(
    /// Written
    done,
))]
async fn log(config: Log, cx: ExecuteContext) -> Result<LogOutcome, StepError> {
    tracing::info!(run = cx.workflow_run_id(), workflow = cx.workflow_id(), "{}", config.message);
    Ok(LogOutcome::Done)
}

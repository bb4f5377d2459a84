//! `core/wait-for-callback`: waits for a request to the execution's own URL.

use serde_json::Value;
use stepwell::prelude::*;

use super::webhook::body_of;

/// How long to wait.
#[config]
struct WaitForCallback {
    /// What for
    ///
    /// In words for the people who see the run waiting.
    #[field(placeholder = "the payment")]
    what_for: Option<String>,
    /// At most
    ///
    /// Such as `7d`; without it there is no limit.
    timeout: Option<Duration>,
}

/// Wait for a callback
///
/// Waits for a request to the callback URL that the list of waiting steps shows.
#[step(
    app = "core",
    outcomes(
        /// Received
        received {
            /// The body: JSON where it is, otherwise text
            body: Value,
        },
        /// Nothing came in time
        timed_out,
    ),
    finish = take,
    wake = give_up,
)]
async fn wait_for_callback(
    config: WaitForCallback,
    _cx: ExecuteContext,
) -> Result<Execution<WaitForCallbackOutcome, ()>, StepError> {
    let what_for = config.what_for.unwrap_or_else(|| "a callback".to_owned());
    let waiting = Execution::defer(()).waiting_for(what_for);
    Ok(match config.timeout {
        Some(timeout) => waiting.wake_in(timeout.into()),
        None => waiting,
    })
}

async fn take(
    request: Request,
    _config: WaitForCallback,
    _cx: FinishContext<()>,
) -> Result<Finish<WaitForCallbackOutcome>, StepError> {
    Ok(WaitForCallbackOutcome::Received { body: body_of(&request)? }.into())
}

async fn give_up(
    _config: WaitForCallback,
    _cx: WakeContext<()>,
) -> Result<Wake<WaitForCallbackOutcome>, StepError> {
    Ok(WaitForCallbackOutcome::TimedOut.into())
}

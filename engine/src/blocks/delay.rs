//! `core/delay`: waits for a while.

use stepwell::prelude::*;

/// How long to wait.
#[config]
struct Delay {
    /// Duration
    ///
    /// Such as `30m`, `2h`, `7d` or `P1DT12H`.
    duration: Duration,
}

/// Wait for a while
///
/// Holds no resource meanwhile, and goes on at the right time over restarts and upgrades.
#[step(
    app = "core",
    outcomes(
        /// The time has come
        elapsed,
    ),
    wake = go_on,
)]
async fn delay(config: Delay, _cx: ExecuteContext) -> Result<Execution<DelayOutcome, ()>, StepError> {
    let waiting_for = format!("{} to pass", config.duration);
    Ok(Execution::defer(()).wake_in(config.duration.into()).waiting_for(waiting_for))
}

async fn go_on(_config: Delay, _cx: WakeContext<()>) -> Result<Wake<DelayOutcome>, StepError> {
    Ok(DelayOutcome::Elapsed.into())
}

//! `core/delay-until`: waits until a time.

use stepwell::prelude::*;

/// When to go on.
#[config]
struct DelayUntil {
    /// Time
    ///
    /// With its offset, such as `2026-03-01T09:00:00+01:00`. One that has passed means at once.
    time: Timestamp,
}

/// Wait until a time
///
/// Holds no resource meanwhile, and goes on at the right time over restarts and upgrades.
#[step(
    app = "core",
    outcomes(
        /// The time has come
        reached,
    ),
    wake = go_on,
)]
async fn delay_until(
    config: DelayUntil,
    _cx: ExecuteContext,
) -> Result<Execution<DelayUntilOutcome, ()>, StepError> {
    let waiting_for = format!("{}", config.time);
    Ok(Execution::defer(()).wake_at(config.time.into()).waiting_for(waiting_for))
}

async fn go_on(_config: DelayUntil, _cx: WakeContext<()>) -> Result<Wake<DelayUntilOutcome>, StepError> {
    Ok(DelayUntilOutcome::Reached.into())
}

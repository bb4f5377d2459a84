//! `core/schedule`: starts runs at times.

mod cron;

use stepwell::prelude::*;

/// The shortest time between two ticks.
const SHORTEST: jiff::SignedDuration = jiff::SignedDuration::from_secs(1);

/// When to start runs.
#[config]
struct Schedule {
    /// When
    when: When,
}

/// A rhythm.
#[data]
#[serde(tag = "kind", rename_all = "snake_case")]
enum When {
    /// Again and again
    Every {
        /// Interval
        ///
        /// Such as `15m` or `1h`, counted from when the workflow is enabled.
        interval: Duration,
    },
    /// By the calendar
    Cron {
        /// Expression
        ///
        /// Minute, hour, day of the month, month, day of the week: `0 9 * * MON-FRI` is nine o'clock on working days.
        expression: String,
        /// Time zone
        ///
        /// Of the IANA database, such as `Europe/Berlin`; UTC without one.
        time_zone: Option<String>,
    },
}

impl When {
    /// The first time after this one.
    fn next(&self, after: jiff::Timestamp) -> Result<jiff::Timestamp, ActivationError> {
        match self {
            Self::Every { interval } => {
                let interval = jiff::SignedDuration::from(*interval);
                if interval < SHORTEST {
                    return Err(ActivationError::new(
                        "config `when.interval`: an interval is at least 1 s; make it longer",
                    ));
                }
                Ok(after.checked_add(interval)?)
            }
            Self::Cron { expression, time_zone } => {
                cron::next(expression, time_zone.as_deref().unwrap_or("UTC"), after)
            }
        }
    }
}

/// Schedule
///
/// Starts a run at each time of a rhythm. Of the times that pass while no engine runs, the first counts.
#[trigger(
    app = "core",
    outcomes(
        /// The time has come
        due {
            /// The time that was due
            time: Timestamp,
        },
    ),
    activate = begin,
    deactivate = end,
    tick = tick,
    missed_ticks = once,
)]
async fn schedule(
    _request: Request,
    _config: Schedule,
    _cx: TriggerContext,
) -> Result<Trigger<ScheduleOutcome>, TriggerError> {
    Err(Rejected::bad_request("a schedule starts runs by itself and takes no requests").into())
}

async fn begin(config: Schedule, cx: ActivateContext) -> Result<Activated, ActivationError> {
    Ok(Activated::new(()).tick_at(config.when.next(cx.now())?))
}

async fn tick(config: Schedule, cx: TickContext) -> Result<Tick<ScheduleOutcome>, TriggerError> {
    let next = config.when.next(cx.following()).map_err(|error| TriggerError::failed(error.message()))?;
    Ok(Tick::outcome(ScheduleOutcome::Due { time: cx.time().into() }).next_at(next))
}

async fn end(_config: Schedule, _cx: DeactivateContext) -> Result<(), ActivationError> {
    Ok(())
}

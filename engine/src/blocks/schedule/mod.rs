//! `core/schedule`: starts runs at times.

mod cron;

use jiff::SignedDuration;
use stepwell::config::FieldError;
use stepwell::prelude::*;

/// The shortest time between two ticks.
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);

/// How many times that were missed start runs where all are to: those of a schedule that comes each minute in most of a
/// day, those of a daily one in years. Without a bound, years without an engine would start a million.
const MOST_CAUGHT_UP: u32 = 1000;

/// When to start runs.
#[config]
struct Schedule {
    /// When
    #[field(check = When::possible)]
    when: When,
    /// Missed times
    ///
    /// What becomes of times that have passed while no engine ran. A time is missed when it is more than a minute ago.
    #[field(default = Missed::Once)]
    missed: Missed,
}

/// What becomes of missed times.
#[data]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Missed {
    /// They are left out
    Skip,
    /// The first of them starts a run
    Once,
    /// Each of them starts a run, one after the other; of more than 1000 the last 1000
    All,
}

/// A rhythm.
#[data]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum When {
    /// Again and again
    Every {
        /// Interval
        ///
        /// Such as `15m` or `1h`, at least 1 s. A day is 24 hours: what is to keep to the clock of a place goes by the
        /// calendar.
        interval: Duration,
        /// Anchor
        ///
        /// A moment from which the intervals are counted, before it and after it, such as `2026-01-01T00:00:00Z`;
        /// without one that at which the workflow is enabled.
        anchor: Option<Timestamp>,
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
    /// Whether it has any time at all.
    fn possible(&self) -> Result<(), FieldError> {
        let whenever = jiff::Timestamp::UNIX_EPOCH;
        self.next(whenever, whenever).map(drop)
    }

    /// The first time after `after`. `known` is a time of the rhythm, where it has no anchor.
    fn next(&self, after: jiff::Timestamp, known: jiff::Timestamp) -> Result<jiff::Timestamp, FieldError> {
        match self {
            Self::Every { interval, anchor } => {
                let interval = SignedDuration::from(*interval);
                if interval < SHORTEST {
                    return Err(FieldError::new("An interval is at least 1 s; make it longer").at("interval"));
                }
                let anchor = anchor.map_or(known, jiff::Timestamp::from);
                let past = after.duration_since(anchor).as_nanos().rem_euclid(interval.as_nanos());
                let left = interval.as_nanos() - past;
                after.checked_add(SignedDuration::from_nanos_i128(left)).map_err(|_| {
                    FieldError::new("The interval's end is beyond all time; make it shorter").at("interval")
                })
            }
            Self::Cron { expression, time_zone } => {
                cron::next(expression, time_zone.as_deref().unwrap_or("UTC"), after)
            }
        }
    }

    /// The first of the last so many times until `now`; `known`, a time of the rhythm, if that is later.
    fn first_of_last(
        &self,
        most: u32,
        known: jiff::Timestamp,
        now: jiff::Timestamp,
    ) -> Result<jiff::Timestamp, FieldError> {
        match self {
            Self::Every { interval, .. } => {
                let interval = SignedDuration::from(*interval).as_nanos();
                let passed = now.duration_since(known).as_nanos() / interval;
                let left_out = (passed + 1 - i128::from(most)).max(0);
                let left_out = SignedDuration::from_nanos_i128(left_out * interval);
                Ok(known.checked_add(left_out).unwrap_or(known))
            }
            Self::Cron { expression, time_zone } => {
                let zone = time_zone.as_deref().unwrap_or("UTC");
                cron::first_of_last((expression, zone), (known, now), most)
            }
        }
    }
}

/// Schedule
///
/// Starts a run at each time of a rhythm.
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
    missed_ticks = all,
)]
async fn schedule(
    request: NoRequest,
    _config: Schedule,
    _cx: TriggerContext,
) -> Result<Trigger<ScheduleOutcome>, TriggerError> {
    match request {}
}

async fn begin(config: Schedule, cx: ActivateContext) -> Result<Activated, ActivationError> {
    let first = config.when.next(cx.now(), cx.now());
    Ok(Activated::new(()).tick_at(first.map_err(|error| ActivationError::new(error.message()))?))
}

async fn tick(config: Schedule, cx: TickContext) -> Result<Tick<ScheduleOutcome>, TriggerError> {
    let failed = |error: FieldError| TriggerError::failed(error.message());
    if cx.missed() && config.missed == Missed::All {
        let first = config.when.first_of_last(MOST_CAUGHT_UP, cx.time(), cx.now()).map_err(failed)?;
        if first > cx.time() {
            tracing::warn!(
                workflow = cx.workflow_id(),
                from = %cx.time(),
                until = %first,
                "the times of a schedule that were missed before `until` are left out; the last {MOST_CAUGHT_UP} start runs"
            );
            return Ok(Tick::no_op().next_at(first));
        }
    }
    let goes_on = if cx.missed() && config.missed != Missed::All { cx.now() } else { cx.time() };
    let next = config.when.next(goes_on, cx.time());
    let next = next.map_err(failed)?;
    let tick = if cx.missed() && config.missed == Missed::Skip {
        Tick::no_op()
    } else {
        Tick::outcome(ScheduleOutcome::Due { time: cx.time().into() })
    };
    Ok(tick.next_at(next))
}

async fn end(_config: Schedule, _cx: DeactivateContext) -> Result<(), ActivationError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(interval: &str, anchor: Option<&str>, after: &str, expected: &str) {
        let anchor = anchor.map(|anchor| anchor.parse().unwrap());
        let every = When::Every { interval: interval.parse().unwrap(), anchor };
        let known = "2026-01-01T00:07:00Z".parse().unwrap();
        let next = every.next(after.parse().unwrap(), known).unwrap();
        assert_eq!(next, expected.parse::<jiff::Timestamp>().unwrap());
    }

    #[test]
    fn t14_intervals_are_counted_from_the_anchor_in_both_directions() {
        let (noon, later) = (Some("2026-03-01T12:00:00Z"), "2026-03-02T01:00:00Z");
        check("6h", noon, "2026-03-01T12:00:00Z", "2026-03-01T18:00:00Z");
        check("6h", noon, "2026-03-01T17:59:59.999999999Z", "2026-03-01T18:00:00Z");
        check("6h", noon, later, "2026-03-02T06:00:00Z");
        check("6h", noon, "2026-02-28T23:00:00Z", "2026-03-01T00:00:00Z");
        check("6h", Some("2026-03-01T12:30:00+01:00"), later, "2026-03-02T05:30:00Z");
        check("1w", Some("2030-01-07T09:00:00Z"), later, "2026-03-02T09:00:00Z");
        check("15m", None, later, "2026-03-02T01:07:00Z");
    }

    #[test]
    fn t14_the_last_so_many_times_of_an_interval_are_found() {
        let every = When::Every { interval: "1m".parse().unwrap(), anchor: None };
        let time = |time: &str| time.parse::<jiff::Timestamp>().unwrap();
        let now = time("2026-03-10T12:00:30Z");
        for (known, first) in [
            ("2020-01-01T00:00:00Z", "2026-03-10T11:51:00Z"),
            ("2026-03-10T11:50:00Z", "2026-03-10T11:51:00Z"),
            ("2026-03-10T11:51:00Z", "2026-03-10T11:51:00Z"),
            ("2026-03-10T12:00:00Z", "2026-03-10T12:00:00Z"),
        ] {
            assert_eq!(every.first_of_last(10, time(known), now).unwrap(), time(first), "{known}");
        }
    }

    #[test]
    fn an_interval_that_is_too_short_or_too_long_is_refused() {
        for (interval, part) in
            [("999ms", "at least 1 s"), ("0s", "at least 1 s"), ("PT175000000H", "shorter")]
        {
            let every = When::Every { interval: interval.parse().unwrap(), anchor: None };
            let now = "2026-01-01T00:00:00Z".parse().unwrap();
            let error = every.next(now, now).unwrap_err();
            assert!(error.message().contains(part), "{}", error.message());
        }
    }
}

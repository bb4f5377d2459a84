//! Cron expressions, read by croner, in the time zones of jiff.

use std::cmp::Ordering;
use std::fmt::Display;

use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds};
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};
use stepwell::config::FieldError;

/// The first time after this one that an expression names.
pub(super) fn next(expression: &str, time_zone: &str, after: Timestamp) -> Result<Timestamp, FieldError> {
    let (cron, zone) = read(expression, time_zone)?;
    let found = cron.find_next_occurrence(&Local(after.to_zoned_datetime(zone)), false);
    Ok(found.map_err(|error| wrong(expression, &error))?.0.timestamp())
}

/// The first of the last so many times until `until` that an expression names; `from`, if that is later.
pub(super) fn first_of_last(
    (expression, time_zone): (&str, &str),
    (from, until): (Timestamp, Timestamp),
    most: u32,
) -> Result<Timestamp, FieldError> {
    // An expression names one time in a minute at most.
    if until.duration_since(from) < SignedDuration::from_mins(i64::from(most)) {
        return Ok(from);
    }
    let (cron, zone) = read(expression, time_zone)?;
    let mut first = Local(until.to_zoned_datetime(zone));
    for inclusive in (0..most).map(|found| found == 0) {
        first =
            cron.find_previous_occurrence(&first, inclusive).map_err(|error| wrong(expression, &error))?;
        if first.0.timestamp() <= from {
            return Ok(from);
        }
    }
    Ok(first.0.timestamp())
}

fn read(expression: &str, time_zone: &str) -> Result<(Cron, TimeZone), FieldError> {
    let zone = TimeZone::get(time_zone).map_err(|_| {
        FieldError::new(format!("`{time_zone}` is not a time zone; use one like `Europe/Berlin`"))
            .at("time_zone")
    })?;
    let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
    // croner passes over a part of a list that is not there.
    if expression
        .split([' ', '\t'])
        .any(|field| field.split(',').count() > 1 && field.split(',').any(str::is_empty))
    {
        return Err(wrong(expression, &"a list has an empty part"));
    }
    let cron = parser.parse(expression).map_err(|error| wrong(expression, &error))?;
    Ok((cron, zone))
}

fn wrong(expression: &str, error: &dyn Display) -> FieldError {
    FieldError::new(format!(
        "`{expression}` is not a cron expression ({error}); use one like `0 9 * * MON-FRI`"
    ))
    .at("expression")
}

/// A time in its zone, for croner.
#[derive(Clone)]
struct Local(ZonedDateTime);

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        let time = self.0.datetime();
        let part = |part: i8| u32::try_from(part).expect("a part of a time is not negative");
        let date = CivilDate::from_ymd_opt(i32::from(time.year()), part(time.month()), part(time.day()));
        let time = CivilTime::from_hms_opt(part(time.hour()), part(time.minute()), part(time.second()));
        CivilDateTime::new(date.expect("jiff's dates are"), time.expect("jiff's times are"))
    }

    fn civil_weekday(&self) -> Weekday {
        let days = self.0.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::try_from(days).expect("it counts from Sunday on"))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) = (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        let time =
            DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| CronError::InvalidDate)?;
        let ambiguous = self.0.time_zone().to_ambiguous_zoned_datetime(time);
        let invalid = |_| CronError::InvalidTime;
        Ok(match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => {
                Resolution::Single(Self(ambiguous.unambiguous().map_err(invalid)?))
            }
            AmbiguousOffset::Fold { .. } => Resolution::Ambiguous(
                Self(ambiguous.clone().earlier().map_err(invalid)?),
                Self(ambiguous.later().map_err(invalid)?),
            ),
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, zone: &str, after: &str, expected: &str) {
        let next = next(expression, zone, after.parse().unwrap());
        assert_eq!(next.unwrap(), expected.parse::<Timestamp>().unwrap());
    }

    #[test]
    fn t14_an_expression_is_read_in_its_time_zone() {
        check("0 9 * * *", "UTC", "2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z");
        check("0 9 * * *", "Europe/Berlin", "2026-03-01T07:59:59Z", "2026-03-01T08:00:00Z");
        check("*/15 * * * *", "UTC", "2026-03-01T09:07:30Z", "2026-03-01T09:15:00Z");
        check("0 9 * * MON-FRI", "UTC", "2026-03-06T09:00:00Z", "2026-03-09T09:00:00Z");
    }

    #[test]
    fn t14_a_time_that_the_clock_skips_or_repeats_comes_once() {
        // Clocks in Berlin go from 2:00 to 3:00 on 29 March 2026, and from 3:00 to 2:00 on 25 October.
        let skipped = next("30 2 29 3 *", "Europe/Berlin", "2026-03-28T12:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(skipped, "2026-03-29T01:00:00Z".parse::<Timestamp>().unwrap());
        check("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
        check("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z");
    }

    #[test]
    fn t14_what_comes_every_hour_comes_every_hour_while_the_clock_changes() {
        for night in ["2026-03-28T22:00:00Z", "2026-10-24T22:00:00Z"] {
            let mut time: Timestamp = night.parse().unwrap();
            for _ in 0..6 {
                let after = next("0 * * * *", "Europe/Berlin", time).unwrap();
                assert_eq!(after.duration_since(time), SignedDuration::from_hours(1), "{time}");
                time = after;
            }
        }
    }

    #[test]
    fn t14_the_last_so_many_times_are_found() {
        let time = |time: &str| time.parse::<Timestamp>().unwrap();
        let until = time("2026-03-10T12:00:30Z");
        for (expression, from, first) in [
            ("* * * * *", "2020-01-01T00:00:00Z", "2026-03-10T11:51:00Z"),
            ("* * * * *", "2026-03-10T11:51:00Z", "2026-03-10T11:51:00Z"),
            ("* * * * *", "2026-03-10T11:55:00Z", "2026-03-10T11:55:00Z"),
            ("0 12 * * *", "2020-01-01T12:00:00Z", "2026-03-01T12:00:00Z"),
            ("0 12 * * *", "2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
            ("0 12 * * *", "2026-03-07T12:00:00Z", "2026-03-07T12:00:00Z"),
        ] {
            let found = first_of_last((expression, "UTC"), (time(from), until), 10).unwrap();
            assert_eq!(found, time(first), "{expression} {from}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_field() {
        for (expression, zone, field) in [
            ("every day", "UTC", "expression"),
            ("* * * * * *", "UTC", "expression"),
            ("0 9 30 2 *", "UTC", "expression"),
            ("0 9 * * *", "Mars", "time_zone"),
        ] {
            let error = next(expression, zone, Timestamp::UNIX_EPOCH).unwrap_err();
            assert_eq!(error.path(), field, "{}", error.message());
        }
    }
}

//! Moments: RFC 3339 texts such as `2026-11-24T14:30:00Z`.
//!
//! Where a time zone matters it is an argument, an IANA name, and UTC if left out.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _, ZonedDateTime};
use minijinja::{Environment, Error};

use super::refuse;

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("parse_date", parse);
    environment.add_filter("format_date", format);
    environment.add_filter("in_timezone", in_timezone);
    environment.add_filter("add_duration", add);
    environment.add_filter("subtract_duration", subtract);
    environment.add_filter("difference", difference);
    environment.add_filter("start_of", start_of);
    environment.add_filter("end_of", end_of);
    environment.add_filter("timestamp", timestamp);
    environment.add_filter("from_timestamp", from_timestamp);
}

/// Reads a text by a strftime format.
fn parse(text: &str, format: &str, time_zone: Option<&str>) -> Result<String, Error> {
    let fits = |error| refuse(format!("The date does not fit the format `{format}`: {error}"));
    let parsed = jiff::fmt::strtime::parse(format, text).map_err(fits)?;
    if let Ok(moment) = parsed.to_timestamp() {
        return Ok(moment.to_string());
    }
    let local = parsed.to_datetime().or_else(|_| parsed.to_date().map(DateTime::from)).map_err(fits)?;
    Ok(local.to_zoned_datetime(zone(time_zone)?).map_err(out_of_range)?.timestamp().to_string())
}

fn format(text: &str, format: &str, time_zone: Option<&str>) -> Result<String, Error> {
    use std::fmt::Write as _;
    let moment = moment(text, time_zone)?;
    let mut written = String::new();
    write!(written, "{}", moment.strftime(format))
        .map_err(|_| refuse(format!("`{format}` is not a format; write it like `%Y-%m-%d %H:%M`")))?;
    Ok(written)
}

fn in_timezone(text: &str, time_zone: &str) -> Result<String, Error> {
    Ok(moment(text, Some(time_zone))?.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string())
}

fn add(text: &str, duration: &str, time_zone: Option<&str>) -> Result<String, Error> {
    shift(text, span(duration)?, time_zone)
}

fn subtract(text: &str, duration: &str, time_zone: Option<&str>) -> Result<String, Error> {
    shift(text, span(duration)?.negate(), time_zone)
}

fn shift(text: &str, span: Span, time_zone: Option<&str>) -> Result<String, Error> {
    let moment = moment(text, time_zone)?.checked_add(span).map_err(out_of_range)?;
    Ok(moment.timestamp().to_string())
}

/// How much later a moment is than another, in a unit.
fn difference(later: &str, earlier: &str, unit: Option<&str>) -> Result<f64, Error> {
    let seconds = moment(later, None)?.duration_since(&moment(earlier, None)?).as_secs_f64();
    let length = match unit.unwrap_or("seconds") {
        "seconds" => 1.0,
        "minutes" => 60.0,
        "hours" => 3_600.0,
        "days" => 86_400.0,
        "weeks" => 604_800.0,
        other => {
            return Err(refuse(format!(
                "`{other}` is not a unit; use `seconds`, `minutes`, `hours`, `days` or `weeks`"
            )));
        }
    };
    Ok(seconds / length)
}

fn start_of(text: &str, unit: &str, time_zone: Option<&str>) -> Result<String, Error> {
    Ok(start(&moment(text, time_zone)?, unit)?.timestamp().to_string())
}

/// The last nanosecond of a day, week or month.
fn end_of(text: &str, unit: &str, time_zone: Option<&str>) -> Result<String, Error> {
    let start = start(&moment(text, time_zone)?, unit)?;
    let length = match unit {
        "day" => 1.day(),
        "week" => 1.week(),
        _ => 1.month(),
    };
    let next = start.checked_add(length).map_err(out_of_range)?;
    Ok(next.timestamp().checked_add((-1).nanosecond()).map_err(out_of_range)?.to_string())
}

fn start(moment: &ZonedDateTime, unit: &str) -> Result<ZonedDateTime, Error> {
    let first = match unit {
        "day" => Ok(moment.clone()),
        "week" => moment.checked_sub(i64::from(moment.weekday().to_monday_zero_offset()).days()),
        "month" => moment.first_of_month(),
        other => return Err(refuse(format!("`{other}` is not a unit; use `day`, `week` or `month`"))),
    };
    first.and_then(|first| first.start_of_day()).map_err(out_of_range)
}

fn timestamp(text: &str) -> Result<i64, Error> {
    Ok(moment(text, None)?.timestamp().as_second())
}

fn from_timestamp(seconds: i64) -> Result<String, Error> {
    Ok(Timestamp::from_second(seconds).map_err(out_of_range)?.to_string())
}

/// Reads a moment, or a date or a time without an offset in the time zone.
fn moment(text: &str, time_zone: Option<&str>) -> Result<ZonedDateTime, Error> {
    let zone = zone(time_zone)?;
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment.to_zoned_datetime(zone));
    }
    let local: DateTime = text.parse().map_err(|_| {
        refuse("The text is not a date; write it like `2026-11-24` or `2026-11-24T14:30:00Z`, or read it with `parse_date`")
    })?;
    local.to_zoned_datetime(zone).map_err(out_of_range)
}

fn zone(name: Option<&str>) -> Result<TimeZone, Error> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name)
        .map_err(|_| refuse(format!("`{name}` is not a time zone; write it like `Europe/Berlin`, or `UTC`")))
}

fn span(text: &str) -> Result<Span, Error> {
    text.parse().map_err(|_| {
        refuse("The duration is not well-formed; write it like `30s`, `1h 30m`, `7d`, `1 month` or `PT1H30M`")
    })
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands over the error")]
fn out_of_range(error: jiff::Error) -> Error {
    refuse(format!("The moment is out of range: {error}"))
}

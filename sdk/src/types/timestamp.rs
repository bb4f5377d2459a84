//! A moment in time.

use std::fmt;
use std::ops::Deref;

use super::InvalidValue;
use super::text::text_type;

/// A moment in time, exact to the nanosecond, such as `2026-03-01T09:30:00Z`.
///
/// Follows RFC 3339: a date, a time and an offset from UTC. It is kept in UTC, so that the offset it came with is
/// not; the other forms of ISO 8601 that [`jiff::Timestamp`] reads, and the zone in brackets of RFC 9557, are
/// accepted. A time without an offset is refused, since it is another moment in each time zone.
///
/// A `Timestamp` derefs to a [`jiff::Timestamp`], and is made from one with `From`.
///
/// ```
/// use stepwell::types::Timestamp;
///
/// let timestamp: Timestamp = "2026-03-01T10:30:00+01:00".parse()?;
/// assert_eq!(timestamp.to_string(), "2026-03-01T09:30:00Z");
/// assert_eq!(timestamp.as_second(), 1_772_357_400);
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

text_type!(Timestamp, { "format": "date-time", "x-stepwell-widget": "timestamp" });

impl Timestamp {
    /// This moment, by the clock of the computer.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now())
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        if let Ok(timestamp) = text.parse() {
            return Ok(Self(timestamp));
        }
        let has_date_and_time = jiff::fmt::temporal::DateTimeParser::new().parse_datetime(text).is_ok()
            && text.contains([':', 'T', 't', ' ']);
        Err(InvalidValue::new(if has_date_and_time {
            "The timestamp has no offset from UTC; add it, such as `2026-03-01T09:30:00Z` or `…T10:30:00+01:00`"
        } else {
            "The timestamp is not a date, a time and an offset; write it such as `2026-03-01T09:30:00Z`"
        }))
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(timestamp: jiff::Timestamp) -> Self {
        Self(timestamp)
    }
}

impl From<Timestamp> for jiff::Timestamp {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.0
    }
}

impl Deref for Timestamp {
    type Target = jiff::Timestamp;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        for (text, normal) in [
            (" 2026-03-01T09:30:00Z\n", "2026-03-01T09:30:00Z"),
            ("2026-03-01t09:30:00.120z", "2026-03-01T09:30:00.12Z"),
            ("2026-03-01 10:30:00+01:00", "2026-03-01T09:30:00Z"),
            ("2026-03-01T10:30:00+01:00[Europe/Berlin]", "2026-03-01T09:30:00Z"),
            ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), normal);
        }
        for timestamp in [jiff::Timestamp::MIN, jiff::Timestamp::MAX] {
            assert_eq!(
                Timestamp::from(timestamp).to_string().parse::<Timestamp>().unwrap(),
                timestamp.into()
            );
        }
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let form =
            "The timestamp is not a date, a time and an offset; write it such as `2026-03-01T09:30:00Z`";
        let offset = "The timestamp has no offset from UTC; add it, such as `2026-03-01T09:30:00Z` or \
                      `…T10:30:00+01:00`";
        for (text, sentence) in [
            ("", form),
            ("tomorrow", form),
            ("1772357400", form),
            ("2026-03-01", form),
            ("2026-02-29T09:30:00Z", form),
            ("2026-03-01T25:30:00Z", form),
            ("2026-03-01T09:30:00", offset),
            ("2026-03-01 09:30", offset),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap_err().to_string(), sentence, "{text}");
        }
    }
}

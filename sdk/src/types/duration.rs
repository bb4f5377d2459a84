//! A length of time.

use std::fmt;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::InvalidValue;
use super::text::text_type;

/// An exact length of time, to the nanosecond, such as `PT1H30M`.
///
/// Follows ISO 8601, with weeks, days, hours, minutes and seconds; the smallest may have a fraction. As in workflow
/// files, the form that people write is accepted too: `1h 30m`. A day is 24 hours, and what is kept has hours as its
/// largest unit: `1d 12h` and `P1DT12H` become `PT36H`. Years and months are refused, since their length varies, and
/// so are negative durations. The longest is 631,107,417,600 seconds, about 20,000 years.
///
/// It converts to and from [`std::time::Duration`] and [`jiff::SignedDuration`]; what is too long or negative is
/// refused. It goes where the SDK takes a duration, such as
/// [`StepError::retry_after`](crate::error::StepError::retry_after).
///
/// ```
/// use stepwell::error::StepError;
/// use stepwell::types::Duration;
///
/// let duration: Duration = "P1DT12H".parse()?;
/// assert_eq!(duration, "36h".parse()?);
/// assert_eq!(duration.to_string(), "PT36H");
/// assert_eq!(duration.to_std(), std::time::Duration::from_secs(36 * 3600));
///
/// let error = StepError::retryable("the provider is closed").retry_after(duration);
/// # assert!(error.is_retryable());
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(SignedDuration);

/// What jiff reads back from ISO 8601: the time from the first to the last moment that it knows.
const LONGEST: SignedDuration = SignedDuration::from_secs(631_107_417_600);

text_type!(Duration, { "format": "duration", "x-stepwell-widget": "duration" });

impl Duration {
    /// The same length as the standard library has it.
    pub fn to_std(self) -> std::time::Duration {
        self.0.unsigned_abs()
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        let span: Span = text.parse().map_err(|_| {
            InvalidValue::new(
                "The duration is not well-formed; write it like `30s`, `1h 30m`, `7d` or `PT1H30M`",
            )
        })?;
        if span.get_years() != 0 || span.get_months() != 0 {
            return Err(InvalidValue::new(
                "The duration has years or months, whose length varies; write it in weeks, days or hours, such as `30d`",
            ));
        }
        span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| too_long())?.try_into()
    }
}

fn too_long() -> InvalidValue {
    InvalidValue::new("The duration is longer than 631107417600 seconds; shorten it")
}

impl TryFrom<SignedDuration> for Duration {
    type Error = InvalidValue;

    fn try_from(duration: SignedDuration) -> Result<Self, Self::Error> {
        if duration.is_negative() {
            return Err(InvalidValue::new("The duration is negative; write one that is not"));
        }
        if duration > LONGEST { Err(too_long()) } else { Ok(Self(duration)) }
    }
}

impl TryFrom<std::time::Duration> for Duration {
    type Error = InvalidValue;

    fn try_from(duration: std::time::Duration) -> Result<Self, Self::Error> {
        SignedDuration::try_from(duration).map_err(|_| too_long())?.try_into()
    }
}

impl From<Duration> for SignedDuration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.to_std()
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The alternate form (`{:#}`) of jiff is for people and not ISO 8601.
        write!(formatter, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        for (text, normal) in [
            ("PT0S", "PT0S"),
            (" PT90M\n", "PT1H30M"),
            ("pt1h30m", "PT1H30M"),
            ("P1W", "PT168H"),
            ("P1DT12H", "PT36H"),
            ("1h 30m", "PT1H30M"),
            ("5 minutes", "PT5M"),
            ("7d", "PT168H"),
            ("50ms", "PT0.05S"),
            ("PT0.5H", "PT30M"),
            ("PT0.000000001S", "PT0.000000001S"),
        ] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), normal);
        }
        let longest = Duration::try_from(LONGEST).unwrap();
        assert_eq!(longest.to_string().parse::<Duration>().unwrap(), longest);
        let long = LONGEST - SignedDuration::from_nanos(1);
        let long = Duration::try_from(long).unwrap();
        assert_eq!(long.to_string().parse::<Duration>().unwrap(), long);
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let form = "The duration is not well-formed; write it like `30s`, `1h 30m`, `7d` or `PT1H30M`";
        let varies = "The duration has years or months, whose length varies; write it in weeks, days or hours, such \
                      as `30d`";
        let negative = "The duration is negative; write one that is not";
        for (text, sentence) in [
            ("", form),
            ("90", form),
            ("soon", form),
            ("P", form),
            ("P1Y", varies),
            ("P1M", varies),
            ("1mo", varies),
            ("5m ago", negative),
            ("-PT1H", negative),
        ] {
            assert_eq!(text.parse::<Duration>().unwrap_err().to_string(), sentence, "{text}");
        }
        let too_long = "The duration is longer than 631107417600 seconds; shorten it";
        let error = Duration::try_from(std::time::Duration::MAX).unwrap_err();
        assert_eq!(error.to_string(), too_long);
        let error = "P7304484DT1H".parse::<Duration>().unwrap_err();
        assert_eq!(error.to_string(), too_long);
    }
}

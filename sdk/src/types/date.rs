//! A day of the calendar.

use std::fmt;
use std::ops::Deref;

use super::InvalidValue;
use super::text::text_type;

/// A day of the Gregorian calendar without a time zone, such as `2026-03-01`.
///
/// Follows ISO 8601 in its extended form, `YYYY-MM-DD`, and nothing else: `1.3.2026` and `03/01/26` mean different
/// days to different people.
///
/// A `Date` derefs to a [`jiff::civil::Date`], and is made from one with `From`.
///
/// ```
/// use stepwell::types::Date;
///
/// let date: Date = "2026-03-01".parse()?;
/// assert_eq!((date.year(), date.month(), date.day()), (2026, 3, 1));
/// assert_eq!(Date::from(date.yesterday().unwrap()).to_string(), "2026-02-28");
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(jiff::civil::Date);

text_type!(Date, { "format": "date", "x-stepwell-widget": "date" });

impl Date {
    fn parse(text: &str) -> Result<Self, InvalidValue> {
        let date: Option<jiff::civil::Date> = text.parse().ok();
        // jiff also reads the date out of a time, and other forms of ISO 8601.
        if let Some(date) = date.filter(|date| date.to_string() == text) {
            return Ok(Self(date));
        }
        let is_shaped = text.len() == 10
            && text.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        Err(InvalidValue::new(if is_shaped {
            "The date is not in the calendar; check its month and day"
        } else {
            "The date has another form than year, month and day; write it such as `2026-03-01`"
        }))
    }
}

impl From<jiff::civil::Date> for Date {
    fn from(date: jiff::civil::Date) -> Self {
        Self(date)
    }
}

impl From<Date> for jiff::civil::Date {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl Deref for Date {
    type Target = jiff::civil::Date;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        for (text, normal) in [(" 2024-02-29\n", "2024-02-29"), ("0001-01-01", "0001-01-01")] {
            assert_eq!(text.parse::<Date>().unwrap().to_string(), normal);
        }
        for date in [jiff::civil::Date::MIN, jiff::civil::Date::MAX] {
            assert_eq!(Date::from(date).to_string().parse::<Date>().unwrap(), date.into());
        }
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let form = "The date has another form than year, month and day; write it such as `2026-03-01`";
        let calendar = "The date is not in the calendar; check its month and day";
        for (text, sentence) in [
            ("", form),
            ("1.3.2026", form),
            ("20260301", form),
            ("2026-3-1", form),
            ("2026-W09-7", form),
            ("2026-03-01T09:30:00Z", form),
            ("2026-02-29", calendar),
            ("2026-13-01", calendar),
        ] {
            assert_eq!(text.parse::<Date>().unwrap_err().to_string(), sentence, "{text}");
        }
    }
}

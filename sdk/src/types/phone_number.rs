//! A phone number in international form.

use super::InvalidValue;
use super::text::{string_type, text_type};

/// A phone number in international form, such as `+4915112345678`.
///
/// Follows ITU-T E.164: a `+`, an assigned country code, and at most 15 digits in all. Spaces, hyphens, dots,
/// slashes and parentheses are dropped, and so is the `(0)` that stands for a prefix of calls within a country.
/// Numbers under `+1` have ten more digits; how long the numbers of other countries are is not checked, nor
/// whether the number is in use.
///
/// National forms and the prefixes `00` and `011` are refused, since what they mean depends on the caller's place.
///
/// ```
/// use stepwell::types::PhoneNumber;
///
/// let number: PhoneNumber = "+49 (0) 151 / 1234-5678".parse()?;
/// assert_eq!(number.as_str(), "+4915112345678");
/// assert_eq!((number.country_code(), number.national()), ("49", "15112345678"));
/// assert_eq!(number.to_uri(), "tel:+4915112345678");
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

/// E.164, 6.1: with its country code.
const MOST_DIGITS: usize = 15;

/// The shortest numbers in use, on small islands, have seven digits with their country code.
const FEWEST_DIGITS: usize = 7;

/// The digits of a number under `+1`, with the 1.
const NORTH_AMERICAN_DIGITS: usize = 11;

string_type!(PhoneNumber);
text_type!(PhoneNumber, { "format": "phone", "x-stepwell-widget": "phone" });

impl PhoneNumber {
    /// The country code without `+`: `49`, `1`. Several countries may share one.
    pub fn country_code(&self) -> &str {
        self.split().0
    }

    /// The digits after the country code.
    pub fn national(&self) -> &str {
        self.split().1
    }

    /// The URI of RFC 3966, for links: `tel:+4915112345678`.
    pub fn to_uri(&self) -> String {
        format!("tel:{}", self.0)
    }

    fn split(&self) -> (&str, &str) {
        let digits = &self.0[1..];
        digits.split_at(country_code_length(digits).expect("parsing required a country code"))
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        let invalid = |sentence| Err(InvalidValue::new(sentence));
        if text.is_empty() {
            return invalid("The phone number is empty; write one such as `+49 151 12345678`");
        }
        let Some(rest) = text.strip_prefix('+') else {
            return invalid(
                "The phone number has no country code; start it with `+` and the code, such as `+49 151 12345678`",
            );
        };
        let digits: String =
            rest.replace("(0)", "").chars().filter(|&character| !separates(character)).collect();
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return invalid(
                "The phone number has other characters than digits; write it such as `+49 151 12345678`, without \
                 an extension",
            );
        }
        let Some(length) = country_code_length(&digits) else {
            return invalid(
                "The phone number's country code is not assigned; check the digits after the `+`",
            );
        };
        if digits.len() > MOST_DIGITS {
            return invalid("The phone number has more than 15 digits; check it for a mistake");
        }
        let is_short = match &digits[..length] {
            "1" => digits.len() < NORTH_AMERICAN_DIGITS,
            _ => digits.len() < FEWEST_DIGITS,
        };
        if is_short {
            return invalid("The phone number has too few digits; write it in full with its area code");
        }
        if &digits[..length] == "1" && digits.len() > NORTH_AMERICAN_DIGITS {
            return invalid("The phone number has more than ten digits after `+1`; check it for a mistake");
        }
        Ok(Self(format!("+{digits}")))
    }
}

/// Whether people put the character between the digits of a number.
fn separates(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2013}')
}

/// How many digits the country code has. Unassigned codes have none.
///
/// The list of ITU-T E.164 assigned country codes; no code is the beginning of another.
fn country_code_length(digits: &str) -> Option<usize> {
    let digit = |index: usize| digits.as_bytes().get(index).map(|digit| digit - b'0');
    if matches!(digit(0)?, 1 | 7) {
        return Some(1);
    }
    let two = digit(0)? * 10 + digit(1)?;
    match two {
        20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98 => {
            return Some(2);
        }
        _ => {}
    }
    let third = digit(2)?;
    let is_assigned = match two {
        21 => matches!(third, 1..=3 | 6 | 8),
        22..=24 | 26 | 35 | 37 | 50 | 59 => true,
        25 | 96 => third != 9,
        29 => matches!(third, 0 | 1 | 7..=9),
        38 => !matches!(third, 4 | 8),
        42 => matches!(third, 0 | 1 | 3),
        67 => third != 1,
        68 => third != 4,
        69 => third <= 2,
        80 => matches!(third, 0 | 8),
        85 => matches!(third, 0 | 2 | 3 | 5 | 6),
        87 => matches!(third, 0 | 8),
        88 => matches!(third, 0..=3 | 6),
        97 => third != 8,
        99 => matches!(third, 2..=6 | 8),
        _ => false,
    };
    is_assigned.then_some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        for (text, normal, country_code) in [
            ("+4915112345678", "+4915112345678", "49"),
            (" +49 (0)151 / 12 34-56.78 ", "+4915112345678", "49"),
            ("+44 (0) 20 7946 0958", "+442079460958", "44"),
            ("+1 (202) 555‑0143", "+12025550143", "1"),
            ("+39 06 1234 5678", "+390612345678", "39"),
            ("+7\u{a0}495 123-45-67", "+74951234567", "7"),
            ("+683 4000", "+6834000", "683"),
            ("+353 1 234 5678", "+35312345678", "353"),
        ] {
            let number: PhoneNumber = text.parse().unwrap();
            assert_eq!((number.as_str(), number.country_code()), (normal, country_code));
        }
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let no_code = "The phone number has no country code; start it with `+` and the code, such as `+49 151 12345678`";
        let characters = "The phone number has other characters than digits; write it such as `+49 151 12345678`, \
                          without an extension";
        let unassigned = "The phone number's country code is not assigned; check the digits after the `+`";
        let short = "The phone number has too few digits; write it in full with its area code";
        for (text, sentence) in [
            ("", "The phone number is empty; write one such as `+49 151 12345678`"),
            ("0151 12345678", no_code),
            ("0049 151 12345678", no_code),
            ("+49 151 12345678 ext. 5", characters),
            ("+1 800 FLOWERS", characters),
            ("+49 +151 12345678", characters),
            ("+999 123 456 789", unassigned),
            ("+0 123 456 789", unassigned),
            ("+", unassigned),
            ("+49 123", short),
            ("+1 555 0143", short),
            (
                "+1 202 555 01434",
                "The phone number has more than ten digits after `+1`; check it for a mistake",
            ),
            ("+49 1234 5678 9012 34", "The phone number has more than 15 digits; check it for a mistake"),
        ] {
            assert_eq!(text.parse::<PhoneNumber>().unwrap_err().to_string(), sentence, "{text}");
        }
    }
}

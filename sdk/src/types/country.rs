//! A country.

use super::InvalidValue;
use super::text::{string_type, text_type};

/// A country, by its code of two letters in ISO 3166-1, such as `DE`.
///
/// Lower case is accepted and kept in upper case.
///
/// ```
/// use stepwell::types::Country;
///
/// assert_eq!("de".parse::<Country>()?.as_str(), "DE");
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(String);

string_type!(Country);
text_type!(Country, { "minLength": 2, "maxLength": 2, "x-stepwell-widget": "country" });

impl Country {
    fn parse(text: &str) -> Result<Self, InvalidValue> {
        let code = text.to_ascii_uppercase();
        // The empty code is one to the crate.
        if code.is_empty() || code.parse::<iso_currency::Country>().is_err() {
            return Err(InvalidValue::new(
                "The country is not known; use its code of two letters, such as `DE` or `GB`",
            ));
        }
        Ok(Self(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_or_refused() {
        let letters = || 'A'..='Z';
        let codes = letters().flat_map(|first| letters().map(move |second| format!("{first}{second}")));
        assert_eq!(codes.filter(|code| code.parse::<Country>().is_ok()).count(), 249);
        assert_eq!(" gb ".parse::<Country>().unwrap().as_str(), "GB");
        for text in ["", "UK", "XX", "DEU", "Germany"] {
            assert_eq!(
                text.parse::<Country>().unwrap_err().to_string(),
                "The country is not known; use its code of two letters, such as `DE` or `GB`"
            );
        }
    }
}

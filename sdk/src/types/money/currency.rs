//! The currency of an amount.

use std::fmt;

use crate::types::InvalidValue;
use crate::types::text::text_type;

/// A currency, by its code of three letters in ISO 4217, such as `EUR`.
///
/// Lower case is accepted and kept in upper case. A currency that has been replaced stays valid, for what was stored
/// before. Codes without a minor unit, such as `XAU` for gold, are refused.
///
/// ```
/// use stepwell::types::Currency;
///
/// let currency: Currency = "eur".parse()?;
/// assert_eq!((currency.code(), currency.name(), currency.decimal_places()), ("EUR", "Euro", 2));
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    currency: iso_currency::Currency,
    decimal_places: u16,
}

text_type!(Currency, { "minLength": 3, "maxLength": 3, "x-stepwell-widget": "currency" });

impl Currency {
    /// The code: `EUR`.
    pub fn code(self) -> &'static str {
        self.currency.code()
    }

    /// The English name: `Euro`.
    pub fn name(&self) -> &str {
        self.currency.name()
    }

    /// How many decimal places the minor unit stands for: 2 for `EUR`, 0 for `JPY`, 3 for `KWD`.
    pub fn decimal_places(self) -> u32 {
        self.decimal_places.into()
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        let known = iso_currency::Currency::from_code(&text.to_ascii_uppercase())
            .and_then(|currency| Some(Self { currency, decimal_places: currency.exponent()? }));
        known.ok_or_else(|| {
            InvalidValue::new(
                "The currency is not known; use its code of three letters, such as `EUR` or `USD`",
            )
        })
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Currency({})", self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_or_refused() {
        for (text, code, places) in
            [(" eur ", "EUR", 2), ("JPY", "JPY", 0), ("KWD", "KWD", 3), ("HRK", "HRK", 2)]
        {
            let currency: Currency = text.parse().unwrap();
            assert_eq!((currency.code(), currency.decimal_places()), (code, places));
        }
        for text in ["", "€", "EURO", "ABC", "XAU", "XXX"] {
            assert_eq!(
                text.parse::<Currency>().unwrap_err().to_string(),
                "The currency is not known; use its code of three letters, such as `EUR` or `USD`"
            );
        }
    }
}

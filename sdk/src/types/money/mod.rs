//! An amount of money.

mod currency;
mod json;

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

pub use self::currency::Currency;
use super::InvalidValue;

/// An amount of money in a currency, such as `12.50 EUR`.
///
/// The amount is exact: a whole number of the currency's minor unit (ISO 4217), from -2⁶³ to 2⁶³ - 1 of it. An amount
/// with more decimal places than the currency has is refused, since only the author can say how to round it.
///
/// Its JSON is `{ "amount": "12.50", "currency": "EUR" }`. A number is accepted as the amount, though a text is
/// exact however long it is.
///
/// ```
/// use stepwell::types::{Decimal, Money};
///
/// let price: Money = "12.5 EUR".parse()?;
/// assert_eq!(price.to_string(), "12.50 EUR");
/// assert_eq!((price.amount(), price.minor()), (Decimal::new(1250, 2), 1250));
///
/// let vat = price.amount() * Decimal::new(19, 2);
/// assert_eq!(Money::new(vat.round_dp(2), price.currency())?.to_string(), "2.38 EUR");
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount in the currency's main unit: 12.50 euros.
    ///
    /// # Errors
    ///
    /// When the amount has more decimal places than the currency, or more digits than can be exact.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, InvalidValue> {
        let places = currency.decimal_places();
        let amount = amount.normalize();
        if amount.scale() > places {
            let code = currency.code();
            return Err(InvalidValue::new(match places {
                0 => {
                    format!("The amount has decimal places, which {code} has not; round it to a whole number")
                }
                _ => format!("The amount has more decimal places than {code}, which has {places}; round it"),
            }));
        }
        let factor = 10_i128.pow(places - amount.scale());
        let minor = amount.mantissa().checked_mul(factor).and_then(|minor| minor.try_into().ok());
        Ok(Self { minor: minor.ok_or_else(too_long)?, currency })
    }

    /// An amount in the currency's minor unit, as many payment services count: 1250 cents.
    pub fn from_minor(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The amount in the currency's main unit, with all its decimal places: 12.50.
    pub fn amount(self) -> Decimal {
        Decimal::new(self.minor, self.currency.decimal_places())
    }

    /// The amount in the currency's minor unit: 1250.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }
}

fn too_long() -> InvalidValue {
    InvalidValue::new("The amount has more digits than can be exact; check it for a mistake")
}

impl crate::data::Data for Money {}

impl crate::config::ConfigField for Money {}

/// Reads a decimal number as JSON has it, without exponents.
fn parse_amount(text: &str) -> Result<Decimal, InvalidValue> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(InvalidValue::new(
            "The amount is not a decimal number; write it with a point and nothing between the thousands, such as \
             `1234.50`",
        ));
    }
    Decimal::from_str_exact(text).map_err(|_| too_long())
}

impl FromStr for Money {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (amount, currency) = text.trim().rsplit_once(char::is_whitespace).ok_or_else(|| {
            InvalidValue::new(
                "The amount of money is not a number and a currency; write it such as `12.50 EUR`",
            )
        })?;
        Self::new(parse_amount(amount.trim_end())?, currency.parse()?)
    }
}

impl TryFrom<&str> for Money {
    type Error = InvalidValue;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for Money {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.amount(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepted_forms_are_normalised() {
        for (text, normal) in [
            ("12.5 EUR", "12.50 EUR"),
            (" -0.01  usd ", "-0.01 USD"),
            ("-0 EUR", "0.00 EUR"),
            ("1000.00 JPY", "1000 JPY"),
            ("1.2340 KWD", "1.234 KWD"),
            ("007 CHF", "7.00 CHF"),
            ("92233720368547758.07 EUR", "92233720368547758.07 EUR"),
            ("-92233720368547758.08 EUR", "-92233720368547758.08 EUR"),
        ] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), normal);
        }
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let form = "The amount of money is not a number and a currency; write it such as `12.50 EUR`";
        let amount = "The amount is not a decimal number; write it with a point and nothing between the thousands, \
                      such as `1234.50`";
        let long = "The amount has more digits than can be exact; check it for a mistake";
        for (text, sentence) in [
            ("", form),
            ("12.50EUR", form),
            ("12,50 EUR", amount),
            ("1_000 EUR", amount),
            ("1 000 EUR", amount),
            ("1e3 EUR", amount),
            ("+1 EUR", amount),
            (".5 EUR", amount),
            ("5. EUR", amount),
            ("12.50 €", "The currency is not known; use its code of three letters, such as `EUR` or `USD`"),
            ("0.005 EUR", "The amount has more decimal places than EUR, which has 2; round it"),
            ("0.5 JPY", "The amount has decimal places, which JPY has not; round it to a whole number"),
            ("92233720368547758.08 EUR", long),
            ("99999999999999999999999999999999 EUR", long),
        ] {
            assert_eq!(text.parse::<Money>().unwrap_err().to_string(), sentence, "{text}");
        }
    }
}

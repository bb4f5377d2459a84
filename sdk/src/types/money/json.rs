//! Money in JSON.

use std::borrow::Cow;
use std::fmt;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error as _, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::{Currency, Money, parse_amount};

/// The JSON of money.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Money", deny_unknown_fields)]
struct Json {
    amount: Amount,
    currency: Currency,
}

struct Amount(Decimal);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Amount;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an amount such as \"12.50\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
                parse_amount(text.trim()).map(Amount).map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, amount: i64) -> Result<Amount, E> {
                Ok(Amount(amount.into()))
            }

            fn visit_u64<E: serde::de::Error>(self, amount: u64) -> Result<Amount, E> {
                Ok(Amount(amount.into()))
            }

            fn visit_f64<E: serde::de::Error>(self, amount: f64) -> Result<Amount, E> {
                if !amount.is_finite() {
                    return Err(E::invalid_type(Unexpected::Float(amount), &self));
                }
                // The shortest decimal that is this float: what the number was in the JSON.
                self.visit_str(&amount.to_string())
            }
        }

        deserializer.deserialize_any(Text)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Json { amount: Amount(self.amount()), currency: self.currency }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Json { amount: Amount(amount), currency } = Json::deserialize(deserializer)?;
        Self::new(amount, currency).map_err(D::Error::custom)
    }
}

impl JsonSchema for Money {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut currency = Currency::json_schema(generator);
        currency.insert("title".to_owned(), "Currency".into());
        json_schema!({
            "type": "object",
            "properties": {
                "amount": { "title": "Amount", "type": ["string", "number"], "format": "decimal" },
                "currency": currency,
            },
            "required": ["amount", "currency"],
            "additionalProperties": false,
            "x-stepwell-widget": "money",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_in_json_are_the_decimals_that_they_look_like() {
        for (amount, minor) in
            [(json!("12.50"), 1250), (json!(12.1), 1210), (json!(12), 1200), (json!(-3), -300)]
        {
            let money: Money =
                serde_json::from_value(json!({ "amount": amount, "currency": "EUR" })).unwrap();
            assert_eq!(money, Money::from_minor(minor, "EUR".parse().unwrap()));
        }
        let error =
            serde_json::from_value::<Money>(json!({ "amount": 0.1 + 0.2, "currency": "EUR" })).unwrap_err();
        assert_eq!(error.to_string(), "The amount has more decimal places than EUR, which has 2; round it");
    }
}

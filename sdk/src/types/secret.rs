//! A value that must not be shown.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::data::Data;

/// A value that must not be shown, such as a token or a password.
///
/// Printing it, in whatever form, prints `[secret]`; [`expose`](Secret::expose) gives the value. Its memory is
/// overwritten when it is dropped, as is that of every clone. Two secret texts are compared in constant time.
///
/// Its JSON is the value itself, since the engine hands a state or a registration to the next handler. In a config the
/// engine keeps it encrypted, in drafts and in the records of runs, and shows `[secret]`; states, registrations and
/// values of `once` are encrypted as a whole. The data of an outcome is what later steps and people see: it is kept as it
/// is, a secret among it too.
///
/// The value is text, a number or a list of them. A type of your own has `Secret` fields instead of being one.
///
/// ```
/// use stepwell::types::Secret;
///
/// let token = Secret::new("xoxb-1234".to_owned());
/// assert_eq!(format!("{token} {token:?}"), "[secret] [secret]");
/// assert_eq!(format!("Bearer {}", token.expose()), "Bearer xoxb-1234");
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize = String>(Zeroizing<T>);

/// What is shown in place of a secret.
const SHOWN: &str = "[secret]";

impl<T: Zeroize> Secret<T> {
    /// Keeps a value from being shown.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value. Whoever exposes it takes care that it is not shown.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self::new(value.to_owned())
    }
}

impl<T: Zeroize + FromStr> FromStr for Secret<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::new)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(SHOWN)
    }
}

impl<T: Zeroize> fmt::Display for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(SHOWN)
    }
}

// The time that a comparison of text takes tells how much of it was right.
impl PartialEq for Secret<String> {
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret<String> {}

impl<T: Zeroize + Serialize> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.expose().serialize(serializer)
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // What serde says of a wrong value shows it.
        T::deserialize(deserializer).map(Self::new).map_err(|_| {
            D::Error::custom("The secret has another type than it should; see the block's config")
        })
    }
}

impl<T: Zeroize + JsonSchema> JsonSchema for Secret<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Secret_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("writeOnly".to_owned(), true.into());
        schema.insert("x-stepwell-widget".to_owned(), "secret".into());
        schema
    }
}

impl<T: Data + Zeroize> Data for Secret<T> {}

impl<T: crate::config::ConfigField + Zeroize> crate::config::ConfigField for Secret<T> {
    fn checks_within<'v>(value: &'v serde_json::Value, found: &mut Vec<crate::config::Checks<'v>>) {
        T::checks_within(value, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        #[derive(Debug)]
        #[expect(dead_code, reason = "read by `Debug`")]
        struct Config {
            token: Secret,
            pins: Vec<Secret<u32>>,
        }

        let config = Config { token: "hunter2".into(), pins: vec![Secret::new(1234)] };
        assert_eq!(format!("{config:?}"), "Config { token: [secret], pins: [[secret]] }");
        assert!(!format!("{config:#?} {:>20}", config.token).contains("hunter2"));
    }

    #[test]
    fn a_value_of_another_type_is_refused_without_showing_it() {
        let error = serde_json::from_value::<Secret>(json!(1234)).unwrap_err();
        assert_eq!(error.to_string(), "The secret has another type than it should; see the block's config");
        serde_json::from_value::<Secret<u8>>(json!(1234)).unwrap_err();
    }

    #[test]
    fn its_json_is_the_value() {
        let token: Secret = serde_json::from_value(json!("hunter2")).unwrap();
        assert_eq!(token, Secret::from("hunter2"));
        assert_ne!(token, Secret::from("hunter3"));
        assert_eq!(serde_json::to_value(&token).unwrap(), json!("hunter2"));
    }
}

//! The name of a person.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::InvalidValue;
use super::line::line;

/// The name of a person: a first name, a last name, or both.
///
/// Its JSON is `{ "first_name": "Ada", "last_name": "Lovelace" }`. White space around a name is dropped, and within it
/// is one space. Each has at most 100 characters. A name is not read from one text: where it would be split is for
/// its bearer to say.
///
/// ```
/// use stepwell::types::PersonName;
///
/// let name = PersonName::new(" Ada", "King  Lovelace")?;
/// assert_eq!((name.first_name(), name.last_name()), (Some("Ada"), Some("King Lovelace")));
/// assert_eq!(name.full_name(), "Ada King Lovelace");
/// # Ok::<(), stepwell::types::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Json", into = "Json")]
pub struct PersonName(Json);

/// Longer names exist and are cut wherever they are printed.
const MOST_CHARACTERS: usize = 100;

impl PersonName {
    /// A name of two parts, of which one may be empty.
    ///
    /// # Errors
    ///
    /// When both are empty, one is too long, or one has control characters.
    pub fn new(first_name: &str, last_name: &str) -> Result<Self, InvalidValue> {
        let first_name = line("The first name", Some(first_name), MOST_CHARACTERS)?;
        let last_name = line("The last name", Some(last_name), MOST_CHARACTERS)?;
        if first_name.is_none() && last_name.is_none() {
            return Err(InvalidValue::new("The name is empty; give a first name, a last name or both"));
        }
        Ok(Self(Json { first_name, last_name }))
    }

    /// The given name.
    pub fn first_name(&self) -> Option<&str> {
        self.0.first_name.as_deref()
    }

    /// The family name.
    pub fn last_name(&self) -> Option<&str> {
        self.0.last_name.as_deref()
    }

    /// The first name and the last name, as far as they are known.
    pub fn full_name(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = self.first_name().into_iter().chain(self.last_name()).collect();
        formatter.pad(&parts.join(" "))
    }
}

/// The JSON of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename = "PersonName", deny_unknown_fields)]
#[schemars(description = "", extend("minProperties" = 1, "x-stepwell-widget" = "person_name"))]
struct Json {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "First name")]
    first_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(title = "Last name")]
    last_name: Option<String>,
}

impl TryFrom<Json> for PersonName {
    type Error = InvalidValue;

    fn try_from(json: Json) -> Result<Self, Self::Error> {
        let part = |part: Option<String>| part.unwrap_or_default();
        Self::new(&part(json.first_name), &part(json.last_name))
    }
}

impl From<PersonName> for Json {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

impl JsonSchema for PersonName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PersonName".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Json::json_schema(generator)
    }
}

impl crate::data::Data for PersonName {}

impl crate::config::ConfigField for PersonName {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_part_is_enough() {
        for (json, full_name) in [
            (json!({ "first_name": " Ada ", "last_name": "Lovelace" }), "Ada Lovelace"),
            (json!({ "first_name": "Plato" }), "Plato"),
            (json!({ "first_name": null, "last_name": "Lovelace" }), "Lovelace"),
            (json!({ "first_name": "", "last_name": "van  der\tBerg" }), "van der Berg"),
        ] {
            assert_eq!(serde_json::from_value::<PersonName>(json).unwrap().full_name(), full_name);
        }
        let plato = PersonName::new("Plato", "").unwrap();
        assert_eq!(serde_json::to_value(plato).unwrap(), json!({ "first_name": "Plato" }));
    }

    #[test]
    fn refused_forms_say_how_to_mend_them() {
        let long = "a".repeat(101);
        for (json, sentence) in [
            (json!({}), "The name is empty; give a first name, a last name or both"),
            (json!({ "first_name": " " }), "The name is empty; give a first name, a last name or both"),
            (json!({ "last_name": "a\0" }), "The last name has control characters; remove them"),
            (json!({ "first_name": long }), "The first name is longer than 100 characters; shorten it"),
        ] {
            assert_eq!(serde_json::from_value::<PersonName>(json).unwrap_err().to_string(), sentence);
        }
        serde_json::from_value::<PersonName>(json!({ "name": "Ada" })).unwrap_err();
    }
}

//! What the expansion of `#[derive(Outcomes)]` calls.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::config::{schema_generator, schema_of};
use crate::data::Data;
use crate::outcome::{Outcome, OutcomeDescription};

/// The description of one outcome.
pub fn describe(
    id: &str,
    title: &str,
    description: Option<&str>,
    schema: Option<Schema>,
) -> OutcomeDescription {
    OutcomeDescription {
        id: id.to_owned(),
        title: title.to_owned(),
        description: description.map(str::to_owned),
        schema,
    }
}

/// The schema of an outcome's data that is one type.
pub fn schema<T: Data>() -> Schema {
    schema_of::<T>()
}

/// An outcome that carries nothing.
pub fn without_data(id: &str) -> Outcome {
    Outcome { id: id.to_owned(), data: Value::Null }
}

/// An outcome that carries a value of one type.
pub fn with_data<T: Data>(id: &str, data: &T) -> Result<Outcome, serde_json::Error> {
    Ok(Outcome { id: id.to_owned(), data: serde_json::to_value(data)? })
}

/// The schema of an outcome's data that is named fields. All of them are always present.
#[derive(Debug)]
pub struct FieldSchemas {
    generator: SchemaGenerator,
    properties: Map<String, Value>,
}

impl FieldSchemas {
    /// Without fields.
    #[expect(clippy::new_without_default, reason = "only expansions call it")]
    pub fn new() -> Self {
        Self { generator: schema_generator(), properties: Map::new() }
    }

    /// Adds a field.
    #[must_use]
    pub fn field<T: Data>(mut self, name: &str, title: Option<&str>, description: Option<&str>) -> Self {
        let mut schema = self.property::<T>();
        for (key, text) in [("title", title), ("description", description)] {
            if let Some(text) = text {
                schema.insert(key.to_owned(), text.into());
            }
        }
        self.properties.insert(name.to_owned(), schema.into());
        self
    }

    /// The schema of the object.
    pub fn into_schema(mut self) -> Schema {
        let required: Vec<Value> = self.properties.keys().map(|name| name.as_str().into()).collect();
        let mut schema = Schema::default();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), self.properties.into());
        schema.insert("required".to_owned(), required.into());
        let definitions = self.generator.take_definitions(true);
        if !definitions.is_empty() {
            schema.insert("$defs".to_owned(), definitions.into());
        }
        schema
    }

    fn property<T: JsonSchema>(&mut self) -> Schema {
        let mut schema = self.generator.subschema_for::<T>();
        // A schema that allows everything may be `true`, which has no room for a title.
        schema.ensure_object();
        schema
    }
}

/// The values of an outcome's named fields.
#[derive(Debug)]
pub struct FieldValues(Map<String, Value>);

impl FieldValues {
    /// Without fields.
    #[expect(clippy::new_without_default, reason = "only expansions call it")]
    pub fn new() -> Self {
        Self(Map::new())
    }

    /// Adds a field.
    pub fn field<T: Data>(mut self, name: &str, value: &T) -> Result<Self, serde_json::Error> {
        self.0.insert(name.to_owned(), serde_json::to_value(value)?);
        Ok(self)
    }

    /// The outcome with these fields as its data.
    pub fn into_outcome(self, id: &str) -> Outcome {
        Outcome { id: id.to_owned(), data: self.0.into() }
    }
}

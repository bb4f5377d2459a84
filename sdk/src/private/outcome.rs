//! What the expansion of `#[derive(Outcomes)]` calls.

use std::any::TypeId;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::config::{schema_generator, schema_of};
use crate::data::Data;
use crate::outcome::{Named, Outcome, OutcomeDescription};

/// The description of one outcome.
pub fn describe(
    id: &str,
    title: &str,
    description: Option<&str>,
    schema: Option<Schema>,
) -> OutcomeDescription {
    OutcomeDescription {
        description: description.map(str::to_owned),
        schema,
        ..OutcomeDescription::new(id, title)
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

/// What an outcome with `each` carries.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which of the outcomes it is",
    label = "expected `Named`, or `Named<MyData>`",
    note = "`each` makes an outcome of each name in the config, so that the outcome carries the name"
)]
pub trait NamesOutcome: Sized {
    /// The schema of the data; `None` if there are none.
    fn schema() -> Option<Schema>;

    /// The outcome that is named.
    fn into_outcome(self) -> Result<Outcome, serde_json::Error>;
}

impl<D: Data> NamesOutcome for Named<D> {
    fn schema() -> Option<Schema> {
        (TypeId::of::<D>() != TypeId::of::<()>()).then(schema_of::<D>)
    }

    fn into_outcome(self) -> Result<Outcome, serde_json::Error> {
        Ok(Outcome { id: self.id, data: serde_json::to_value(self.data)? })
    }
}

/// The schema of the data of an outcome with `each`.
pub fn named_schema<T: NamesOutcome>() -> Option<Schema> {
    T::schema()
}

/// An outcome with `each`.
pub fn named<T: NamesOutcome>(data: T) -> Result<Outcome, serde_json::Error> {
    data.into_outcome()
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

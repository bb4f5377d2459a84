//! Configs: what a person sets on a block instance.

mod check;
mod checks;
mod condition;

use std::fmt::Debug;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value};

pub use self::check::{FieldCheck, FieldError};
pub use self::checks::Checks;
pub use self::condition::Condition;

use crate::data::Data;

/// What a person sets on a block instance.
///
/// Put [`#[config]`](macro@crate::config) on a struct with named fields; it derives what this needs, reads labels and
/// help from the doc comments, and refuses fields that the struct does not have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a config",
    label = "this type is not `#[config]`",
    note = "put `#[config]` on the struct; a block without settings takes `NoConfig`"
)]
pub trait Config: ConfigField {
    /// The names of its fields, as its JSON has them.
    const FIELDS: &'static [&'static str];

    /// Its own rules that the schema cannot say; those of configs within are theirs.
    const CHECKS: &'static [FieldCheck] = &[];

    /// The rules for a config of this type, with those for the configs within it.
    fn checks(config: &Value) -> Vec<Checks<'_>> {
        let mut found = Vec::new();
        Self::checks_within(config, &mut found);
        found
    }
}

/// The type of a field of a config.
///
/// [`#[data]`](macro@crate::data) and [`#[config]`](macro@crate::config) make one of yours. Numbers, strings and the
/// [types for fields](crate::types) are fields already, and so are options, boxes, vectors, sets and maps of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a config",
    label = "this type is not `#[data]`",
    note = "put `#[data]` on the type, or `#[config]` if its fields have `#[field(…)]`"
)]
pub trait ConfigField: Data + Clone + Debug {
    /// Adds the configs within a value that have rules, the value itself among them, to `found`.
    ///
    /// The value is JSON and need not be one of this type: some of it may be wrong, or an expression that nobody has
    /// evaluated yet. What is not to be made sense of has no configs.
    fn checks_within<'v>(_value: &'v Value, _found: &mut Vec<Checks<'v>>) {}
}

/// The config of a block that has no settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

impl Data for NoConfig {}

impl ConfigField for NoConfig {}

impl Config for NoConfig {
    const FIELDS: &'static [&'static str] = &[];
}

/// A config with the defaults of its schema in the place of fields that are left out: what conditions are judged by.
///
/// Fields of fields are left as they are.
pub fn with_defaults(config: &Value, schema: &Schema) -> Value {
    let mut filled = config.as_object().cloned().unwrap_or_default();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter);
    for (name, property) in properties {
        if let Some(default) = property.get("default")
            && !filled.contains_key(name)
        {
            filled.insert(name.clone(), default.clone());
        }
    }
    Value::Object(filled)
}

/// The JSON schema (draft 2020-12) of a type, with nested types inlined, as manifests carry it.
pub fn schema_of<T: JsonSchema>() -> Schema {
    schema_generator().into_root_schema_for::<T>()
}

/// Generates schemas as manifests carry them.
pub(crate) fn schema_generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    SchemaGenerator::new(settings)
}

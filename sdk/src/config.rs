//! Configs: what a person sets on a block instance.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;

/// What a person sets on a block instance.
///
/// Put [`#[config]`](macro@crate::config) on a struct with named fields; it derives what this needs, reads labels and
/// help from the doc comments, and refuses fields that the struct does not have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a config",
    label = "this type is not `#[config]`",
    note = "put `#[config]` on the struct; a block without settings takes `NoConfig`"
)]
pub trait Config: DeserializeOwned + JsonSchema + Send + 'static {}

/// The config of a block that has no settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

impl Config for NoConfig {}

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

//! Outcomes: what a block can result in.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The outcomes of a block, as an enum with one variant per outcome.
///
/// `outcomes(…)` in [`#[step]`](macro@crate::step) and [`#[trigger]`](macro@crate::trigger) generates such an enum. Where
/// several blocks share one, write it yourself with [`#[derive(Outcomes)]`](derive@crate::Outcomes).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an outcome type",
    label = "expected the enum that `outcomes(…)` generates, or one with `#[derive(Outcomes)]`"
)]
pub trait Outcomes: Sized + Send + 'static {
    /// Every outcome that the block can have, in the order of declaration.
    fn descriptions() -> Vec<OutcomeDescription>;

    /// This outcome's id and its data as JSON.
    ///
    /// # Errors
    ///
    /// When the data has no JSON form, for instance a map whose keys are not strings.
    fn into_outcome(self) -> Result<Outcome, serde_json::Error>;
}

/// One outcome, in the form that the engine records: its id and its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The outcome's id, in `snake_case`, unique within the block.
    pub id: String,
    /// The outcome's data; `null` where the outcome carries none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

/// What a manifest says of one outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeDescription {
    /// The outcome's id, in `snake_case`, unique within the block.
    pub id: String,
    /// A short name for people.
    pub title: String,
    /// What it means that the block ended so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON schema (draft 2020-12) of the outcome's data; missing where it carries none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
}

impl OutcomeDescription {
    /// An outcome that carries nothing.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self { id: id.into(), title: title.into(), description: None, schema: None }
    }
}

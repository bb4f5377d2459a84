//! Outcomes: what a block can result in.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Condition;

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
    /// What must hold of the config of an instance for it to have the outcome: all of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// The field of the config that names the outcomes which take this one's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
}

impl OutcomeDescription {
    /// An outcome that carries nothing.
    pub fn new(id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            description: None,
            schema: None,
            when: Vec::new(),
            each: None,
        }
    }

    /// The same for instances of whose config all of these hold.
    #[must_use]
    pub fn when(self, when: Vec<Condition>) -> Self {
        Self { when, ..self }
    }

    /// The same once for each name in a field of the config.
    #[must_use]
    pub fn each(self, field: impl Into<String>) -> Self {
        Self { each: Some(field.into()), ..self }
    }

    /// The ids under which an instance with this config has the outcome: none if it does not have it, several where
    /// the config names them. The config's defaults are filled in, as [`with_defaults`](crate::config::with_defaults)
    /// does.
    ///
    /// ```
    /// use serde_json::json;
    /// use stepwell::outcome::OutcomeDescription;
    ///
    /// let case = OutcomeDescription::new("case", "Case").each("cases");
    /// assert_eq!(case.ids(&json!({ "cases": ["small", "large"] })), ["small", "large"]);
    /// ```
    pub fn ids(&self, config: &Value) -> Vec<String> {
        if !self.when.iter().all(|condition| condition.holds(config)) {
            return Vec::new();
        }
        match &self.each {
            None => vec![self.id.clone()],
            Some(field) => names(config, field).into_iter().map(|name| name.id).collect(),
        }
    }
}

/// The id of an outcome that a config names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfiguredName {
    /// Where it stands in the config, such as `cases.1` or `cases.1.name`.
    pub path: String,
    /// The id.
    pub id: String,
}

/// The ids in a field of a config, in order: the texts of a list, the `name` (or `id`) of each item of a list, or the
/// keys of a map. What is none of these is left out.
pub fn names(config: &Value, field: &str) -> Vec<ConfiguredName> {
    let name = |path: String, id: &str| ConfiguredName { path, id: id.to_owned() };
    match config.get(field) {
        Some(Value::Array(items)) => items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                Value::String(id) => Some(name(format!("{field}.{index}"), id)),
                item => ["name", "id"]
                    .into_iter()
                    .find_map(|key| Some(name(format!("{field}.{index}.{key}"), item.get(key)?.as_str()?))),
            })
            .collect(),
        Some(Value::Object(fields)) => fields.keys().map(|id| name(format!("{field}.{id}"), id)).collect(),
        _ => Vec::new(),
    }
}

/// The data of an outcome that the config names: which of the names it is, and what it carries.
///
/// An outcome with `#[outcome(each = "cases")]` carries this. An id that the config does not name leads nowhere: no
/// edge can follow it.
///
/// ```
/// use stepwell::outcome::Named;
///
/// let small = Named::new("small");
/// let large = Named::new("large").with(12_u32);
/// assert_eq!((small.id.as_str(), large.data), ("small", 12));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<D = ()> {
    /// The id of the outcome.
    pub id: String,
    /// What it carries.
    pub data: D,
}

impl Named {
    /// An outcome that carries nothing.
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), data: () }
    }
}

impl<D> Named<D> {
    /// The same with these data.
    pub fn with<E>(self, data: E) -> Named<E> {
        Named { id: self.id, data }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_outcome_exists_under_its_conditions() {
        let kind = Condition { field: "kind".into(), any_of: Some(vec![json!("issue")]) };
        let company = Condition { field: "company".into(), any_of: None };
        let opened = OutcomeDescription::new("opened", "Opened").when(vec![kind, company]);
        assert_eq!(opened.ids(&json!({ "kind": "issue", "company": "x" })), ["opened"]);
        assert!(opened.ids(&json!({ "kind": "issue" })).is_empty());
        assert!(opened.ids(&json!({ "kind": "pull", "company": "x" })).is_empty());
    }

    #[test]
    fn a_config_names_outcomes_in_a_list_or_a_map() {
        let case = OutcomeDescription::new("case", "Case").each("cases");
        for cases in [
            json!(["small", "large"]),
            json!([{ "name": "small" }, { "name": "large", "id": "x" }]),
            json!([{ "id": "small" }, { "id": "large" }]),
            json!({ "small": 1, "large": null }),
            json!(["small", 7, { "other": 1 }, "large"]),
        ] {
            assert_eq!(case.ids(&json!({ "cases": cases })), ["small", "large"], "{cases}");
        }
        assert!(case.ids(&json!({})).is_empty());
        let paths: Vec<_> = names(&json!({ "cases": [{ "name": "a" }, "b"] }), "cases").into_iter().collect();
        assert_eq!((paths[0].path.as_str(), paths[1].path.as_str()), ("cases.0.name", "cases.1"));
    }
}

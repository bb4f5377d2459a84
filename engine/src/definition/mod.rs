//! Workflow definitions: the files that the CLI applies and the drafts that the editor writes.

mod calls;
mod catalog;
mod check;
mod connections;
pub(crate) mod control;
mod duration;
mod export;
pub(crate) mod field;
mod formats;
mod graph;
pub(crate) mod inputs;
mod lines;
mod misfit;
mod outcomes;
mod parse;
mod schema;
mod scopes;
mod shape;
mod source;
#[cfg(test)]
mod tests;
mod types;
mod whole;

use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use calls::{Callable, call_problems};
pub use catalog::{Catalog, CatalogBlock, CatalogConnection};
pub use check::check;
pub use connections::{NeededConnection, needed_connections};
pub(crate) use duration::read as read_duration;
pub(crate) use graph::{passed_before, reachable_from};
pub(crate) use lines::{Lines, Place};
pub use parse::{Parsed, is_connection_name, is_workflow_id};
pub(crate) use parse::{field, unknown};
pub use schema::file_schema;
pub use source::Source;

/// A workflow: one trigger and the steps that follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// A short title for people.
    pub title: String,
    /// What the workflow is for.
    pub description: Option<String>,
    /// How many runs may go on at once, if that is bounded.
    pub concurrency: Option<Concurrency>,
    /// How long a run may be active; waiting does not count.
    pub time_limit: Option<Duration>,
    /// The first steps of the error handler.
    pub on_error: Vec<String>,
    /// The trigger.
    pub trigger: TriggerInstance,
    /// The steps by id, in the order of the file.
    pub steps: IndexMap<String, StepInstance>,
}

/// How many runs of a workflow may go on at once. Others are queued, in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concurrency {
    /// The number, 1 to 1,000.
    pub limit: u32,
    /// What the number is counted by, with expressions over `trigger` and `workflow`; none counts all runs
    /// together.
    pub key: Option<String>,
}

/// The trigger of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct TriggerInstance {
    /// The block's id.
    pub block: String,
    /// The name of the connection that it uses; without it, the default one, or none where the block runs without.
    pub connection: Option<String>,
    /// The config.
    pub config: Value,
    /// Where each outcome leads.
    pub on: Edges,
}

/// A step of a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct StepInstance {
    /// The block's id.
    pub block: String,
    /// The name of the connection that it uses; without it, the default one, or none where the block runs without.
    pub connection: Option<String>,
    /// The config, with expressions.
    pub config: Value,
    /// How a failed attempt is repeated, if not by the default.
    pub retry: Option<Retry>,
    /// How long the step may take from its first attempt.
    pub deadline: Option<Duration>,
    /// Where each outcome leads.
    pub on: Edges,
}

/// The steps that follow each outcome; none for `end`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edges(pub IndexMap<String, Vec<String>>);

/// How a failed attempt is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How often a call is tried in all.
    pub attempts: u32,
    /// The delay after the first failure; it doubles with each.
    pub first: Duration,
    /// The longest delay.
    pub most: Duration,
}

/// Something wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Where, such as `steps.find.config.first_name`; empty for the whole.
    pub path: String,
    /// What is wrong and how to mend it.
    pub message: String,
    /// Where within the field's text, in characters before it, if only a part of it is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<usize>,
    /// The line in the file, from 1, if there is a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The character in that line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

impl Problem {
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), at: None, line: None, column: None }
    }

    /// Says which part of the field's text is wrong.
    pub(crate) fn at(self, at: usize) -> Self {
        Self { at: Some(at), ..self }
    }
}

impl Definition {
    /// The definition as JSON, in a stable order, without what is left to its default.
    pub fn to_value(&self) -> Value {
        let steps: Map<String, Value> =
            self.steps.iter().map(|(id, step)| (id.clone(), step.to_value())).collect();
        let mut value = Map::new();
        value.insert("title".into(), json!(self.title));
        if let Some(description) = &self.description {
            value.insert("description".into(), json!(description));
        }
        if let Some(Concurrency { limit, key }) = &self.concurrency {
            let mut concurrency = Map::from_iter([("limit".to_owned(), json!(limit))]);
            concurrency.extend(key.iter().map(|key| ("key".to_owned(), json!(key))));
            value.insert("concurrency".into(), Value::Object(concurrency));
        }
        if let Some(limit) = self.time_limit {
            value.insert("time_limit".into(), json!(duration::write(limit)));
        }
        if !self.on_error.is_empty() {
            value.insert("on_error".into(), target(&self.on_error));
        }
        value.insert("trigger".into(), self.trigger.to_value());
        value.insert("steps".into(), Value::Object(steps));
        Value::Object(value)
    }
}

impl TriggerInstance {
    fn to_value(&self) -> Value {
        let Self { block, connection, config, on } = self;
        instance(block, connection.as_deref(), config, [], on)
    }
}

impl StepInstance {
    fn to_value(&self) -> Value {
        let retry = self.retry.map(|retry| {
            json!({
                "attempts": retry.attempts,
                "first_delay": duration::write(retry.first),
                "longest_delay": duration::write(retry.most),
            })
        });
        let deadline = self.deadline.map(|deadline| json!(duration::write(deadline)));
        let Self { block, connection, config, on, .. } = self;
        instance(block, connection.as_deref(), config, [("retry", retry), ("deadline", deadline)], on)
    }
}

fn instance<const N: usize>(
    block: &str,
    connection: Option<&str>,
    config: &Value,
    others: [(&str, Option<Value>); N],
    on: &Edges,
) -> Value {
    let mut value = Map::new();
    value.insert("block".into(), json!(block));
    if let Some(connection) = connection {
        value.insert("connection".into(), json!(connection));
    }
    if config.as_object().is_none_or(|config| !config.is_empty()) {
        value.insert("config".into(), config.clone());
    }
    for (name, other) in others {
        if let Some(other) = other {
            value.insert(name.into(), other);
        }
    }
    if !on.0.is_empty() {
        let edges = on.0.iter().map(|(outcome, steps)| (outcome.clone(), target(steps)));
        value.insert("on".into(), Value::Object(edges.collect()));
    }
    Value::Object(value)
}

fn target(steps: &[String]) -> Value {
    match steps {
        [] => json!("end"),
        [only] => json!(only),
        several => json!(several),
    }
}

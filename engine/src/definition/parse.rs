//! Reading definitions: everything that is wrong with the form, at once.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{
    Concurrency, Definition, Edges, Problem, Retry, Source, StepInstance, TriggerInstance, duration,
};
use crate::core::policy::RetryPolicy;

/// How long a definition may be, in bytes.
pub(super) const LONGEST_TEXT: usize = 1024 * 1024;
/// How many steps a workflow may have.
pub(super) const MOST_STEPS: usize = 1_000;
/// How deep a definition may nest.
pub(super) const DEEPEST: usize = 64;
/// How long a step's id may be, in characters.
pub(super) const LONGEST_ID: usize = 64;
/// How long the id of a workflow and the name of a connection may be, in characters.
pub(super) const LONGEST_NAME: usize = 100;
/// How long a title may be, in characters.
pub(super) const LONGEST_TITLE: usize = 200;
/// How often a call may be tried.
pub(super) const MOST_ATTEMPTS: u64 = 100;
/// How many runs may go on at once where that is bounded.
pub(super) const MOST_RUNS: u64 = 1_000;
/// The fields of a workflow.
const FIELDS: [&str; 8] =
    ["id", "title", "description", "concurrency", "time_limit", "on_error", "trigger", "steps"];
/// Words that name something else where a step's id may stand.
pub(super) const RESERVED: [&str; 6] = ["error", "deadline", "end", "trigger", "run", "workflow"];

/// A definition and the id that its file gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The workflow's id, if the file names it.
    pub id: Option<String>,
    /// The definition.
    pub definition: Definition,
}

impl Definition {
    /// Reads a definition in YAML or JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its form, each problem with its line and column.
    pub fn parse(text: &str) -> Result<Parsed, Vec<Problem>> {
        Source::read(text)?.parse()
    }

    /// Reads a definition as it is stored, in JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its form.
    pub fn from_json(text: &str) -> Result<Parsed, Vec<Problem>> {
        let value = serde_json::from_str(text)
            .map_err(|error| vec![Problem::new("", format!("This is no JSON: {error}"))])?;
        Self::from_value(&value)
    }

    /// Reads a definition that is JSON already.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its form.
    pub fn from_value(value: &Value) -> Result<Parsed, Vec<Problem>> {
        if too_deep(value, DEEPEST) {
            return Err(vec![Problem::new("", nests_too_deep())]);
        }
        let mut reader = Reader { problems: Vec::new() };
        let parsed = reader.workflow(value);
        match parsed {
            Some(parsed) if reader.problems.is_empty() => Ok(parsed),
            _ => Err(reader.problems),
        }
    }
}

pub(super) fn nests_too_deep() -> String {
    format!("The definition nests deeper than {DEEPEST}; make it flatter")
}

struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
    }

    fn workflow(&mut self, value: &Value) -> Option<Parsed> {
        let fields = self.object(value, "", &FIELDS)?;
        let id = self.optional_text(fields, "id", "");
        if id.as_deref().is_some_and(|id| !is_workflow_id(id)) {
            self.problem("id", "An id is 1 to 100 letters, digits, `-` and `_`, such as `qualify-lead`");
        }
        let title = self.text(fields, "title", "");
        if title.as_deref().is_some_and(|title| {
            title.trim().is_empty() || title.contains('\0') || title.chars().count() > LONGEST_TITLE
        }) {
            self.problem("title", format!("A title has 1 to {LONGEST_TITLE} characters, and no NUL"));
        }
        let description = self.optional_text(fields, "description", "");
        let concurrency = fields.get("concurrency").and_then(|value| self.concurrency(value));
        let time_limit = self.duration(fields, "time_limit", "");
        let on_error = fields.get("on_error").map(|target| self.targets(target, "on_error"));
        let trigger = if let Some(trigger) = fields.get("trigger") {
            self.trigger(trigger)
        } else {
            self.problem("trigger", "The trigger is missing; say which block starts the workflow");
            None
        };
        let steps = self.steps(fields.get("steps"));
        let (title, trigger) = (title?, trigger?);
        let on_error = on_error.unwrap_or_default();
        let definition = Definition { title, description, concurrency, time_limit, on_error, trigger, steps };
        Some(Parsed { id, definition })
    }

    fn concurrency(&mut self, value: &Value) -> Option<Concurrency> {
        let fields = self.object(value, "concurrency", &["limit", "key"])?;
        let limit =
            fields.get("limit").and_then(Value::as_u64).filter(|limit| (1..=MOST_RUNS).contains(limit));
        if limit.is_none() {
            let message = format!("How many runs may go on at once is a whole number from 1 to {MOST_RUNS}");
            self.problem("concurrency.limit", message);
        }
        let key = self.optional_text(fields, "key", "concurrency");
        Some(Concurrency { limit: u32::try_from(limit?).ok()?, key })
    }

    fn trigger(&mut self, value: &Value) -> Option<TriggerInstance> {
        let fields = self.object(value, "trigger", &["block", "connection", "config", "on"])?;
        let block = self.text(fields, "block", "trigger");
        let connection = self.connection(fields, "trigger");
        let config = self.config(fields, "trigger");
        let on = self.edges(fields.get("on"), "trigger.on");
        Some(TriggerInstance { block: block?, connection, config, on })
    }

    fn steps(&mut self, value: Option<&Value>) -> IndexMap<String, StepInstance> {
        let Some(value) = value else { return IndexMap::new() };
        let Some(fields) = value.as_object() else {
            self.problem("steps", "The steps are a map from each step's id to the step");
            return IndexMap::new();
        };
        if fields.len() > MOST_STEPS {
            self.problem("steps", format!("A workflow has at most {MOST_STEPS} steps; split it"));
        }
        let mut steps = IndexMap::new();
        for (id, step) in fields {
            let path = format!("steps.{id}");
            if RESERVED.contains(&id.as_str()) {
                self.problem(&path, format!("`{id}` is a reserved word; call the step something else"));
            } else if !is_snake_case(id) || id.len() > LONGEST_ID {
                self.problem(&path, format!("A step's id is snake_case and at most {LONGEST_ID} characters long, such as `ask_owner`"));
            }
            if let Some(step) = self.step(step, &path) {
                steps.insert(id.clone(), step);
            }
        }
        steps
    }

    fn step(&mut self, value: &Value, path: &str) -> Option<StepInstance> {
        let fields =
            self.object(value, path, &["block", "connection", "config", "retry", "deadline", "on"])?;
        let block = self.text(fields, "block", path);
        let connection = self.connection(fields, path);
        let config = self.config(fields, path);
        let retry = fields.get("retry").and_then(|retry| self.retry(retry, &join(path, "retry")));
        let deadline = self.duration(fields, "deadline", path);
        let on = self.edges(fields.get("on"), &join(path, "on"));
        Some(StepInstance { block: block?, connection, config, retry, deadline, on })
    }

    fn connection(&mut self, fields: &Map<String, Value>, path: &str) -> Option<String> {
        let name = self.optional_text(fields, "connection", path)?;
        if !is_connection_name(&name) {
            self.problem(
                join(path, "connection"),
                "A connection's name is 1 to 100 letters, digits, `-` and `_`, such as `billing`",
            );
        }
        Some(name)
    }

    fn config(&mut self, fields: &Map<String, Value>, path: &str) -> Value {
        match fields.get("config") {
            None | Some(Value::Null) => Value::Object(Map::new()),
            Some(config @ Value::Object(_)) => config.clone(),
            Some(_) => {
                self.problem(join(path, "config"), "A config is a map from field to value");
                Value::Object(Map::new())
            }
        }
    }

    fn retry(&mut self, value: &Value, path: &str) -> Option<Retry> {
        let fields = self.object(value, path, &["attempts", "first_delay", "longest_delay"])?;
        let attempts = match fields.get("attempts") {
            None => RetryPolicy::DEFAULT.attempts,
            Some(attempts) => {
                if let Some(attempts) =
                    attempts.as_u64().filter(|attempts| (1..=MOST_ATTEMPTS).contains(attempts))
                {
                    u32::try_from(attempts).unwrap_or(u32::MAX)
                } else {
                    self.problem(
                        join(path, "attempts"),
                        format!("The number of attempts is a whole number from 1 to {MOST_ATTEMPTS}"),
                    );
                    1
                }
            }
        };
        let first = self.duration(fields, "first_delay", path).unwrap_or(RetryPolicy::DEFAULT.first);
        let most = self.duration(fields, "longest_delay", path).unwrap_or(RetryPolicy::DEFAULT.most);
        Some(Retry { attempts, first, most })
    }

    fn duration(
        &mut self,
        fields: &Map<String, Value>,
        name: &str,
        path: &str,
    ) -> Option<std::time::Duration> {
        let text = self.optional_text(fields, name, path)?;
        match duration::read(&text) {
            Ok(duration) => Some(duration),
            Err(message) => {
                self.problem(join(path, name), message);
                None
            }
        }
    }

    fn edges(&mut self, value: Option<&Value>, path: &str) -> Edges {
        let Some(value) = value else { return Edges::default() };
        let Some(fields) = value.as_object() else {
            self.problem(path, "`on` is a map from each outcome to the next step, a list of steps, or `end`");
            return Edges::default();
        };
        let edges = fields
            .iter()
            .map(|(outcome, target)| (outcome.clone(), self.targets(target, &join(path, outcome))));
        Edges(edges.collect())
    }

    fn targets(&mut self, value: &Value, path: &str) -> Vec<String> {
        match value {
            Value::String(target) if target == "end" => Vec::new(),
            Value::String(target) => vec![target.clone()],
            Value::Array(targets) => {
                let mut steps = Vec::new();
                for (index, target) in targets.iter().enumerate() {
                    match target.as_str() {
                        Some(target) if steps.iter().any(|step| step == target) => {
                            self.problem(
                                join(path, &index.to_string()),
                                format!("`{target}` is listed twice; a step runs once"),
                            );
                        }
                        Some("end") => self.problem(
                            join(path, &index.to_string()),
                            "`end` cannot stand beside steps; remove it",
                        ),
                        Some(target) => steps.push(target.to_owned()),
                        None => self.problem(join(path, &index.to_string()), "A target is the id of a step"),
                    }
                }
                steps
            }
            _ => {
                self.problem(path, "A target is the id of a step, a list of ids, or `end`");
                Vec::new()
            }
        }
    }

    /// The fields of a map, after a look at their names.
    fn object<'a>(&mut self, value: &'a Value, path: &str, known: &[&str]) -> Option<&'a Map<String, Value>> {
        let Some(fields) = value.as_object() else {
            let names = known.join("`, `");
            self.problem(path, format!("This is a map with the fields `{names}`"));
            return None;
        };
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            self.problem(join(path, name), unknown("field", name, known.iter().copied()));
        }
        Some(fields)
    }

    fn text(&mut self, fields: &Map<String, Value>, name: &str, path: &str) -> Option<String> {
        if !fields.contains_key(name) {
            self.problem(join(path, name), format!("`{name}` is missing; give it a value"));
        }
        self.optional_text(fields, name, path)
    }

    fn optional_text(&mut self, fields: &Map<String, Value>, name: &str, path: &str) -> Option<String> {
        if let Value::String(text) = fields.get(name)? {
            Some(text.clone())
        } else {
            self.problem(join(path, name), format!("`{name}` is a text"));
            None
        }
    }
}

/// Says that a name is not known, with the near miss or all that are.
pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    const NEAR: f64 = 0.75;
    let nearest = known
        .clone()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(similarity, _)| *similarity > NEAR)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    if let Some((_, nearest)) = nearest {
        return format!("There is no {what} `{name}`; did you mean `{nearest}`?");
    }
    let known: Vec<_> = known.take(20).collect();
    match known.as_slice() {
        [] => format!("There is no {what} `{name}`"),
        known => format!("There is no {what} `{name}`; known are `{}`", known.join("`, `")),
    }
}

/// The path of a field within another. One whose name is empty is shown as `""`.
pub(crate) fn field(path: &str, name: &str) -> String {
    join(path, if name.is_empty() { "\"\"" } else { name })
}

/// Two paths, one within the other, of which either may be empty.
pub(super) fn join(path: &str, name: &str) -> String {
    match (path, name) {
        ("", only) | (only, "") => only.to_owned(),
        (path, name) => format!("{path}.{name}"),
    }
}

pub(super) fn is_snake_case(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|first| first.is_ascii_lowercase())
        && characters.all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '_')
}

/// Whether a text can name a workflow.
pub fn is_workflow_id(text: &str) -> bool {
    is_name(text)
}

/// Whether a text can name a connection.
pub fn is_connection_name(text: &str) -> bool {
    is_name(text)
}

fn is_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && text.chars().all(|next| next.is_ascii_alphanumeric() || next == '-' || next == '_')
}

fn too_deep(value: &Value, left: usize) -> bool {
    match value {
        Value::Array(items) => left == 0 || items.iter().any(|item| too_deep(item, left - 1)),
        Value::Object(fields) => left == 0 || fields.values().any(|field| too_deep(field, left - 1)),
        _ => false,
    }
}

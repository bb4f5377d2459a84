//! A config with expressions in it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::text::{Reading, Text, Unreadable};
use super::variables::{Scope, Variables};
use super::{LONGEST_CONFIG, too_long};
use crate::definition::{Problem, field as within};

/// A config with expressions in it, compiled.
pub struct Template {
    root: Node,
    references: BTreeSet<String>,
    uses: Vec<Use>,
    templated: BTreeSet<String>,
    paths: Vec<ReadPath>,
}

/// A path such as `trigger.issue.title` that a field reads without saying what to do where it is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPath {
    /// The variable and the names and indexes after it.
    pub names: Vec<String>,
    /// The path of the field within the config.
    pub field: String,
    /// Whether the field is this path alone and so has its type; otherwise it stands in a text.
    pub alone: bool,
    /// How many characters of the field come before it.
    pub at: usize,
}

/// A variable that a field reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The variable's name: a step's id, `trigger`, `run` or `workflow`.
    pub variable: String,
    /// The path of the field within the config.
    pub field: String,
    /// Whether the expression says what to do where the variable is missing.
    pub optional: bool,
    /// How many characters of the field come before it.
    pub at: usize,
}

enum Node {
    Constant(Value),
    Text(Text, String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Template {
    /// Compiles a config.
    ///
    /// # Errors
    ///
    /// Every expression that cannot be read, with the path of its field.
    pub fn compile(config: &Value) -> Result<Self, Vec<Problem>> {
        let mut template = Self {
            root: Node::Constant(Value::Null),
            references: BTreeSet::new(),
            uses: Vec::new(),
            templated: BTreeSet::new(),
            paths: Vec::new(),
        };
        let mut problems = Vec::new();
        template.root = template.node(config, "", &mut problems);
        if problems.is_empty() { Ok(template) } else { Err(problems) }
    }

    fn node(&mut self, value: &Value, path: &str, problems: &mut Vec<Problem>) -> Node {
        match value {
            Value::String(text) => match Text::compile(text) {
                Ok(Text::Plain(text)) => Node::Constant(Value::String(text)),
                Ok(text) => {
                    self.templated.insert(path.to_owned());
                    for (variable, Reading { optional, at }) in text.variables() {
                        self.references.insert(variable.clone());
                        self.uses.push(Use { variable, field: path.to_owned(), optional, at });
                    }
                    let alone = text.is_alone();
                    for (names, at) in text.paths() {
                        self.paths.push(ReadPath { names, field: path.to_owned(), alone, at });
                    }
                    Node::Text(text, path.to_owned())
                }
                Err(Unreadable { message, at }) => {
                    problems.push(Problem::new(path, message).at(at));
                    Node::Constant(Value::Null)
                }
            },
            Value::Array(items) => Node::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.node(item, &within(path, &index.to_string()), problems))
                    .collect(),
            ),
            Value::Object(fields) => Node::Map(
                fields
                    .iter()
                    .map(|(name, field)| (name.clone(), self.node(field, &within(path, name), problems)))
                    .collect(),
            ),
            constant => Node::Constant(constant.clone()),
        }
    }

    /// The names of the variables that the config reads.
    pub fn references(&self) -> &BTreeSet<String> {
        &self.references
    }

    /// The variables that each field reads, once per field.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The expressions that are paths and nothing else.
    pub fn paths(&self) -> &[ReadPath] {
        &self.paths
    }

    /// The paths of the fields that hold expressions.
    pub fn templated(&self) -> &BTreeSet<String> {
        &self.templated
    }

    /// The config with its variables resolved.
    ///
    /// # Errors
    ///
    /// The first field whose expression fails, and why.
    pub fn resolve(&self, variables: &dyn Variables) -> Result<Value, Problem> {
        if self.templated.is_empty() {
            return Ok(self.root.constant());
        }
        let mut left = LONGEST_CONFIG;
        self.root.resolve(&Scope::new(variables), &mut left)
    }
}

impl Node {
    fn constant(&self) -> Value {
        match self {
            Self::Constant(value) => value.clone(),
            Self::Text(..) => Value::Null,
            Self::List(items) => items.iter().map(Self::constant).collect(),
            Self::Map(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), field.constant())).collect()
            }
        }
    }

    fn resolve(&self, scope: &Scope<'_>, left: &mut usize) -> Result<Value, Problem> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Text(text, path) => {
                let problem = |message| Problem::new(path, message);
                let value = text.resolve(scope).map_err(problem)?;
                *left = left.checked_sub(size(&value)).ok_or_else(|| problem(too_long()))?;
                value
            }
            Self::List(items) => {
                items.iter().map(|item| item.resolve(scope, left)).collect::<Result<_, _>>()?
            }
            Self::Map(fields) => {
                let mut map = Map::new();
                for (name, field) in fields {
                    map.insert(name.clone(), field.resolve(scope, left)?);
                }
                Value::Object(map)
            }
        })
    }
}

/// About how long a value is as JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + items.len() + 2,
        Value::Object(fields) => {
            fields.iter().map(|(name, field)| name.len() + size(field) + 4).sum::<usize>() + 2
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn resolve(config: &Value, variables: &Value) -> Result<Value, Problem> {
        let template = Template::compile(config).unwrap();
        template.resolve(variables.as_object().unwrap())
    }

    #[test]
    fn s8_expressions_keep_their_type_alone_and_become_text_among_text() {
        let variables = json!({ "a": { "n": 3, "list": [1, 2], "s": "x" } });
        let config = json!({
            "number": "{{ a.n }}", "sum": "{{ a.n + 1 }}", "list": "{{ a.list }}", "text": "n is {{ a.n }}!",
            "two": "{{ a.s }}{{ a.s }}", "bool": "is {{ a.n > 2 }}", "json": "as {{ a.list }}", "plain": "no {expression}", "nested": [{ "deep": "{{ a.s }}" }],
            "map": "{{ {'k': {'v': a.n}} }}", "quoted": "{{ '}}' ~ a.s }}", "constant": 7
        });
        let expected = json!({
            "number": 3, "sum": 4, "list": [1, 2], "text": "n is 3!", "two": "xx", "bool": "is true", "json": "as [1,2]",
            "plain": "no {expression}", "nested": [{ "deep": "x" }], "map": { "k": { "v": 3 } }, "quoted": "}}x", "constant": 7
        });
        assert_eq!(resolve(&config, &variables).unwrap(), expected);
    }

    #[test]
    fn s9_what_is_undefined_is_an_error_with_the_path_of_the_field() {
        for expression in [
            "{{ missing }}",
            "{{ a.missing }}",
            "x {{ a.missing }}",
            "{{ a.missing.deeper }}",
            "x {{ a.null }}",
        ] {
            let problem =
                resolve(&json!({ "list": [{ "field": expression }] }), &json!({ "a": { "null": null } }))
                    .unwrap_err();
            assert_eq!(problem.path, "list.0.field", "{expression}");
        }
        let config = json!("{{ a.missing | default('x') }}");
        assert_eq!(resolve(&config, &json!({ "a": {} })).unwrap(), json!("x"));
        assert_eq!(resolve(&config, &json!({})).unwrap(), json!("x"), "a step that was not visited");
    }

    #[test]
    fn the_fields_of_a_config_are_bounded_together() {
        let many = json!({ "a": "{{ 'x' * 600000 }}", "b": "{{ 'x' * 600000 }}" });
        let problem = resolve(&many, &json!({})).unwrap_err();
        assert!(problem.path == "b" && problem.message.contains("longer than"), "{problem:?}");
        for endless in
            ["{{ [0] * 9000000000000 }}", "x {{ [0] * 9000000000000 }}", "{{ [[0] * 90000] * 90000 }}"]
        {
            assert!(resolve(&json!(endless), &json!({})).is_err(), "{endless}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_reported_at_every_field() {
        let config =
            json!({ "a": "{{ 1 + }}", "b": ["{{ open"], "c": "{{ }}", "d": "{% if x %}", "e": "{{ fine }}" });
        let problems = Template::compile(&config).err().unwrap();
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["a", "b.0", "c", "d"]);
    }

    #[test]
    fn references_are_the_roots_that_are_read() {
        let template = Template::compile(&json!(["{{ a.b.c + d[0] }}", "{{ e | default(1) }}"])).unwrap();
        let references: Vec<_> = template.references().iter().map(String::as_str).collect();
        assert_eq!(references, ["a", "d", "e"]);
        let uses: Vec<_> = template
            .uses()
            .iter()
            .map(|one| (one.variable.as_str(), one.field.as_str(), one.optional))
            .collect();
        assert_eq!(uses, [("a", "0", false), ("d", "0", false), ("e", "1", true)]);
        let words = json!(["{{ true }}", "is {{ none is none }}", "{{ false }}"]);
        let template = Template::compile(&words).unwrap();
        assert!(template.references().is_empty(), "{:?}", template.references());
        assert_eq!(template.resolve(&Map::new()).unwrap(), json!([true, "is true", false]));
    }
}

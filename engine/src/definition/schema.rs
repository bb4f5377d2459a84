//! The JSON Schema of workflow files, so that editors complete them and underline what is wrong.
//!
//! It says what JSON Schema can say and is never stricter than the check: a field may hold an expression wherever the
//! check allows one, and what depends on a config's values is left to the check.

use serde_json::{Map, Value, json};
use stepwell::manifest::{BlockKind, BlockManifest, Manifest};

use super::control::{JOIN, STOP, loop_edge};
use super::field::hint;
use super::formats::bounds;
use super::parse::{LONGEST_ID, LONGEST_NAME, LONGEST_TITLE, MOST_ATTEMPTS, MOST_RUNS, MOST_STEPS, RESERVED};

/// Formats that editors judge as the engine does.
const FORMATS: [&str; 4] = ["date", "email", "hostname", "uri"];
/// What holds of a value only in view of others, or not at all once it has expressions.
const LEFT_OUT: [&str; 14] = [
    "$defs",
    "$schema",
    "allOf",
    "anyOf",
    "contains",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "oneOf",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];

/// The JSON schema (draft 2020-12) of files of workflows that are made of these blocks.
pub fn file_schema(manifest: &Manifest) -> Value {
    let blocks: Vec<&BlockManifest> = manifest.apps.iter().flat_map(|app| &app.blocks).collect();
    let mut definitions = common();
    for (kind, name, instance) in [
        (BlockKind::Trigger, "trigger", json!({ "connection": connection(), "config": true, "on": true })),
        (BlockKind::Step, "step", step_fields()),
    ] {
        let of_kind: Vec<_> = blocks.iter().copied().filter(|block| block.kind == kind).collect();
        definitions.insert(name.to_owned(), instances(instance, &of_kind));
    }
    for block in &blocks {
        add_config(block, &mut definitions);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stepwell workflow",
        "type": "object",
        "properties": {
            "id": {
                "description": "What the workflow is called in URLs and commands; without it, the file's stem.",
                "type": "string",
                "pattern": format!("^[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}$"),
            },
            "title": { "description": "A short title for people.", "type": "string", "pattern": "\\S", "maxLength": LONGEST_TITLE },
            "description": { "description": "What the workflow is for.", "type": "string" },
            "concurrency": {
                "description": "How many runs go on at once; others are queued.",
                "type": "object",
                "properties": {
                    "limit": { "type": "integer", "minimum": 1, "maximum": MOST_RUNS },
                    "key": {
                        "description": "What the runs are counted by, such as `{{ trigger.customer }}`; without it, all together.",
                        "type": "string",
                        "pattern": "\\{\\{",
                    },
                },
                "required": ["limit"],
                "additionalProperties": false,
            },
            "time_limit": { "description": "How long a run may be active; waiting does not count.", "$ref": "#/$defs/duration" },
            "on_error": { "description": "The steps of the error handler.", "$ref": "#/$defs/target" },
            "trigger": { "description": "What starts a run.", "$ref": "#/$defs/trigger" },
            "steps": {
                "description": "The steps by their ids.",
                "type": "object",
                "propertyNames": {
                    "pattern": "^[a-z][a-z0-9_]*$", "maxLength": LONGEST_ID, "not": { "enum": RESERVED },
                },
                "additionalProperties": { "$ref": "#/$defs/step" },
                "maxProperties": MOST_STEPS,
            },
        },
        "required": ["title", "trigger"],
        "additionalProperties": false,
        "$defs": definitions,
    })
}

fn common() -> Map<String, Value> {
    let step = json!({ "type": "string", "pattern": "^[a-z][a-z0-9_]*$" });
    let definitions = json!({
        "duration": {
            "description": "Such as `250ms`, `2s`, `30m`, `12h`, `7d`, or ISO 8601 (`P1DT12H`).",
            "type": "string",
            "pattern": "[0-9]",
        },
        "expression": { "type": "string", "pattern": "\\{\\{" },
        "secret": {
            "description": "A secret that is stored already.",
            "type": "object",
            "properties": { "$secret": { "type": "string" } },
            "required": ["$secret"],
            "additionalProperties": false,
        },
        "target": {
            "description": "The step that follows, several that run in parallel, or `end`.",
            "anyOf": [
                step,
                { "type": "array", "items": { "allOf": [step, { "not": { "const": "end" } }] }, "uniqueItems": true },
            ],
        },
        "retry": {
            "description": "How a failed attempt is repeated.",
            "type": "object",
            "properties": {
                "attempts": { "type": "integer", "minimum": 1, "maximum": MOST_ATTEMPTS },
                "first_delay": { "description": "It doubles with each attempt.", "$ref": "#/$defs/duration" },
                "longest_delay": { "$ref": "#/$defs/duration" },
            },
            "additionalProperties": false,
        },
    });
    match definitions {
        Value::Object(definitions) => definitions,
        _ => Map::new(),
    }
}

fn connection() -> Value {
    json!({
        "description": "The name of the connection that the block uses; without it, the one called `default`, or none where the block runs without one as well.",
        "type": "string",
        "pattern": format!("^[A-Za-z0-9_-]{{1,{LONGEST_NAME}}}$"),
    })
}

fn step_fields() -> Value {
    json!({
        "connection": connection(),
        "config": true,
        "retry": { "$ref": "#/$defs/retry" },
        "deadline": {
            "description": "How long the step may take from its first attempt; `on` says what follows `deadline`.",
            "$ref": "#/$defs/duration",
        },
        "on": true,
    })
}

/// An instance of one of these blocks: what its other fields hold follows from the block.
fn instances(mut fields: Value, blocks: &[&BlockManifest]) -> Value {
    let titles: Vec<_> =
        blocks.iter().map(|block| described(&block.title, block.description.as_deref())).collect();
    fields["block"] = json!({
        "description": "The block's id.",
        "type": "string",
        "enum": blocks.iter().map(|block| block.id.as_str()).collect::<Vec<_>>(),
        "enumDescriptions": titles,
    });
    let choices: Vec<_> = blocks
        .iter()
        .map(|block| {
            json!({
                "if": { "properties": { "block": { "const": block.id } }, "required": ["block"] },
                "then": instance(block),
            })
        })
        .collect();
    json!({
        "type": "object",
        "properties": fields,
        "required": ["block"],
        "additionalProperties": false,
        "allOf": choices,
    })
}

fn instance(block: &BlockManifest) -> Value {
    let config = block.config.as_value();
    let needs_config =
        config.get("required").and_then(Value::as_array).is_some_and(|names| !names.is_empty());
    let reference = json!({ "$ref": format!("#/$defs/{}", escaped(&block.id)) });
    let mut instance = json!({ "properties": {
        "config": if needs_config { reference } else { json!({ "anyOf": [reference, { "type": "null" }] }) },
    } });
    if block.connection.is_none() {
        instance["properties"]["connection"] = json!(false);
    }
    if needs_config {
        instance["required"] = json!(["config"]);
    }
    let controlled = block.id == JOIN || block.id == STOP || loop_edge(&block.id).is_some();
    if controlled {
        instance["properties"]["retry"] = json!(false);
        instance["properties"]["deadline"] = json!(false);
    }
    let mut outcomes = Map::new();
    for outcome in block.outcomes.iter().filter(|outcome| outcome.each.is_none() && block.id != STOP) {
        let description = described(&outcome.title, outcome.description.as_deref());
        outcomes.insert(outcome.id.clone(), json!({ "description": description, "$ref": "#/$defs/target" }));
    }
    if block.kind == BlockKind::Step && block.id != STOP {
        for (id, description) in [
            ("error", "What follows if the step fails for good."),
            ("deadline", "What follows if the deadline is over."),
        ] {
            outcomes.insert(id.to_owned(), json!({ "description": description, "$ref": "#/$defs/target" }));
        }
        instance["if"] = json!({ "required": ["deadline"] });
        instance["then"] =
            json!({ "required": ["on"], "properties": { "on": { "required": ["deadline"] } } });
        instance["else"] = json!({ "properties": { "on": { "not": { "required": ["deadline"] } } } });
    }
    let named = block.outcomes.iter().any(|outcome| outcome.each.is_some());
    instance["properties"]["on"] = json!({
        "description": "What follows each outcome.",
        "type": "object",
        "properties": outcomes,
        "additionalProperties": if named { json!({ "$ref": "#/$defs/target" }) } else { json!(false) },
    });
    if let Some(edge) = loop_edge(&block.id) {
        instance["required"] = json!(["config", "on"]);
        instance["properties"]["on"]["required"] = json!([edge]);
    }
    instance
}

/// Adds the schema of a block's config, and of what it refers to.
fn add_config(block: &BlockManifest, definitions: &mut Map<String, Value>) {
    let place = Place { block: &block.id, expressions: block.kind == BlockKind::Step };
    let config = block.config.as_value();
    for (name, schema) in config.get("$defs").and_then(Value::as_object).into_iter().flatten() {
        definitions.insert(format!("{}.{name}", block.id), place.value(schema));
    }
    definitions.insert(block.id.clone(), place.bare(config));
}

/// Where a schema belongs.
#[derive(Clone, Copy)]
struct Place<'a> {
    block: &'a str,
    expressions: bool,
}

impl Place<'_> {
    /// What may stand in a file for a value of this schema: the value, an expression, or a secret that is stored.
    fn value(self, schema: &Value) -> Value {
        let bare = self.bare(schema);
        let mut choices = Vec::new();
        if schema["writeOnly"] == true {
            choices.push(json!({ "$ref": "#/$defs/secret" }));
        }
        let never = hint(schema, "variables").is_some_and(|rule| rule == "never");
        if self.expressions && !never && !takes_any_text(schema) {
            choices.push(json!({ "$ref": "#/$defs/expression" }));
        }
        if choices.is_empty() {
            return bare;
        }
        let mut value = Map::new();
        for name in ["title", "description", "default"] {
            value.extend(schema.get(name).map(|text| (name.to_owned(), text.clone())));
        }
        choices.insert(0, bare);
        value.insert("anyOf".to_owned(), Value::Array(choices));
        Value::Object(value)
    }

    /// The schema itself, with expressions in what lies below.
    fn bare(self, schema: &Value) -> Value {
        let Value::Object(fields) = schema else { return schema.clone() };
        let mut bare = Map::new();
        for (name, value) in fields {
            if LEFT_OUT.contains(&name.as_str()) || name.starts_with("x-stepwell") {
                continue;
            }
            let value = match name.as_str() {
                "properties" | "patternProperties" => self.each(value),
                "items" | "additionalProperties" if value.is_object() => self.value(value),
                "prefixItems" => self.list(value, Self::value),
                "$ref" => self.reference(value),
                "format" if !FORMATS.iter().any(|known| value == known) => continue,
                _ => value.clone(),
            };
            bare.insert(name.clone(), value);
        }
        if let Some((least, greatest)) = fields.get("format").and_then(Value::as_str).and_then(bounds) {
            bare.entry("minimum").or_insert(least);
            bare.entry("maximum").or_insert(greatest);
        }
        // Alternatives that exclude each other may all hold for an expression.
        for choices in ["anyOf", "oneOf"].into_iter().filter_map(|name| fields.get(name)) {
            let choices = self.list(choices, Self::bare);
            let all = bare.entry("allOf").or_insert_with(|| json!([]));
            all.as_array_mut().into_iter().for_each(|all| all.push(json!({ "anyOf": choices })));
        }
        if let Some(parts) = fields.get("allOf").and_then(Value::as_array) {
            let all = bare.entry("allOf").or_insert_with(|| json!([]));
            all.as_array_mut()
                .into_iter()
                .for_each(|all| all.extend(parts.iter().map(|part| self.bare(part))));
        }
        Value::Object(bare)
    }

    fn each(self, properties: &Value) -> Value {
        let fields = properties.as_object().into_iter().flatten();
        Value::Object(fields.map(|(name, schema)| (name.clone(), self.value(schema))).collect())
    }

    fn list(self, schemas: &Value, of: fn(Self, &Value) -> Value) -> Value {
        schemas.as_array().into_iter().flatten().map(|schema| of(self, schema)).collect()
    }

    fn reference(self, reference: &Value) -> Value {
        match reference.as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
            Some(name) => json!(format!("#/$defs/{}.{name}", escaped(self.block))),
            None => reference.clone(),
        }
    }
}

/// Whether a schema takes every text, so that it takes expressions as well.
fn takes_any_text(schema: &Value) -> bool {
    const BOUNDS: [&str; 9] =
        ["minLength", "maxLength", "pattern", "format", "enum", "const", "anyOf", "oneOf", "allOf"];
    let Value::Object(fields) = schema else { return schema == true };
    if fields.contains_key("$ref") || BOUNDS.iter().any(|name| fields.contains_key(*name)) {
        return false;
    }
    match fields.get("type") {
        None => true,
        Some(Value::Array(types)) => types.iter().any(|one| one == "string"),
        Some(one) => one == "string",
    }
}

fn described(title: &str, description: Option<&str>) -> String {
    description.map_or_else(|| title.to_owned(), |description| format!("{title}. {description}"))
}

/// A name within a JSON pointer within a URI.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

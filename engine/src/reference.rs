//! The reference of blocks, for people who write workflows: what each field of a config takes, what each outcome has.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use stepwell::connection::ConnectionManifest;
use stepwell::manifest::{App, BlockKind, BlockManifest};
use stepwell::outcome::OutcomeDescription;

/// How deep forms within forms are followed.
const DEEPEST: usize = 8;

/// The reference of a crate's blocks, in Markdown.
pub fn reference(app: &App) -> String {
    let section = |kind: BlockKind| app.blocks.iter().filter(move |block| block.kind == kind);
    let mut text = String::new();
    for (title, kind) in [("Triggers", BlockKind::Trigger), ("Steps", BlockKind::Step)] {
        let _ = writeln!(text, "## {title}\n");
        for block in section(kind) {
            text.push_str(&of_block(block));
        }
    }
    if !app.connections.is_empty() {
        text.push_str("## Connections\n\n");
        for connection in &app.connections {
            text.push_str(&of_connection(connection));
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The reference of one block, in Markdown.
pub fn of_block(block: &BlockManifest) -> String {
    let mut text = format!("### {}\n\n{}.", block.id, block.title.trim_end_matches('.'));
    if let Some(description) = &block.description {
        let _ = write!(text, " {description}");
    }
    if let Some(connection) = &block.connection {
        let uses = if block.connection_optional { "Uses, if the step names one," } else { "Uses" };
        let _ = write!(text, " {uses} a connection of the kind `{connection}`.");
    }
    if !block.takes_requests {
        text.push_str(" Takes no requests and has no URL.");
    }
    text.push_str("\n\n");
    text.push_str(&fields_of(block.config.as_value()));
    text.push_str("| outcome | data | |\n| --- | --- | --- |\n");
    for outcome in &block.outcomes {
        let _ = writeln!(text, "| {} |", outcome_row(outcome));
    }
    text.push('\n');
    text
}

/// The reference of a kind of connection, in Markdown.
fn of_connection(connection: &ConnectionManifest) -> String {
    let mut text = format!("### {}\n\n{}.", connection.id, connection.title.trim_end_matches('.'));
    if let Some(description) = &connection.description {
        let _ = write!(text, " {description}");
    }
    text.push_str("\n\n");
    text.push_str(&fields_of(connection.credentials.as_value()));
    text
}

/// The fields of a form as a table; nothing if it has none.
fn fields_of(schema: &Value) -> String {
    let mut fields = Vec::new();
    Walk { root: schema, rows: &mut fields }.fields("", schema, DEEPEST);
    if fields.is_empty() {
        return String::new();
    }
    let mut text = "| field | takes | |\n| --- | --- | --- |\n".to_owned();
    for Row { path, takes, words } in &fields {
        let _ = writeln!(text, "| `{path}` | {takes} | {words} |");
    }
    text.push('\n');
    text
}

fn outcome_row(outcome: &OutcomeDescription) -> String {
    let mut data = Vec::new();
    if let Some(schema) = &outcome.schema {
        let mut rows = Vec::new();
        Walk { root: schema.as_value(), rows: &mut rows }.fields("", schema.as_value(), 1);
        data.extend(rows.into_iter().map(|Row { path, takes, .. }| {
            match takes.strip_prefix("**").and_then(|takes| takes.strip_suffix("**")) {
                Some(takes) => format!("`{path}`: {takes}"),
                None => format!("`{path}`, which may be missing: {takes}"),
            }
        }));
        if data.is_empty() {
            data.push(Walk { root: schema.as_value(), rows: &mut Vec::new() }.takes(schema.as_value()));
        }
    }
    let id = match &outcome.each {
        Some(field) => format!("each of `{field}`"),
        None => format!("`{}`", outcome.id),
    };
    format!("{id} | {} | {}", data.join("; "), outcome.title)
}

/// A field and what it takes.
struct Row {
    path: String,
    takes: String,
    words: String,
}

struct Walk<'a> {
    root: &'a Value,
    rows: &'a mut Vec<Row>,
}

impl<'a> Walk<'a> {
    /// The fields of an object, each followed by the fields within it.
    fn fields(&mut self, path: &str, schema: &'a Value, left: usize) {
        let schema = self.resolved(schema);
        let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            if field.get("const").is_some() {
                continue;
            }
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let is_required = required.iter().any(|required| required == name);
            self.field(&path, field, is_required, left);
        }
    }

    fn field(&mut self, path: &str, schema: &'a Value, is_required: bool, left: usize) {
        let default = schema.get("default").filter(|default| !default.is_null());
        let takes = match (is_required, default) {
            (true, _) => format!("**{}**", self.takes(schema)),
            (false, Some(default)) if !is_empty(default) => format!("{}; `{default}`", self.takes(schema)),
            (false, _) => self.takes(schema),
        };
        self.rows.push(Row { path: path.to_owned(), takes, words: words(schema) });
        if left > 1 {
            self.within(path, schema, left - 1);
        }
    }

    /// The fields within a value: of an object, of the items of a list, of each form.
    fn within(&mut self, path: &str, schema: &'a Value, left: usize) {
        let schema = self.resolved(schema);
        if let Some(items) = schema.get("items").filter(|items| items.is_object()) {
            self.within(&format!("{path}[]"), items, left);
        }
        if let Some(values) = schema.get("additionalProperties").filter(|values| values.is_object()) {
            self.within(&format!("{path}.*"), values, left);
        }
        self.fields(path, schema, left);
        for form in forms(schema) {
            let form = self.resolved(form);
            let Some((tag, name)) = tag(form) else {
                self.within(path, form, left);
                continue;
            };
            let takes = format!("`{name}`");
            self.rows.push(Row { path: format!("{path}.{tag}"), takes, words: words(form) });
            self.fields(path, form, left);
        }
    }

    /// What a value is, in a word or two.
    fn takes(&self, schema: &'a Value) -> String {
        let schema = self.resolved(schema);
        if let Some(choices) = self.choices(schema) {
            return one_of(&choices);
        }
        let forms: Vec<&Value> = forms(schema).map(|form| self.resolved(form)).collect();
        match forms.as_slice() {
            [] => {}
            [only] => return self.takes(only),
            several => {
                if let Some((tag, _)) = tag(several[0]) {
                    return format!("a map, by its `{tag}`");
                }
                let mut kinds: Vec<String> = several.iter().map(|form| self.takes(form)).collect();
                kinds.dedup();
                return kinds.join(" or ");
            }
        }
        let kind = match &schema["type"] {
            Value::String(kind) => kind.as_str(),
            Value::Array(kinds) => {
                kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("any")
            }
            _ if schema.get("properties").is_some() => "object",
            _ => "any",
        };
        match (kind, schema["format"].as_str()) {
            ("string", _) if schema["writeOnly"] == true => "a secret text".to_owned(),
            ("string", Some(format)) => format!("text: {}", named(format)),
            ("string", None) => "text".to_owned(),
            ("boolean", _) => "`true` or `false`".to_owned(),
            ("integer", _) => "a whole number".to_owned(),
            ("number", _) => "a number".to_owned(),
            ("array", _) => match schema.get("items").filter(|items| items.is_object()) {
                Some(items) => format!("a list; each item: {}", self.takes(items)),
                None => "a list".to_owned(),
            },
            ("object", _) => match schema.get("additionalProperties").filter(|values| values.is_object()) {
                Some(values) => format!("a map; each value: {}", self.takes(values)),
                None => "a map".to_owned(),
            },
            _ => "any value".to_owned(),
        }
    }

    /// The constants that a value is one of.
    fn choices(&self, schema: &'a Value) -> Option<Vec<String>> {
        if let Some(values) = schema["enum"].as_array() {
            return Some(values.iter().filter(|value| !value.is_null()).map(bare).collect());
        }
        let mut forms = forms(schema).map(|form| self.resolved(form)).peekable();
        forms.peek()?;
        forms.map(|form| form.get("const").map(bare)).collect()
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        target.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }
}

/// The forms that a value may have, without that of a field that is left out.
fn forms(schema: &Value) -> impl Iterator<Item = &Value> {
    let forms = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    forms.into_iter().flatten().filter(|form| form["type"] != "null")
}

/// The field by whose constant a form is told, and the constant.
fn tag(form: &Value) -> Option<(&String, String)> {
    let fields: &Map<String, Value> = form["properties"].as_object()?;
    fields.iter().find_map(|(name, field)| Some((name, bare(field.get("const")?))))
}

fn words(schema: &Value) -> String {
    let text =
        |name: &str| schema[name].as_str().unwrap_or_default().trim_end_matches('.').replace('\n', " ");
    let (title, description) = (text("title"), text("description"));
    let words = [title, description].into_iter().filter(|words| !words.is_empty());
    words.collect::<Vec<_>>().join(". ").replace('|', "\\|")
}

fn named(format: &str) -> &str {
    match format {
        "uri" => "an address",
        "date-time" => "a moment",
        "duration" => "a duration",
        "email" => "an e-mail address",
        other => other,
    }
}

fn one_of(choices: &[String]) -> String {
    let quoted: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
    match quoted.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        all => all.concat(),
    }
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(schema: &Value) -> Vec<String> {
        let mut rows = Vec::new();
        Walk { root: schema, rows: &mut rows }.fields("", schema, DEEPEST);
        rows.into_iter().map(|row| format!("{} | {} | {}", row.path, row.takes, row.words)).collect()
    }

    #[test]
    fn fields_are_told_with_what_they_take_and_what_is_within_them() {
        let schema = json!({
            "required": ["when", "cases"],
            "properties": {
                "when": { "title": "When", "oneOf": [
                    { "title": "Often", "properties": {
                        "kind": { "const": "every" }, "interval": { "type": "string", "format": "duration" },
                    }, "required": ["kind", "interval"] },
                    { "properties": { "kind": { "const": "cron" } } },
                ] },
                "method": { "oneOf": [{ "const": "get" }, { "const": "post" }], "default": "get" },
                "cases": { "type": "array", "items": { "$ref": "#/$defs/Case" } },
                "word": { "type": ["string", "null"], "writeOnly": true, "description": "Hush." },
            },
            "$defs": { "Case": { "type": "object", "properties": { "name": { "type": "string" } } } },
        });
        assert_eq!(
            rows(&schema),
            [
                "when | **a map, by its `kind`** | When",
                "when.kind | `every` | Often",
                "when.interval | **text: a duration** | ",
                "when.kind | `cron` | ",
                "method | `get` or `post`; `\"get\"` | ",
                "cases | **a list; each item: a map** | ",
                "cases[].name | text | ",
                "word | a secret text | Hush",
            ]
        );
    }
}

mod derived;
mod objects;
mod properties;
mod values;
mod variants;

use serde_json::{Value, json};

use super::{Reliance, Weight, compare};

/// What is found, as `path: change`.
fn found(reliance: Reliance, weight: Weight, old: &Value, new: &Value) -> Vec<String> {
    compare(reliance, "at", old, new)
        .into_iter()
        .filter(|finding| finding.weight == weight)
        .map(|finding| format!("{}: {}", finding.path, finding.change))
        .collect()
}

fn breaks(reliance: Reliance, old: &Value, new: &Value) -> Vec<String> {
    found(reliance, Weight::Break, old, new)
}

/// The old schema accepts a part of what the new one accepts: nothing stored is refused, and what is read may be
/// something that it never was.
struct Widened {
    narrow: Value,
    wide: Value,
    /// What is said when the schema of stored values narrows.
    stored: &'static [&'static str],
    /// What is said when the schema of read values widens.
    read: &'static [&'static str],
}

impl Widened {
    fn check(&self) {
        let Self { narrow, wide, stored, read } = self;
        let nothing = Vec::<String>::new();
        assert_eq!(breaks(Reliance::Stored, narrow, wide), nothing, "stored: {narrow} → {wide}");
        assert_eq!(breaks(Reliance::Read, wide, narrow), nothing, "read: {wide} → {narrow}");
        assert_eq!(breaks(Reliance::Stored, wide, narrow), *stored, "stored: {wide} → {narrow}");
        assert_eq!(breaks(Reliance::Read, narrow, wide), *read, "read: {narrow} → {wide}");
    }
}

fn object(fields: &Value, required: &Value) -> Value {
    json!({ "type": "object", "properties": fields, "required": required })
}

fn closed(fields: &Value, required: &Value) -> Value {
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

fn check_all(cases: &[(Value, Value, &'static [&'static str], &'static [&'static str])]) {
    for (narrow, wide, stored, read) in cases.iter().cloned() {
        Widened { narrow, wide, stored, read }.check();
    }
}

//! Questions that both comparisons ask of a JSON schema, as far as derived schemas use the vocabulary.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A schema as an object; `true` allows everything and so has no keywords.
pub(super) fn keywords(schema: &Value) -> Map<String, Value> {
    schema.as_object().cloned().unwrap_or_default()
}

/// The types that the schema allows; `None` for any. A `number` includes the integers.
pub(super) fn types(schema: &Value) -> Option<BTreeSet<String>> {
    let mut types: BTreeSet<String> = match schema.get("type")? {
        Value::String(one) => [one.clone()].into(),
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return None,
    };
    if types.contains("number") {
        types.insert("integer".to_owned());
    }
    Some(types)
}

/// The values that the schema enumerates; `None` if it does not.
pub(super) fn choices(schema: &Value) -> Option<Vec<Value>> {
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(values)), _) => Some(values.clone()),
        (_, Some(value)) => Some(vec![value.clone()]),
        _ => None,
    }
}

/// The alternatives of which a value must fit one; the schema itself if it has none.
pub(super) fn branches(schema: &Value) -> Vec<Value> {
    let alternatives = ["anyOf", "oneOf"].into_iter().find_map(|keyword| schema.get(keyword)?.as_array());
    alternatives.cloned().unwrap_or_else(|| vec![schema.clone()])
}

/// The schemas of the fields.
pub(super) fn fields(schema: &Value) -> Map<String, Value> {
    schema.get("properties").map(keywords).unwrap_or_default()
}

/// The names of the fields that must be there.
pub(super) fn required(schema: &Value) -> BTreeSet<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A path with one more segment.
pub(super) fn below(path: &str, segment: &str) -> String {
    format!("{path}.{segment}")
}

/// Type names as a person reads them.
pub(super) fn named(types: Option<&BTreeSet<String>>) -> String {
    types.map_or_else(|| "any".to_owned(), |types| types.iter().cloned().collect::<Vec<_>>().join(" or "))
}

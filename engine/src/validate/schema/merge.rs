//! Schemas that a value must all fit, as one.

use serde_json::{Map, Value, json};

/// More alternatives than this are not written by hand; combining alternatives multiplies them.
const MOST_ALTERNATIVES: usize = 512;

/// Every alternative of the one with every alternative of the other.
pub(super) fn product(
    left: &[Map<String, Value>],
    right: &[Map<String, Value>],
) -> Result<Vec<Map<String, Value>>, String> {
    if left.len() * right.len() > MOST_ALTERNATIVES {
        return Err("it has too many alternatives".to_owned());
    }
    let mut merged = Vec::new();
    for left in left {
        for right in right {
            merged.push(merge(left, right)?);
        }
    }
    Ok(merged)
}

/// The keywords of two schemas that a value must both fit.
fn merge(left: &Map<String, Value>, right: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let mut merged = left.clone();
    for (name, value) in right {
        let both = match merged.get(name) {
            None => value.clone(),
            Some(own) if own == value => continue,
            Some(own) => {
                merge_keyword(name, own, value).ok_or_else(|| format!("its parts disagree on `{name}`"))?
            }
        };
        merged.insert(name.clone(), both);
    }
    // `additionalProperties` of one part refuses the fields that only the other names.
    let refuses = |part: &Map<String, Value>| {
        part.contains_key("additionalProperties") && part.get("properties") != merged.get("properties")
    };
    if refuses(left) || refuses(right) {
        return Err("one of its parts refuses the fields of another".to_owned());
    }
    Ok(merged)
}

fn merge_keyword(name: &str, left: &Value, right: &Value) -> Option<Value> {
    match name {
        "properties" => {
            let mut fields = left.as_object()?.clone();
            for (field, schema) in right.as_object()? {
                let both = match fields.get(field) {
                    Some(own) if own != schema => json!({ "allOf": [own, schema] }),
                    _ => schema.clone(),
                };
                fields.insert(field.clone(), both);
            }
            Some(Value::Object(fields))
        }
        "required" => {
            let mut names = left.as_array()?.clone();
            names.extend(
                right.as_array()?.iter().filter(|name| !names.contains(name)).cloned().collect::<Vec<_>>(),
            );
            Some(Value::Array(names))
        }
        "type" => {
            let (left, right) = (type_names(left), type_names(right));
            let common = left.into_iter().filter(|name| right.contains(name)).map(Value::from);
            Some(Value::Array(common.collect()))
        }
        _ => None,
    }
}

/// The types that a schema lists.
pub(super) fn type_names(names: &Value) -> Vec<&str> {
    match names {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    }
}

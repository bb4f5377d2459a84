//! Fields of a config within its schema.

use serde_json::Value;

/// The schemas that describe what stands at a path such as `cases.0.name`, from the field at the top to the value
/// itself. A schema of several alternatives gives those of each; nothing is known below what the schema leaves open.
pub(crate) fn schemas_on<'s>(schema: &'s Value, path: &str) -> Vec<&'s Value> {
    let mut found = Vec::new();
    let mut here = vec![schema];
    for name in path.split('.').filter(|name| !name.is_empty()) {
        here = here
            .iter()
            .flat_map(|schema| alternatives(schema))
            .filter_map(|schema| below(schema, name))
            .collect();
        found.extend(here.iter().copied());
    }
    found
}

/// The schemas of the value at a path itself.
pub(crate) fn schemas_at<'s>(schema: &'s Value, path: &str) -> Vec<&'s Value> {
    let above = path.rsplit_once('.').map_or("", |(above, _)| above);
    schemas_on(schema, path).split_off(schemas_on(schema, above).len())
}

/// What the schema says for the editor under a key of `x-stepwell`.
pub(crate) fn hint<'s>(schema: &'s Value, key: &str) -> Option<&'s Value> {
    schema.get("x-stepwell")?.get(key)
}

/// The schema itself and those that it chooses from.
fn alternatives(schema: &Value) -> Vec<&Value> {
    let branches = ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    [schema].into_iter().chain(branches.flatten()).collect()
}

fn below<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let property = schema.get("properties").and_then(|properties| properties.get(name));
    let item = || schema.get("items").filter(|_| name.bytes().all(|digit| digit.is_ascii_digit()));
    let entry = || schema.get("additionalProperties").filter(|entry| entry.is_object());
    property.or_else(item).or_else(entry)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_through_lists_maps_and_alternatives() {
        let name = json!({ "type": "string", "x-stepwell": { "variables": "never" } });
        let case = json!({ "type": "object", "properties": { "name": name } });
        let schema = json!({ "properties": {
            "cases": { "type": "array", "items": case },
            "by_name": { "type": "object", "additionalProperties": case },
            "maybe": { "anyOf": [case, { "type": "null" }] },
            "closed": { "additionalProperties": false },
        } });
        for path in ["cases.0.name", "by_name.x.name", "maybe.name"] {
            assert_eq!(schemas_at(&schema, path), [&name], "{path}");
            assert_eq!(hint(schemas_at(&schema, path)[0], "variables"), Some(&json!("never")));
        }
        assert_eq!(schemas_on(&schema, "cases.0.name").len(), 3);
        for path in ["", "other", "cases.x", "closed.x"] {
            assert!(schemas_at(&schema, path).is_empty(), "{path}");
        }
    }
}

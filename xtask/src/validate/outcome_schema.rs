//! Whether a new outcome's data still gives what later steps of existing workflows take from it.

use serde_json::Value;

use super::schema::{below, branches, choices, fields, named, required, types};

/// What later steps would miss, as path and change.
pub(super) fn missing(path: &str, old: &Value, new: &Value) -> Vec<(String, String)> {
    if old == new {
        return Vec::new();
    }
    let (old_branches, new_branches) = (branches(old), branches(new));
    if old_branches.len() > 1 || new_branches.len() > 1 {
        let unexpected =
            new_branches.iter().any(|new| old_branches.iter().all(|old| !missing(path, old, new).is_empty()));
        return Vec::from_iter(
            unexpected.then(|| (path.to_owned(), "it may now be something that it never was".to_owned())),
        );
    }
    let mut changes = changed_values(path, old, new);
    let (new_fields, was_required, is_required) = (fields(new), required(old), required(new));
    for (name, old) in &fields(old) {
        let field = below(path, name);
        let Some(new) = new_fields.get(name) else {
            changes.push((field, "the field is gone".to_owned()));
            continue;
        };
        if was_required.contains(name) && !is_required.contains(name) {
            changes.push((field.clone(), "the field was always there and may now be missing".to_owned()));
        }
        changes.extend(missing(&field, old, new));
    }
    if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
        changes.extend(missing(&below(path, "[]"), old, new));
    }
    changes
}

fn changed_values(path: &str, old: &Value, new: &Value) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    let (old_types, new_types) = (types(old), types(new));
    let widened = match (&old_types, &new_types) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(old), Some(new)) => !new.is_subset(old),
    };
    if widened {
        changes.push(format!(
            "its type was {}, now {}",
            named(old_types.as_ref()),
            named(new_types.as_ref())
        ));
    }
    match (choices(old), choices(new)) {
        (Some(old), Some(new)) => {
            let added = new.iter().filter(|choice| !old.contains(choice));
            changes.extend(added.map(|choice| format!("it may now be {choice}")));
        }
        (Some(_), None) => changes.push("it is no longer limited to choices".to_owned()),
        (None, _) => {}
    }
    changes.into_iter().map(|change| (path.to_owned(), change)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(old: &Value, new: &Value, expected: &[(&str, &str)]) {
        let missing = missing("found", old, new);
        let missing: Vec<_> = missing.iter().map(|(path, why)| (path.as_str(), why.as_str())).collect();
        assert_eq!(missing, expected);
    }

    #[test]
    fn fields_may_come_and_not_go() {
        let small = json!({ "properties": { "a": { "type": "string" } }, "required": ["a"] });
        let large = json!({ "properties": { "a": { "type": "string" }, "b": {} }, "required": ["a", "b"] });
        check(&small, &large, &[]);
        check(&large, &small, &[("found.b", "the field is gone")]);
        let optional = json!({ "properties": { "a": { "type": "string" } } });
        check(&small, &optional, &[("found.a", "the field was always there and may now be missing")]);
    }

    #[test]
    fn types_and_choices_may_narrow_and_not_widen() {
        let integer = json!({ "type": "integer" });
        let number = json!({ "type": "number" });
        check(&number, &integer, &[]);
        check(&integer, &number, &[("found", "its type was integer, now integer or number")]);
        check(&json!({ "enum": ["a", "b"] }), &json!({ "enum": ["a"] }), &[]);
        check(&json!({ "enum": ["a"] }), &json!({ "enum": ["a", "b"] }), &[("found", "it may now be \"b\"")]);
    }

    #[test]
    fn alternatives_may_go_and_not_come() {
        let one = json!({ "type": "string" });
        let two = json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] });
        check(&two, &one, &[]);
        check(&one, &two, &[("found", "it may now be something that it never was")]);
    }
}

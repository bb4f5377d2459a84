//! Whether what was stored under an old schema is still accepted by the new one: configs in workflows, states
//! of waiting executions, registrations of enabled triggers.

use serde_json::Value;

use super::schema::{below, branches, choices, fields, named, required, types};

/// Keywords that bound a value from below and from above: raising the first or lowering the second narrows.
const LOWER_BOUNDS: [&str; 4] = ["minimum", "exclusiveMinimum", "minLength", "minItems"];
const UPPER_BOUNDS: [&str; 4] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems"];

/// Keywords whose every change may refuse what was accepted.
const EXACT: [&str; 3] = ["pattern", "format", "multipleOf"];

/// What the new schema no longer accepts, as path and change.
pub(super) fn refused(path: &str, old: &Value, new: &Value) -> Vec<(String, String)> {
    if old == new {
        return Vec::new();
    }
    let (old_branches, new_branches) = (branches(old), branches(new));
    if old_branches.len() > 1 || new_branches.len() > 1 {
        return refused_branches(path, &old_branches, &new_branches);
    }
    let mut refused = refused_values(path, old, new);
    refused.extend(refused_fields(path, old, new));
    if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
        refused.extend(self::refused(&below(path, "[]"), old, new));
    }
    if let (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) =
        (old.get("additionalProperties"), new.get("additionalProperties"))
    {
        refused.extend(self::refused(&below(path, "*"), old, new));
    }
    refused
}

/// Every old alternative must still be accepted by a new one.
fn refused_branches(path: &str, old: &[Value], new: &[Value]) -> Vec<(String, String)> {
    let lost = old.iter().filter(|old| new.iter().all(|new| !refused(path, old, new).is_empty()));
    lost.map(|branch| (path.to_owned(), format!("the alternative {} is gone", summary(branch)))).collect()
}

fn refused_values(path: &str, old: &Value, new: &Value) -> Vec<(String, String)> {
    let mut changes = Vec::new();
    let (old_types, new_types) = (types(old), types(new));
    let narrowed = match (&old_types, &new_types) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(old), Some(new)) => !old.is_subset(new),
    };
    if narrowed {
        changes.push(format!(
            "its type was {}, now {}",
            named(old_types.as_ref()),
            named(new_types.as_ref())
        ));
    }
    match (choices(old), choices(new)) {
        (Some(old), Some(new)) => {
            let gone = old.iter().filter(|choice| !new.contains(choice));
            changes.extend(gone.map(|choice| format!("the choice {choice} is gone")));
        }
        (None, Some(_)) => changes.push("it is now limited to choices".to_owned()),
        (_, None) => {}
    }
    let number = |schema: &Value, keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    for (keywords, sign) in [(LOWER_BOUNDS, 1.0), (UPPER_BOUNDS, -1.0)] {
        for keyword in keywords {
            if let Some(new) = number(new, keyword)
                && number(old, keyword).is_none_or(|old| new * sign > old * sign)
            {
                changes.push(format!("`{keyword}` is now {new}"));
            }
        }
    }
    let exact =
        EXACT.into_iter().filter(|keyword| new.get(keyword).is_some_and(|new| old.get(keyword) != Some(new)));
    changes.extend(exact.map(|keyword| format!("`{keyword}` is now {}", new[keyword])));
    changes.into_iter().map(|change| (path.to_owned(), change)).collect()
}

fn refused_fields(path: &str, old: &Value, new: &Value) -> Vec<(String, String)> {
    let (old_fields, new_fields) = (fields(old), fields(new));
    let (was_required, is_required) = (required(old), required(new));
    let closed = new.get("additionalProperties") == Some(&Value::Bool(false));
    let mut changes = Vec::new();
    for (name, old) in &old_fields {
        match new_fields.get(name) {
            Some(new) => changes.extend(refused(&below(path, name), old, new)),
            None if closed => changes.push((below(path, name), "the field is gone".to_owned())),
            None => {}
        }
    }
    for name in is_required.difference(&was_required) {
        let change = if old_fields.contains_key(name) {
            "the field is now required"
        } else {
            "the field is new and required; give it a default"
        };
        changes.push((below(path, name), change.to_owned()));
    }
    changes
}

/// A schema's alternative in a few words.
fn summary(branch: &Value) -> String {
    if let Some(choices) = choices(branch) {
        return choices.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
    }
    let names: Vec<_> = fields(branch).keys().cloned().collect();
    if names.is_empty() { named(types(branch).as_ref()) } else { format!("{{{}}}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(fields: &Value, required: &Value) -> Value {
        json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
    }

    fn check(old: &Value, new: &Value, expected: &[(&str, &str)]) {
        let refused = refused("config", old, new);
        let refused: Vec<_> = refused.iter().map(|(path, why)| (path.as_str(), why.as_str())).collect();
        assert_eq!(refused, expected);
    }

    #[test]
    fn a_field_that_goes_or_must_come_refuses_what_was_stored() {
        let old = object(&json!({ "a": { "type": "string" } }), &json!([]));
        check(&old, &object(&json!({}), &json!([])), &[("config.a", "the field is gone")]);
        let required = object(&json!({ "a": { "type": "string" } }), &json!(["a"]));
        check(&old, &required, &[("config.a", "the field is now required")]);
        let added = object(&json!({ "a": { "type": "string" }, "b": {} }), &json!(["b"]));
        check(&old, &added, &[("config.b", "the field is new and required; give it a default")]);
        let optional = object(&json!({ "a": { "type": "string" }, "b": {} }), &json!([]));
        check(&old, &optional, &[]);
    }

    #[test]
    fn a_field_that_an_open_type_ignores_may_go() {
        let old = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
        check(&old, &json!({ "type": "object", "properties": {} }), &[]);
    }

    #[test]
    fn types_may_widen_and_not_narrow() {
        let integer = json!({ "type": "integer" });
        let number = json!({ "type": "number" });
        let nullable = json!({ "type": ["integer", "null"] });
        check(&integer, &number, &[]);
        check(&integer, &nullable, &[]);
        check(&integer, &json!({}), &[]);
        check(&number, &integer, &[("config", "its type was integer or number, now integer")]);
        check(&nullable, &integer, &[("config", "its type was integer or null, now integer")]);
    }

    #[test]
    fn choices_bounds_and_patterns_may_loosen_and_not_tighten() {
        let old = json!({ "enum": ["a", "b"], "minLength": 1, "maxLength": 9 });
        check(&old, &json!({ "enum": ["a", "b", "c"], "maxLength": 10 }), &[]);
        let tight = json!({ "enum": ["a"], "minLength": 2, "maxLength": 9, "pattern": "^a" });
        check(
            &old,
            &tight,
            &[
                ("config", "the choice \"b\" is gone"),
                ("config", "`minLength` is now 2"),
                ("config", "`pattern` is now \"^a\""),
            ],
        );
    }

    #[test]
    fn alternatives_may_come_and_not_go() {
        let one = json!({ "oneOf": [{ "const": "a" }, { "const": "b" }] });
        let two = json!({ "oneOf": [{ "const": "a" }, { "const": "b" }, { "const": "c" }] });
        check(&one, &two, &[]);
        check(&two, &one, &[("config", "the alternative \"c\" is gone")]);
        check(
            &json!({ "type": "string" }),
            &json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
            &[],
        );
    }

    #[test]
    fn nested_changes_carry_their_path() {
        let nested =
            |item: &str| object(&json!({ "a": { "type": "array", "items": { "type": item } } }), &json!([]));
        check(&nested("string"), &nested("boolean"), &[("config.a.[]", "its type was string, now boolean")]);
    }
}

//! What the expansion of `#[config]` calls.

use schemars::Schema;
use serde_json::Value;

use crate::config::{ConfigField, FieldError};

/// A field of a config by its name; `None` where it does not have its type.
pub fn read<T: ConfigField>(config: &Value, name: &str, default: Option<fn() -> T>) -> Option<T> {
    match (config.get(name), default) {
        (None, Some(default)) => Some(default()),
        (None, None) => serde_json::from_value(Value::Null).ok(),
        (Some(value), _) => serde_json::from_value(value.clone()).ok(),
    }
}

/// What the check of a field returns.
pub fn checked<E: Into<FieldError>>(result: Result<(), E>) -> Result<(), FieldError> {
    result.map_err(Into::into)
}

/// Restricts a field to these values: the field itself, or the items of its list.
pub fn restrict(schema: &mut Schema, values: &[Value]) {
    let types = schema.get("type");
    let is = |name: &str| match types {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    };
    if is("array") {
        let items =
            schema.ensure_object().entry("items").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(items) = items.as_object_mut() {
            items.insert("enum".to_owned(), values.into());
        }
        return;
    }
    let mut values = values.to_vec();
    if is("null") {
        values.push(Value::Null);
    }
    schema.insert("enum".to_owned(), values.into());
}

#[cfg(test)]
mod tests {
    use schemars::json_schema;
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: Schema, expected: &Value) {
        let mut schema = schema;
        restrict(&mut schema, &[json!("a"), json!("b")]);
        assert_eq!(schema.as_value(), expected);
    }

    #[test]
    fn the_innermost_value_is_restricted() {
        check(json_schema!({ "type": "string" }), &json!({ "type": "string", "enum": ["a", "b"] }));
        check(
            json_schema!({ "type": ["string", "null"] }),
            &json!({ "type": ["string", "null"], "enum": ["a", "b", null] }),
        );
        check(
            json_schema!({ "type": ["array", "null"], "items": { "type": "string" } }),
            &json!({ "type": ["array", "null"], "items": { "type": "string", "enum": ["a", "b"] } }),
        );
    }
}

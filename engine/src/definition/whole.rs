//! Whole numbers that are written as fractions. A schema takes `2.0` for one; no block reads it as one.

use serde_json::Value;

use super::field::schemas_at;
use super::misfit::{Misfit, Unknown};
use super::parse::field;
use super::shape::Shape;

/// The numbers of a config that are to be whole and are written with a point or an exponent.
pub(super) fn fractions(config: &Value, schema: &Value, open: &Unknown) -> Vec<Misfit> {
    let mut found = Vec::new();
    look(config, "", &mut |path| {
        if !open.contains(path) && is_whole(schema, path) {
            let message = "This is a whole number; write it without a point and an exponent, and use the filter `int` where it comes from an expression";
            found.push(Misfit { path: path.to_owned(), message: message.to_owned() });
        }
    });
    found
}

/// Finds the numbers that have no fraction and are no integers.
fn look(value: &Value, path: &str, found: &mut impl FnMut(&str)) {
    match value {
        Value::Number(number)
            if number.as_f64().is_some_and(|value| number.is_f64() && value.fract() == 0.0) =>
        {
            found(path);
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                look(item, &field(path, &index.to_string()), found);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                look(value, &field(path, name), found);
            }
        }
        _ => {}
    }
}

/// Whether a schema takes whole numbers at a path, and no others.
fn is_whole(schema: &Value, path: &str) -> bool {
    let shapes = schemas_at(schema, path).into_iter().map(|found| Shape::of(found, schema));
    let shape = shapes.reduce(Shape::or);
    shape.is_some_and(|shape| {
        let types = shape.types();
        !shape.open && types.contains("integer") && !types.contains("number")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_has_no_point_where_no_other_number_fits() {
        let schema = json!({ "type": "object", "properties": {
            "count": { "type": ["integer", "null"] },
            "share": { "type": "number" },
            "either": { "anyOf": [{ "type": "integer" }, { "type": "number" }] },
            "counts": { "type": "array", "items": { "type": "integer" } },
            "free": {},
        } });
        let config = json!({
            "count": 2.0, "share": 2.0, "either": 2.0, "counts": [1, 1e2], "free": { "x": 1.0 }, "other": 1.0,
        });
        let paths = |open: &[&str]| {
            let open = open.iter().map(ToString::to_string).collect();
            let found = fractions(&config, &schema, &open);
            found.into_iter().map(|misfit| misfit.path).collect::<Vec<_>>()
        };
        assert_eq!(paths(&[]), ["count", "counts.1"]);
        assert_eq!(paths(&["count"]), ["counts.1"]);
    }
}

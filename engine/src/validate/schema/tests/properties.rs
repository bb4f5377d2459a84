//! What holds for any two schemas.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use super::{breaks, closed, object};
use crate::validate::schema::{Reliance, compare};

/// A schema and one that accepts at least as much.
fn widened() -> impl Strategy<Value = (Value, Value)> {
    let leaf = prop_oneof![
        (0..9_u64, 0..9_u64).prop_map(|(least, most)| {
            let string = |least, most| json!({ "type": "string", "minLength": least, "maxLength": most });
            (string(least + 1, most), string(least, most + 1))
        }),
        (0..3_i64, 0..3_i64).prop_map(|(least, more)| {
            (
                json!({ "type": "integer", "minimum": least + more }),
                json!({ "type": "number", "minimum": least }),
            )
        }),
        subsequence(vec!["a", "b", "c"], 1..3)
            .prop_map(|choices| (json!({ "enum": choices }), json!({ "enum": ["a", "b", "c"] }))),
        Just((json!({ "type": "boolean" }), json!({ "type": ["boolean", "null"] }))),
        Just((json!({ "const": 1 }), json!({}))),
        Just((json!({ "type": "string" }), json!({ "anyOf": [{ "type": "null" }, { "type": "string" }] }))),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let pairs = vec(inner.clone(), 1..4);
        prop_oneof![
            inner.clone().prop_map(|(narrow, wide)| {
                (
                    json!({ "type": "array", "items": narrow, "minItems": 1 }),
                    json!({ "type": "array", "items": wide }),
                )
            }),
            inner.clone().prop_map(|(narrow, wide)| {
                let map = |each| json!({ "type": "object", "additionalProperties": each });
                (map(narrow), map(wide))
            }),
            inner.prop_map(|(narrow, wide)| {
                let referring = |to: Value| json!({ "allOf": [to] });
                (referring(narrow), referring(wide))
            }),
            (pairs.clone(), any::<bool>()).prop_map(|(fields, required)| {
                let names: Vec<_> = (0..fields.len()).map(|number| format!("f{number}")).collect();
                let side = |wide: bool| {
                    let fields = names.iter().zip(&fields).map(|(name, pair)| {
                        (name.clone(), if wide { pair.1.clone() } else { pair.0.clone() })
                    });
                    let fields: serde_json::Map<_, _> = fields.collect();
                    let required = if wide && !required { &[][..] } else { &names[..] };
                    closed(&fields.into(), &json!(required))
                };
                (side(false), side(true))
            }),
            pairs.prop_map(|variants| {
                let side = |wide: bool| {
                    let variants = variants.iter().enumerate().map(|(number, pair)| {
                        let data = if wide { &pair.1 } else { &pair.0 };
                        object(
                            &json!({ "kind": { "const": format!("v{number}") }, "data": data }),
                            &json!(["kind", "data"]),
                        )
                    });
                    variants.collect::<Vec<_>>()
                };
                let more = object(&json!({ "kind": { "const": "more" } }), &json!(["kind"]));
                let wide = [side(true), vec![more]].concat();
                (json!({ "oneOf": side(false) }), json!({ "oneOf": wide }))
            }),
        ]
    })
}

/// The same schema with words for people everywhere, so that nothing is equal at a glance.
pub(super) fn annotated(schema: &Value) -> Value {
    let nested = |value: &Value| match value {
        Value::Array(list) => {
            list.iter().map(|one| if one.is_object() { annotated(one) } else { one.clone() }).collect()
        }
        Value::Object(_) => annotated(value),
        other => other.clone(),
    };
    let Value::Object(keywords) = schema else { return schema.clone() };
    let mut annotated: serde_json::Map<_, _> = keywords
        .iter()
        .map(|(name, value)| match (name.as_str(), value) {
            ("properties" | "patternProperties" | "$defs", Value::Object(fields)) => {
                let fields = fields.iter().map(|(field, schema)| (field.clone(), nested(schema)));
                (name.clone(), Value::Object(fields.collect()))
            }
            _ => (name.clone(), nested(value)),
        })
        .collect();
    annotated.insert("title".to_owned(), "Title".into());
    annotated.into()
}

proptest! {
    #[test]
    fn a_schema_compared_with_itself_gives_nothing((narrow, wide) in widened()) {
        for schema in [narrow, wide] {
            for reliance in [Reliance::Stored, Reliance::Read] {
                prop_assert_eq!(compare(reliance, "at", &schema, &schema), []);
                prop_assert_eq!(compare(reliance, "at", &schema, &annotated(&schema)), []);
            }
        }
    }

    #[test]
    fn what_is_stored_may_widen_and_what_is_read_may_narrow((narrow, wide) in widened()) {
        prop_assert_eq!(compare(Reliance::Stored, "at", &narrow, &wide), []);
        prop_assert_eq!(compare(Reliance::Read, "at", &wide, &narrow), []);
    }

    #[test]
    fn what_is_stored_must_not_narrow_and_what_is_read_must_not_widen((narrow, wide) in widened()) {
        prop_assert!(!breaks(Reliance::Stored, &wide, &narrow).is_empty());
        prop_assert!(!breaks(Reliance::Read, &narrow, &wide).is_empty());
    }

    #[test]
    fn whatever_passes_the_comparison_is_accepted((narrow, wide) in widened(), (other, _) in widened()) {
        // Where a comparison with an unrelated schema finds nothing, that must be true of sample values.
        for (old, new) in [(&narrow, &other), (&other, &wide)] {
            if breaks(Reliance::Stored, old, new).is_empty() {
                let (old, new) = (jsonschema::validator_for(old).unwrap(), jsonschema::validator_for(new).unwrap());
                for value in [json!(null), json!(true), json!(0), json!(1), json!(2.5), json!("a"), json!("abcd"), json!([]), json!(["a"]), json!({}), json!({ "f0": "a" }), json!({ "f0": 1 })] {
                    prop_assert!(!old.is_valid(&value) || new.is_valid(&value), "{}", value);
                }
            }
        }
    }
}

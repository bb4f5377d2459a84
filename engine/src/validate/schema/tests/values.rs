//! Types, bounds and choices.

use serde_json::json;

use super::{breaks, check_all};
use crate::validate::schema::Reliance;

#[test]
fn types() {
    check_all(&[
        (
            json!({ "type": "integer" }),
            json!({ "type": "number" }),
            &["at: its type was number, now integer"],
            &["at: its type was integer, now number"],
        ),
        (
            json!({ "type": "integer" }),
            json!({ "type": ["integer", "null"] }),
            &["at: its type was integer or null, now integer"],
            &["at: its type was integer, now integer or null"],
        ),
        (
            json!({ "type": "string" }),
            json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
            &["at: its type was null or string, now string"],
            &["at: its type was string, now null or string"],
        ),
        (
            json!({ "type": "boolean" }),
            json!({}),
            &["at: its type was any, now boolean"],
            &["at: its type was boolean, now any"],
        ),
        (
            json!(false),
            json!({ "type": "array" }),
            &["at: its type was array, now nothing"],
            &["at: its type was nothing, now array"],
        ),
    ]);
    let (old, new) = (json!({ "type": "string" }), json!({ "type": "integer" }));
    for reliance in [Reliance::Stored, Reliance::Read] {
        assert_eq!(breaks(reliance, &old, &new), ["at: its type was string, now integer"]);
    }
}

#[test]
fn bounds_of_numbers_come_from_keywords_and_formats() {
    check_all(&[
        (
            json!({ "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 }),
            json!({ "type": "integer", "format": "uint64", "minimum": 0 }),
            &["at: its range was uint64 from 0, now uint8 from 0 to 255"],
            &["at: its range was uint8 from 0 to 255, now uint64 from 0"],
        ),
        (
            json!({ "type": "integer", "format": "uint32", "minimum": 0 }),
            json!({ "type": "integer", "format": "int64" }),
            &["at: its range was int64, now uint32 from 0"],
            &["at: its range was uint32 from 0, now int64"],
        ),
        (
            json!({ "type": "number", "format": "float" }),
            json!({ "type": "number", "format": "double" }),
            &["at: its range was double, now float"],
            &["at: its range was float, now double"],
        ),
        (
            json!({ "type": "number", "exclusiveMinimum": 0 }),
            json!({ "type": "number", "minimum": 0 }),
            &["at: its range was from 0, now above 0"],
            &["at: its range was above 0, now from 0"],
        ),
        (
            json!({ "type": "number", "exclusiveMaximum": 5, "multipleOf": 4 }),
            json!({ "type": "number", "multipleOf": 2 }),
            &["at: its range was unbounded, now below 5", "at: `multipleOf` was 2, now 4"],
            &["at: its range was below 5, now unbounded", "at: `multipleOf` was 4, now 2"],
        ),
    ]);
}

#[test]
fn bounds_of_sizes_patterns_and_formats() {
    check_all(&[
        (
            json!({ "type": "string", "minLength": 2, "maxLength": 8 }),
            json!({ "type": "string", "minLength": 1, "maxLength": 9 }),
            &["at: `minLength` was 1, now 2", "at: `maxLength` was 9, now 8"],
            &["at: `minLength` was 2, now 1", "at: `maxLength` was 8, now 9"],
        ),
        (
            json!({ "type": "string", "pattern": "^a", "format": "email" }),
            json!({ "type": "string" }),
            &["at: `pattern` was none, now \"^a\"", "at: `format` was none, now \"email\""],
            &["at: `pattern` was \"^a\", now none", "at: `format` was \"email\", now none"],
        ),
        (
            json!({ "type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true }),
            json!({ "type": "array" }),
            &[
                "at: `minItems` was none, now 1",
                "at: `maxItems` was none, now 2",
                "at: `uniqueItems` was none, now true",
            ],
            &[
                "at: `minItems` was 1, now none",
                "at: `maxItems` was 2, now none",
                "at: `uniqueItems` was true, now none",
            ],
        ),
        (
            json!({ "type": "object", "minProperties": 1, "maxProperties": 3 }),
            json!({ "type": "object", "maxProperties": 4 }),
            &["at: `minProperties` was none, now 1", "at: `maxProperties` was 4, now 3"],
            &["at: `minProperties` was 1, now none", "at: `maxProperties` was 3, now 4"],
        ),
    ]);
    let (old, new) =
        (json!({ "type": "string", "format": "uri" }), json!({ "type": "string", "format": "email" }));
    assert_eq!(breaks(Reliance::Stored, &old, &new), ["at: `format` was \"uri\", now \"email\""]);
}

#[test]
fn choices() {
    check_all(&[
        (
            json!({ "enum": ["a", "b"] }),
            json!({ "enum": ["a", "b", "c"] }),
            &["at: the choice \"c\" is gone"],
            &["at: it may now be \"c\""],
        ),
        (
            json!({ "type": "string", "enum": ["a"] }),
            json!({ "type": "string" }),
            &["at: it is now limited to choices"],
            &["at: it is no longer limited to choices"],
        ),
        (
            json!({ "const": 1 }),
            json!({ "oneOf": [{ "const": 1 }, { "const": 2 }] }),
            &["at: the choice 2 is gone"],
            &["at: it may now be 2"],
        ),
        (
            json!({ "enum": ["a"] }),
            json!({ "enum": ["a", null] }),
            &["at: its type was null or string, now string"],
            &["at: its type was string, now null or string"],
        ),
        (
            json!({ "const": true }),
            json!({ "type": "boolean" }),
            &["at: the choice false is gone"],
            &["at: it may now be false"],
        ),
        (
            json!({ "enum": ["ab"] }),
            json!({ "enum": ["ab", "b"], "type": "string" }),
            &["at: the choice \"b\" is gone"],
            &["at: it may now be \"b\""],
        ),
        // Documented variants of an enum stand apart from the others.
        (
            json!({ "oneOf": [{ "type": "string", "enum": ["a", "b"] }] }),
            json!({ "oneOf": [{ "type": "string", "enum": ["b"] }, { "description": "A", "const": "a" }, { "const": "c" }] }),
            &["at: the choice \"c\" is gone"],
            &["at: it may now be \"c\""],
        ),
    ]);
    let (old, new) = (json!({ "enum": ["ab", "b"] }), json!({ "type": "string", "minLength": 2 }));
    assert_eq!(breaks(Reliance::Stored, &old, &new), ["at: the choice \"b\" is gone"]);
}

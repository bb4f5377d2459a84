//! Fields, items, and words for people.

use serde_json::{Value, json};

use super::{breaks, closed, found, object};
use crate::validate::schema::{Reliance, Weight};

#[test]
fn fields_of_configs_and_states() {
    let a = json!({ "a": { "type": "string" } });
    let ab = json!({ "a": { "type": "string" }, "b": { "type": "integer" } });
    let check = |old: &Value, new: &Value, expected: &[&str]| {
        assert_eq!(breaks(Reliance::Stored, old, new), expected, "{old} → {new}");
    };
    check(&closed(&a, &json!([])), &closed(&ab, &json!([])), &[]);
    check(&closed(&ab, &json!([])), &closed(&a, &json!([])), &["at.b: the field is gone"]);
    check(&object(&ab, &json!(["b"])), &object(&a, &json!([])), &[]);
    check(&closed(&a, &json!([])), &closed(&a, &json!(["a"])), &["at.a: the field is now required"]);
    check(&closed(&a, &json!(["a"])), &closed(&a, &json!([])), &[]);
    check(
        &closed(&a, &json!([])),
        &closed(&ab, &json!(["b"])),
        &["at.b: the field is new and required; give it a default"],
    );
    check(
        &object(&a, &json!([])),
        &json!({ "type": "object", "required": ["b"] }),
        &["at.b: the field is new and required; give it a default"],
    );
    check(
        &object(&a, &json!([])),
        &closed(&a, &json!([])),
        &["at: fields that it does not name are now refused"],
    );
    check(&closed(&a, &json!([])), &object(&a, &json!([])), &[]);
    let unevaluated = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "unevaluatedProperties": false });
    check(&closed(&ab, &json!([])), &unevaluated, &["at.b: the field is gone"]);
}

#[test]
fn fields_of_outcomes() {
    let a = json!({ "a": { "type": "string" } });
    let ab = json!({ "a": { "type": "string" }, "b": { "type": "integer" } });
    let check = |old: &Value, new: &Value, expected: &[&str]| {
        assert_eq!(breaks(Reliance::Read, old, new), expected, "{old} → {new}");
    };
    for form in [object, closed] {
        check(&form(&a, &json!(["a"])), &form(&ab, &json!(["a", "b"])), &[]);
        check(&form(&ab, &json!(["a", "b"])), &form(&a, &json!(["a"])), &["at.b: the field is gone"]);
        check(&form(&ab, &json!([])), &form(&a, &json!([])), &["at.b: the field is gone"]);
        check(
            &form(&a, &json!(["a"])),
            &form(&a, &json!([])),
            &["at.a: the field was always there and may now be missing"],
        );
        check(&form(&a, &json!([])), &form(&a, &json!(["a"])), &[]);
    }
    check(&closed(&a, &json!([])), &object(&a, &json!([])), &[]);
}

#[test]
fn nested_objects_arrays_tuples_and_maps_carry_their_path() {
    let field = |schema: Value| closed(&json!({ "a": schema }), &json!([]));
    let (text, flag) = (json!({ "type": "string" }), json!({ "type": "boolean" }));
    for (old, new, path) in [
        (field(text.clone()), field(flag.clone()), "at.a.a"),
        (json!({ "type": "array", "items": text }), json!({ "type": "array", "items": flag }), "at.a.[]"),
        (
            json!({ "type": "object", "additionalProperties": text }),
            json!({ "type": "object", "additionalProperties": flag }),
            "at.a.*",
        ),
        (
            json!({ "type": "object", "patternProperties": { "^\\d+$": text }, "additionalProperties": false }),
            json!({ "type": "object", "patternProperties": { "^\\d+$": flag }, "additionalProperties": false }),
            "at.a./^\\d+$/",
        ),
        (
            json!({ "type": "array", "prefixItems": [flag, text], "minItems": 2, "maxItems": 2 }),
            json!({ "type": "array", "prefixItems": [flag, flag], "minItems": 2, "maxItems": 2 }),
            "at.a.[1]",
        ),
    ] {
        for reliance in [Reliance::Stored, Reliance::Read] {
            assert_eq!(
                breaks(reliance, &field(old.clone()), &field(new.clone())),
                [format!("{path}: its type was string, now boolean")]
            );
        }
    }
    let pair = |items: Value| json!({ "type": "array", "prefixItems": items, "minItems": 2, "maxItems": 2 });
    let three = json!({ "type": "array", "prefixItems": [text, text, text], "minItems": 3, "maxItems": 3 });
    assert_eq!(breaks(Reliance::Stored, &pair(json!([text, text])), &three), ["at: `minItems` was 2, now 3"]);
}

#[test]
fn maps_and_records_differ() {
    let map = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let any = json!({ "type": "object", "additionalProperties": true });
    let record = object(&json!({ "a": { "type": "integer" } }), &json!([]));
    assert_eq!(breaks(Reliance::Stored, &any, &map), ["at.*: its type was any, now string"]);
    assert_eq!(breaks(Reliance::Stored, &map, &any), Vec::<String>::new());
    assert_eq!(breaks(Reliance::Read, &map, &any), ["at.*: its type was string, now any"]);
    assert_eq!(breaks(Reliance::Stored, &map, &record), ["at.a: its type was string, now integer"]);
    assert_eq!(
        breaks(Reliance::Stored, &record, &map),
        ["at.a: its type was integer, now string", "at.*: its type was any, now string"]
    );
    assert_eq!(breaks(Reliance::Read, &record, &map)[0], "at.a: the field is gone");
    assert_eq!(
        breaks(Reliance::Read, &map, &closed(&json!({}), &json!([]))),
        ["at: fields that it does not name are gone"]
    );
    let keys = |pattern: &str| json!({ "type": "object", "patternProperties": { pattern: true } });
    assert_eq!(
        breaks(Reliance::Stored, &keys("^a"), &keys("^b")),
        ["at: `patternProperties` has changed and cannot be compared"]
    );
}

#[test]
fn words_for_people_change_freely_and_defaults_are_noticed() {
    let old =
        json!({ "title": "A", "properties": { "a": { "type": "integer", "default": 1, "x-stepwell": {} } } });
    let new = json!({ "title": "B", "properties": { "a": { "type": "integer", "default": 2 } } });
    for reliance in [Reliance::Stored, Reliance::Read] {
        assert_eq!(breaks(reliance, &old, &new), Vec::<String>::new());
    }
    assert_eq!(found(Reliance::Stored, Weight::Notice, &old, &new), ["at.a: its default was 1, now 2"]);
    assert_eq!(found(Reliance::Read, Weight::Notice, &old, &new), Vec::<String>::new());
}

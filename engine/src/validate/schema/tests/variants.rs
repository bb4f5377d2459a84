//! Enums with data, references, and what is not understood.

use serde_json::{Value, json};

use super::{Widened, breaks, closed, object};
use crate::validate::schema::Reliance;

/// A variant of an internally tagged enum.
fn tagged(name: &str, field: &str) -> Value {
    object(
        &json!({ "kind": { "type": "string", "const": name }, "to": { "type": field } }),
        &json!(["kind", "to"]),
    )
}

/// A variant of an externally tagged enum.
fn external(name: &str, field: &str) -> Value {
    closed(&json!({ name: closed(&json!({ "to": { "type": field } }), &json!(["to"])) }), &json!([name]))
}

#[test]
fn variants_are_matched_by_their_tags() {
    for variant in [tagged, external] {
        let one = json!({ "oneOf": [variant("mail", "string"), variant("call", "integer")] });
        let reordered = json!({ "oneOf": [variant("call", "integer"), variant("mail", "string")] });
        let more = json!({ "oneOf": [variant("post", "string"), variant("call", "integer"), variant("mail", "string")] });
        let changed = json!({ "oneOf": [variant("mail", "string"), variant("call", "string")] });
        let nothing = Vec::<String>::new();
        for reliance in [Reliance::Stored, Reliance::Read] {
            assert_eq!(breaks(reliance, &one, &reordered), nothing);
        }
        assert_eq!(breaks(Reliance::Stored, &one, &more), nothing);
        assert_eq!(breaks(Reliance::Read, &more, &one), nothing);
        assert_eq!(breaks(Reliance::Stored, &more, &one), ["at: the variant `post` is gone or accepts less"]);
        assert_eq!(breaks(Reliance::Read, &one, &more), ["at: it may now be the variant `post`"]);
        for reliance in [Reliance::Stored, Reliance::Read] {
            let found = breaks(reliance, &one, &changed);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with("at[call]."), "{found:?}");
            assert!(found[0].ends_with("to: its type was integer, now string"), "{found:?}");
        }
    }
}

#[test]
fn unit_variants_stand_beside_variants_with_data() {
    let one = json!({ "oneOf": [{ "type": "string", "enum": ["none", "all"] }, external("mail", "string")] });
    let two = json!({ "oneOf": [{ "type": "string", "enum": ["none"] }, external("mail", "string")] });
    Widened {
        narrow: two,
        wide: one,
        stored: &["at: the choice \"all\" is gone"],
        read: &["at: it may now be \"all\""],
    }
    .check();
}

#[test]
fn untagged_alternatives_are_tried_one_by_one() {
    let alternatives = |list: &[Value]| json!({ "anyOf": list });
    let (a, b) = (
        object(&json!({ "a": { "type": "string" } }), &json!(["a"])),
        object(&json!({ "b": { "type": "string" } }), &json!(["b"])),
    );
    Widened {
        narrow: alternatives(std::slice::from_ref(&a)),
        wide: alternatives(&[b, a]),
        stored: &["at: the alternative {b} is gone or accepts less"],
        read: &["at: it may now be the alternative {b}"],
    }
    .check();
}

#[test]
fn fields_beside_alternatives_belong_to_each() {
    let flattened = |shared: &str| {
        json!({
            "type": "object",
            "properties": { "id": { "type": shared } },
            "required": ["id"],
            "oneOf": [tagged("mail", "string"), tagged("call", "integer")],
        })
    };
    assert_eq!(
        breaks(Reliance::Stored, &flattened("integer"), &flattened("string")),
        ["at[mail].id: its type was integer, now string", "at[call].id: its type was integer, now string"]
    );
}

#[test]
fn references_are_followed_and_recursion_ends() {
    let tree = |leaf: &str| {
        json!({
            "$ref": "#/$defs/tree",
            "$defs": { "tree": {
                "type": "object",
                "properties": {
                    "leaf": { "type": leaf },
                    "left": { "anyOf": [{ "$ref": "#/$defs/tree" }, { "type": "null" }] },
                    "all": { "type": "array", "items": { "$ref": "#/$defs/tree" } },
                },
            } },
        })
    };
    for reliance in [Reliance::Stored, Reliance::Read] {
        assert_eq!(breaks(reliance, &tree("string"), &tree("string")), Vec::<String>::new());
        let changed = breaks(reliance, &tree("string"), &tree("integer"));
        assert_eq!(changed[0], "at.leaf: its type was string, now integer");
    }
    let inlined = json!({ "type": "string" });
    let referred = json!({ "$ref": "#/$defs/name", "$defs": { "name": { "type": "string" } } });
    assert_eq!(breaks(Reliance::Stored, &inlined, &referred), Vec::<String>::new());
    assert_eq!(breaks(Reliance::Read, &referred, &inlined), Vec::<String>::new());
}

#[test]
fn what_is_not_understood_counts_when_it_changes() {
    let negative = |value: u64| json!({ "type": "integer", "not": { "const": value } });
    assert_eq!(breaks(Reliance::Stored, &negative(1), &negative(1)), Vec::<String>::new());
    assert_eq!(
        breaks(Reliance::Stored, &negative(1), &negative(2)),
        ["at: `not` has changed and cannot be compared"]
    );
    let circle = json!({ "$ref": "#" });
    assert_eq!(
        breaks(Reliance::Stored, &json!({}), &circle),
        ["at: its references go round in a circle, so that it cannot be compared"]
    );
    let external = json!({ "$ref": "https://example.com" });
    assert_eq!(
        breaks(Reliance::Stored, &json!({}), &external),
        [
            "at: it refers to \"https://example.com\", which is not in the schema, so that it cannot be compared"
        ]
    );
    let overlapping = json!({ "oneOf": [{ "type": "string" }, { "enum": ["a"] }] });
    assert_eq!(
        breaks(Reliance::Stored, &json!({ "type": "string" }), &overlapping),
        ["at: alternatives of its `oneOf` overlap, so that it cannot be compared"]
    );
    let torn = json!({ "allOf": [closed(&json!({ "a": {} }), &json!([])), closed(&json!({ "b": {} }), &json!([]))] });
    assert_eq!(
        breaks(Reliance::Stored, &json!({}), &torn),
        ["at: one of its parts refuses the fields of another, so that it cannot be compared"]
    );
}

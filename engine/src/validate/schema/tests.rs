use serde_json::{Value, json};

use super::{Reliance, Weight, compare};

/// What is found, as `path: change`.
fn found(reliance: Reliance, weight: Weight, old: &Value, new: &Value) -> Vec<String> {
    compare(reliance, "at", old, new)
        .into_iter()
        .filter(|finding| finding.weight == weight)
        .map(|finding| format!("{}: {}", finding.path, finding.change))
        .collect()
}

fn breaks(reliance: Reliance, old: &Value, new: &Value) -> Vec<String> {
    found(reliance, Weight::Break, old, new)
}

/// The old schema accepts a part of what the new one accepts: nothing stored is refused, and what is read may be
/// something that it never was.
struct Widened {
    narrow: Value,
    wide: Value,
    /// What is said when the schema of stored values narrows.
    stored: &'static [&'static str],
    /// What is said when the schema of read values widens.
    read: &'static [&'static str],
}

impl Widened {
    fn check(&self) {
        let Self { narrow, wide, stored, read } = self;
        let nothing = Vec::<String>::new();
        assert_eq!(breaks(Reliance::Stored, narrow, wide), nothing, "stored: {narrow} → {wide}");
        assert_eq!(breaks(Reliance::Read, wide, narrow), nothing, "read: {wide} → {narrow}");
        assert_eq!(breaks(Reliance::Stored, wide, narrow), *stored, "stored: {wide} → {narrow}");
        assert_eq!(breaks(Reliance::Read, narrow, wide), *read, "read: {narrow} → {wide}");
    }
}

fn object(fields: &Value, required: &Value) -> Value {
    json!({ "type": "object", "properties": fields, "required": required })
}

fn closed(fields: &Value, required: &Value) -> Value {
    json!({ "type": "object", "properties": fields, "required": required, "additionalProperties": false })
}

fn check_all(cases: &[(Value, Value, &'static [&'static str], &'static [&'static str])]) {
    for (narrow, wide, stored, read) in cases.iter().cloned() {
        Widened { narrow, wide, stored, read }.check();
    }
}

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
    let torn = json!({ "allOf": [closed(&json!({ "a": {} }), &json!([])), closed(&json!({ "b": {} }), &json!([]))] });
    assert_eq!(
        breaks(Reliance::Stored, &json!({}), &torn),
        ["at: one of its parts refuses the fields of another, so that it cannot be compared"]
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

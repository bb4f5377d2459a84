//! The rules of configs within configs are found, wherever they lie.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stepwell::config::{Config, FieldError};
use stepwell::prelude::*;

#[config]
struct Named {
    #[field(check = lower_case)]
    name: String,
    #[field(check = no_more_than(most))]
    least: Option<u8>,
    most: Option<u8>,
}

fn lower_case(name: &String) -> Result<(), FieldError> {
    if *name == name.to_lowercase() { Ok(()) } else { Err("It has a capital; write it small".into()) }
}

fn no_more_than(least: Option<&u8>, most: Option<&u8>) -> Result<(), FieldError> {
    if least.zip(most).is_none_or(|(least, most)| least <= most) {
        Ok(())
    } else {
        Err("It is more than `most`; make it less".into())
    }
}

#[config]
struct Outer {
    one: Named,
    maybe: Option<Box<Named>>,
    list: Option<Vec<Named>>,
    map: Option<BTreeMap<String, Vec<Named>>>,
    tagged: Option<Tagged>,
    enclosed: Option<Enclosed>,
    adjacent: Option<Adjacent>,
    either: Option<Either>,
    within: Option<Plain>,
    children: Option<Vec<Outer>>,
}

#[data]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Tagged {
    Held(Named),
    AsFields {
        #[serde(rename = "who", alias = "whom")]
        named: Named,
    },
    Nothing,
}

#[data]
#[serde(rename_all = "kebab-case")]
enum Enclosed {
    ByName(Named),
    Pair(String, Named),
}

#[data]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    Held(Named),
}

#[data]
#[serde(untagged)]
enum Either {
    Text(String),
    Held(Named),
}

/// Not every type in data is one of a config.
#[data]
struct Plain {
    pair: (u8, u8),
    #[serde(flatten)]
    named: Named,
}

#[track_caller]
fn check(config: &Value, expected: &[&str]) {
    let mut broken = Vec::new();
    for checks in Outer::checks(config) {
        for rule in checks.rules {
            if (rule.check)(checks.config).is_err() {
                broken.push(format!("{}.{}", checks.path, rule.reads[0]));
            }
        }
    }
    assert_eq!(broken, expected, "{config}");
}

#[test]
fn g4_a_config_within_a_config_keeps_its_own_rules() {
    let (good, bad) = (json!({ "name": "ada" }), json!({ "name": "Ada" }));
    check(&json!({ "one": good }), &[]);
    check(&json!({ "one": { "name": "Ada", "least": 3, "most": 2 } }), &["one.name", "one.least"]);
    check(&json!({ "maybe": bad, "list": [good, bad] }), &["maybe.name", "list.1.name"]);
    check(&json!({ "map": { "a": [good], "b": [good, bad] } }), &["map.b.1.name"]);
    check(
        &json!({ "children": [{ "one": bad, "children": [{ "list": [bad] }] }] }),
        &["children.0.one.name", "children.0.children.0.list.0.name"],
    );
}

#[test]
fn g4_a_config_within_a_variant_keeps_its_own_rules() {
    let bad = json!({ "name": "Ada" });
    check(&json!({ "tagged": { "kind": "held", "name": "Ada" } }), &["tagged.name"]);
    check(&json!({ "tagged": { "kind": "nothing", "name": "Ada" } }), &[]);
    check(&json!({ "tagged": { "kind": "as_fields", "who": bad } }), &["tagged.who.name"]);
    check(&json!({ "tagged": { "kind": "as_fields", "whom": bad } }), &["tagged.whom.name"]);
    check(&json!({ "enclosed": { "by-name": bad } }), &["enclosed.by-name.name"]);
    check(&json!({ "enclosed": { "pair": ["x", bad] } }), &["enclosed.pair.1.name"]);
    check(&json!({ "adjacent": { "kind": "Held", "of": bad } }), &["adjacent.of.name"]);
    check(&json!({ "either": bad }), &["either.name"]);
    check(&json!({ "either": "Ada" }), &[]);
    check(&json!({ "within": { "pair": [1, 2], "name": "Ada" } }), &["within.name"]);
}

#[test]
fn g4_what_is_no_config_yet_has_no_rules() {
    check(&json!({ "one": "{{ trigger.one }}", "maybe": null, "list": 7, "map": [], "tagged": "Ada" }), &[]);
    check(&json!("{{ trigger }}"), &[]);
    check(&json!({ "list": [7, { "name": 7, "least": 3, "most": 2 }] }), &["list.1.least"]);
}

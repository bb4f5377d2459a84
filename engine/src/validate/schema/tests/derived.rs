//! Schemas as the SDK derives them from types.

#![expect(dead_code, reason = "the types are there for their schemas")]

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde_json::Value;
use stepwell::config::schema_of;

use super::properties::annotated;
use super::{breaks, closed};
use crate::validate::schema::Reliance;

#[derive(JsonSchema)]
struct Everything {
    flag: bool,
    count: u32,
    ratio: f64,
    text: Option<String>,
    pair: (String, u8),
    three: [i64; 3],
    list: Vec<Inner>,
    optional: Option<Inner>,
    map: BTreeMap<String, Inner>,
    numbered: HashMap<u32, String>,
    any: Value,
    unit: Unit,
    documented: Documented,
    external: External,
    internal: Internal,
    adjacent: Adjacent,
    untagged: Untagged,
    tree: Tree,
    #[serde(flatten)]
    flattened: Internal,
}

#[derive(JsonSchema)]
struct Inner {
    /// A name
    #[serde(default)]
    name: String,
}

#[derive(JsonSchema)]
enum Unit {
    One,
    Two,
}

#[derive(JsonSchema)]
enum Documented {
    /// The first
    One,
    /// The second
    Two,
    Three,
}

#[derive(JsonSchema)]
enum External {
    None,
    Text(String),
    Fields { to: String },
    Pair(u8, u8),
}

#[derive(JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Internal {
    None,
    Fields { to: String },
    Inner(Inner),
}

#[derive(JsonSchema)]
#[serde(tag = "kind", content = "data")]
enum Adjacent {
    None,
    Text(String),
}

#[derive(JsonSchema)]
#[serde(untagged)]
enum Untagged {
    Text(String),
    Fields { to: String },
    List(Vec<u8>),
}

#[derive(JsonSchema)]
struct Tree {
    children: Vec<Tree>,
    parent: Option<Box<Tree>>,
}

#[test]
fn everything_that_is_derived_can_be_compared() {
    let schema = schema_of::<Everything>();
    for reliance in [Reliance::Stored, Reliance::Read] {
        let found = breaks(reliance, schema.as_value(), &annotated(schema.as_value()));
        assert_eq!(found, Vec::<String>::new());
    }
}

mod old {
    #[derive(schemars::JsonSchema)]
    #[serde(tag = "kind")]
    pub(super) enum Action {
        Mail { to: String },
        Call { number: u64 },
    }

    #[derive(schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Config {
        pub(super) action: Action,
        pub(super) retries: u16,
        pub(super) note: Option<String>,
        #[serde(default)]
        pub(super) tags: Vec<String>,
    }
}

mod wider {
    #[derive(schemars::JsonSchema)]
    #[serde(tag = "kind")]
    pub(super) enum Action {
        Call { number: u64, extension: Option<u8> },
        Mail { to: Option<String> },
        Post,
    }

    #[derive(schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Config {
        pub(super) action: Action,
        pub(super) retries: Option<i64>,
        pub(super) note: Option<String>,
        pub(super) tags: Option<Vec<serde_json::Value>>,
        #[serde(default)]
        pub(super) added: u8,
    }
}

#[test]
fn types_that_widen_keep_what_is_stored() {
    let (old, new) = (schema_of::<old::Config>(), schema_of::<wider::Config>());
    let (old, new) = (old.as_value(), new.as_value());
    assert_eq!(breaks(Reliance::Stored, old, new), Vec::<String>::new());
    assert_eq!(
        breaks(Reliance::Stored, new, old),
        [
            "at.action[Mail].to: its type was null or string, now string",
            "at.action[Mail].to: the field is now required",
            "at.action: the variant `Post` is gone or accepts less",
            "at.retries: its type was integer or null, now integer",
            "at.retries: its range was int64, now uint16 from 0 to 65535",
            "at.retries: the field is now required",
            "at.tags: its type was array or null, now array",
            "at.tags.[]: its type was any, now string",
            "at.added: the field is gone",
        ]
    );
    let empty = closed(&serde_json::json!({}), &serde_json::json!([]));
    assert_eq!(breaks(Reliance::Read, old, &empty).len(), 4);
}

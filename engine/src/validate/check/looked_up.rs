//! The functions that fields name to look their options up, and the fields that outcomes depend on.

use std::collections::BTreeSet;

use serde_json::Value;
use stepwell::manifest::{App, BlockManifest};

use super::Findings;

/// Looks for functions that a crate has twice.
pub(super) fn check_twice(app: &App) -> impl Iterator<Item = String> + '_ {
    let mut known = BTreeSet::new();
    app.options
        .iter()
        .filter(move |function| !known.insert(function.as_str()))
        .map(|function| format!("two functions with `#[options]` are called `{function}`; rename one"))
}

/// Looks for functions and fields that are named and not there.
pub(super) fn check(found: &mut Findings, app: &App, block: &BlockManifest) {
    let mut named = BTreeSet::new();
    collect(block.config.as_value(), &mut named);
    for function in named.into_iter().filter(|named| !app.options.iter().any(|known| known == named)) {
        found.add("config", format!("the function `{function}` is not registered; put `#[options]` on it"));
    }
    let fields = block.config.get("properties").and_then(Value::as_object);
    for outcome in &block.outcomes {
        let named = outcome.when.iter().map(|condition| &condition.field).chain(&outcome.each);
        for field in named.filter(|&field| !fields.is_some_and(|fields| fields.contains_key(field))) {
            let message =
                format!("it depends on `{field}`, but the config has no such field; name one that it has");
            found.add(format!("outcomes.{}", outcome.id), message);
        }
    }
}

fn collect<'s>(schema: &'s Value, named: &mut BTreeSet<&'s str>) {
    match schema {
        Value::Object(fields) => {
            let source = fields.get("x-stepwell").and_then(|hints| hints.pointer("/options_source/function"));
            named.extend(source.and_then(Value::as_str));
            fields.values().for_each(|schema| collect(schema, named));
        }
        Value::Array(schemas) => schemas.iter().for_each(|schema| collect(schema, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

//! Workflow files.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use stepwell::block::registered;
use stepwell::manifest::Manifest;
use stepwell_engine::definition::{Catalog, Definition, check};

use crate::values::Bytes;

const YAML: [&str; 48] = [
    "title",
    "trigger",
    "steps",
    "block",
    "config",
    "on",
    "retry",
    "attempts",
    "deadline",
    "id",
    "description",
    ": ",
    ":",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "\"",
    "'",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "| ",
    "> ",
    "# ",
    "? ",
    "core/manual",
    "core/set",
    "started",
    "done",
    "end",
    "first",
    "7d",
    "1e400",
    "18446744073709551616",
    "null",
    "~",
    "{{ first.a }}",
    "\0",
    "\t",
    "---\n",
    "concurrency",
];

/// What is read is written so that it is read as the same.
fn read(text: &str) -> bool {
    let Ok(parsed) = Definition::parse(text) else { return false };
    let written = parsed.definition.to_value();
    assert_eq!(Definition::from_value(&written).unwrap().definition, parsed.definition);
    assert_eq!(Definition::parse(&written.to_string()).unwrap().definition, parsed.definition);
    check(&parsed.definition, &CATALOG);
    true
}

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::new(&Manifest::registered()).unwrap().checked_by(registered()));

#[test]
fn any_text_is_a_definition_or_an_error() {
    bolero::check!().with_iterations(500).for_each(|input: &[u8]| {
        read(&String::from_utf8_lossy(input));
        read(&Bytes::new(input).tokens(&YAML));
    });
}

/// A definition in which anything may be missing or wrong.
fn almost(bytes: &mut Bytes<'_>) -> Value {
    let edges = |bytes: &mut Bytes<'_>| {
        let id = bytes.one_of(&["done", "started", "error", "deadline", "x"]);
        let to = [
            Value::from("first"),
            Value::from("second"),
            Value::from("end"),
            serde_json::json!(["first", "second"]),
        ];
        serde_json::json!({ id: to[bytes.next() % to.len()] })
    };
    let step = |bytes: &mut Bytes<'_>| {
        let mut step =
            serde_json::json!({ "block": bytes.one_of(&["core/set", "core/log", "core/delay", "no/block"]) });
        let config = bytes.next();
        if config > 50 {
            step["config"] = if config > 200 {
                bytes.value()
            } else {
                serde_json::json!({ "values": { bytes.text(): bytes.value() } })
            };
        }
        if bytes.next() > 100 {
            step["on"] = edges(bytes);
        }
        if bytes.next() > 200 {
            step["deadline"] =
                bytes.one_of(&["7d", "1ms", "0s", "-1s", "99999999999999999999d", "1h30m"]).into();
        }
        if bytes.next() > 200 {
            step["retry"] = serde_json::json!({ "attempts": bytes.next(), "first_delay": bytes.one_of(&["1s", "2h", "x"]) });
        }
        step
    };
    let (first, second) = (step(bytes), step(bytes));
    let mut definition = serde_json::json!({
        "title": bytes.one_of(&["T", "A title", ""]),
        "trigger": { "block": bytes.one_of(&["core/manual", "core/webhook"]), "on": edges(bytes) },
        "steps": { "first": first, "second": second },
    });
    if bytes.next() > 200 {
        definition[bytes.one_of(&["title", "trigger", "steps", "id", "description", "x"])] = bytes.value();
    }
    definition
}

#[test]
fn what_is_almost_a_definition_is_read_as_it_is_written_or_an_error() {
    static DEFINITIONS: AtomicUsize = AtomicUsize::new(0);
    bolero::check!().with_iterations(500).for_each(|input: &[u8]| {
        let almost = almost(&mut Bytes::new(input));
        DEFINITIONS.fetch_add(usize::from(read(&almost.to_string())), Ordering::SeqCst);
    });
    assert!(DEFINITIONS.load(Ordering::SeqCst) > 0, "some are definitions");
}

#[test]
fn aliases_that_grow_without_end_are_refused() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs += format!("a{level}: &a{level} [{aliases}]\n").as_str();
    }
    assert!(Definition::parse(&laughs).is_err());
    for deep in ["[", "{a: ", "- ", "? ", "&a [", "{\"a\":"] {
        let problems = Definition::parse(&deep.repeat(100_000)).expect_err(deep);
        assert!(problems.iter().any(|problem| problem.message.contains("nest")), "{deep}: {problems:?}");
    }
}

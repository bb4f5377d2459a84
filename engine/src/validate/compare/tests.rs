use serde_json::{Value, json};
use stepwell::manifest::App;

use super::{compare, differs};

fn fixture(text: &str) -> App {
    serde_json::from_str(text).expect("the fixture is well-formed")
}

fn lock() -> App {
    fixture(include_str!("fixtures/lock.json"))
}

fn breakages(old: &App, new: Option<&App>) -> Vec<String> {
    compare(old, new).breakages.iter().map(ToString::to_string).collect()
}

/// The lock file with a block's part set to a value, or removed with `null`.
fn changed(block: usize, part: &str, value: Value) -> App {
    let mut app = serde_json::to_value(lock()).expect("it has a JSON form");
    let block = app["blocks"][block].as_object_mut().expect("a block is an object");
    match value {
        Value::Null => _ = block.remove(part),
        value => _ = block.insert(part.to_owned(), value),
    }
    serde_json::from_value(app).expect("it is an app")
}

#[test]
fn the_same_blocks_break_nothing() {
    assert_eq!(breakages(&lock(), Some(&lock())), Vec::<String>::new());
    assert!(!differs(&lock(), Some(&lock())));
}

#[test]
fn additions_differ_and_break_nothing() {
    let additions = fixture(include_str!("fixtures/additions.json"));
    assert_eq!(breakages(&lock(), Some(&additions)), Vec::<String>::new());
    assert!(differs(&lock(), Some(&additions)));
}

#[test]
fn every_breaking_change_is_named_with_its_block_its_path_and_what_it_breaks() {
    let broken = fixture(include_str!("fixtures/broken.json"));
    assert_eq!(
        breakages(&lock(), Some(&broken)),
        [
            "shop/ask: config.text: its type was string, now integer; breaks workflows in use: configs would be refused",
            "shop/ask: config.link: the field is gone; breaks workflows in use: configs would be refused",
            "shop/ask: config.urgent: the field is new and required; give it a default; breaks workflows in use: configs would be refused",
            "shop/ask: outcomes.approved.by: the field is gone; breaks workflows in use: later steps that use the data would fail",
            "shop/ask: outcomes.declined: the outcome is gone; breaks workflows in use: edges that follow it would lead nowhere",
            "shop/ask: state.question_id: its type was integer, now string; breaks waiting runs: their states could not be read",
            "shop/ask: handlers.cancel: the handler is gone; breaks waiting runs: what they have registered outside would stay when they are cancelled",
            "shop/greet: the block is gone; breaks workflows in use: steps that use it would fail",
            "shop/ordered: registration.secret: the field is new and required; give it a default; breaks workflows in use: registrations of enabled triggers could not be read",
        ]
    );
}

#[test]
fn a_crate_that_lost_its_blocks_breaks_all_of_them() {
    assert_eq!(breakages(&lock(), None).len(), 3);
    assert!(differs(&lock(), None));
}

#[test]
fn each_part_of_a_block_is_compared() {
    for (block, part, value, expected) in [
        (
            1,
            "kind",
            json!("trigger"),
            "shop/greet: it was a step and is now a trigger; breaks workflows in use: it could no longer stand where it stands",
        ),
        (
            1,
            "connection",
            json!("shop/account"),
            "shop/greet: connection: it now needs `shop/account`; breaks workflows in use: nobody has given it the connection that it now asks for",
        ),
        (
            0,
            "state",
            Value::Null,
            "shop/ask: state: it is gone; breaks waiting runs: their states could not be read",
        ),
        (
            0,
            "handlers",
            json!(["execute", "cancel"]),
            "shop/ask: handlers.finish: the handler is gone; breaks waiting runs: their callbacks could not be taken",
        ),
        (
            2,
            "registration",
            Value::Null,
            "shop/ordered: registration: it is gone; breaks workflows in use: registrations of enabled triggers could not be read",
        ),
        (
            2,
            "handlers",
            json!(["activate", "trigger"]),
            "shop/ordered: handlers.deactivate: the handler is gone; breaks workflows in use: what enabled triggers have registered outside would stay",
        ),
        (
            2,
            "outcomes",
            json!([]),
            "shop/ordered: outcomes.ordered: the outcome is gone; breaks workflows in use: edges that follow it would lead nowhere",
        ),
        (
            0,
            "outcomes",
            json!([{ "id": "approved", "title": "" }, { "id": "declined", "title": "" }]),
            "shop/ask: outcomes.approved: its data is gone; breaks workflows in use: later steps that use the data would fail",
        ),
    ] {
        assert_eq!(breakages(&lock(), Some(&changed(block, part, value))), [expected]);
    }
    let wakes = |handlers: Value| changed(0, "handlers", handlers);
    assert_eq!(
        breakages(&wakes(json!(["execute", "wake", "finish"])), Some(&wakes(json!(["execute", "finish"])))),
        [
            "shop/ask: handlers.wake: the handler is gone; breaks waiting runs: nothing would happen at their wake times"
        ]
    );
}

#[test]
fn a_trigger_that_takes_no_requests_any_more_breaks_workflows_and_the_other_way_round_does_not() {
    let without = changed(2, "takes_requests", json!(false));
    let expected = "shop/ordered: takes_requests: it takes no requests any more; breaks workflows in use: what senders have been told to send would be refused";
    assert_eq!(breakages(&lock(), Some(&without)), [expected]);
    assert_eq!(breakages(&without, Some(&lock())), Vec::<String>::new());
}

#[test]
fn what_workflows_do_not_rely_on_changes_freely() {
    for (block, part, value) in [
        (0, "title", json!("Another")),
        (0, "description", json!("Another")),
        (0, "time_limit_ms", json!(5)),
        (0, "deprecated", json!({ "message": "Old" })),
        (0, "if_interrupted", json!("fail")),
        (0, "concurrency", json!(4)),
        (2, "switch", json!("overlap")),
        (0, "handlers", json!(["execute", "finish", "wake", "cancel"])),
        (1, "state", json!({ "type": "object" })),
    ] {
        let new = changed(block, part, value);
        assert_eq!(breakages(&lock(), Some(&new)), Vec::<String>::new(), "{part}");
        assert!(differs(&lock(), Some(&new)), "{part}");
    }
}

#[test]
fn a_trigger_that_begins_to_register_cannot_read_what_was_never_registered() {
    let without = changed(2, "registration", Value::Null);
    assert_eq!(
        breakages(&without, Some(&lock())),
        [
            "shop/ordered: registration: its type was null, now object; breaks workflows in use: registrations of enabled triggers could not be read"
        ]
    );
    let optional = changed(2, "registration", json!({ "type": ["object", "null"] }));
    assert_eq!(breakages(&without, Some(&optional)), Vec::<String>::new());
}

#[test]
fn a_connection_that_is_optional_may_come_and_one_that_was_given_by_default_may_not_go() {
    let with = |connection: Value, optional: Value| {
        let mut app = serde_json::to_value(changed(1, "connection", connection)).expect("it has a JSON form");
        app["blocks"][1]["connection_optional"] = optional;
        serde_json::from_value::<App>(app).expect("it is an app")
    };
    let (account, other) = (json!("shop/account"), json!("shop/other"));
    let (needed, optional) = (with(account.clone(), json!(false)), with(account, json!(true)));
    let none = lock();
    for (old, new) in [(&none, &optional), (&optional, &none), (&optional, &optional), (&needed, &needed)] {
        assert_eq!(breakages(old, Some(new)), Vec::<String>::new());
    }
    let unasked = "nobody has given it the connection that it now asks for";
    for (old, new, expected) in [
        (&optional, &needed, format!("it now needs `shop/account`; breaks workflows in use: {unasked}")),
        (
            &optional,
            &with(other, json!(true)),
            format!("it was `shop/account`, now `shop/other`; breaks workflows in use: {unasked}"),
        ),
        (
            &needed,
            &optional,
            "`shop/account` is now optional; breaks workflows in use: steps that name none would no longer have the one called `default`".to_owned(),
        ),
    ] {
        assert_eq!(breakages(old, Some(new)), [format!("shop/greet: connection: {expected}")]);
    }
}

#[test]
fn another_default_is_noticed() {
    let with = |default: u64| {
        changed(
            1,
            "config",
            json!({ "type": "object", "properties": { "times": { "type": "integer", "default": default } } }),
        )
    };
    let comparison = compare(&with(1), Some(&with(2)));
    assert_eq!(comparison.breakages, []);
    let notices: Vec<_> = comparison.notices.iter().map(ToString::to_string).collect();
    assert_eq!(notices, ["shop/greet: config.times: its default was 1, now 2"]);
}

#[test]
fn an_outcome_that_newly_depends_on_the_config_is_a_break() {
    let mut conditional = lock();
    let outcome = &mut conditional.blocks[0].outcomes[0];
    outcome.when = serde_json::from_value(json!([{ "field": "text" }])).expect("it is a condition");
    let found = breakages(&lock(), Some(&conditional));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("depends on the config in another way"), "{found:?}");
    assert!(breakages(&conditional, Some(&lock())).is_empty(), "without the condition it is there always");
}

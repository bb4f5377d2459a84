use serde_json::{Value, json};
use stepwell::manifest::{App, BlockManifest};

use super::check;

/// The blocks of the lock file's fixture, one of them changed. Block 0 is a step that defers, 1 a plain step, 2 a
/// trigger.
fn mistakes(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut app: Value =
        serde_json::from_str(include_str!("../compare/fixtures/lock.json")).expect("it is well-formed");
    change(&mut app);
    let app: App = serde_json::from_value(app).expect("it is an app");
    check([&app]).iter().map(ToString::to_string).collect()
}

/// The mistakes when a part of a block is set to a value, or removed with `null`.
fn with(block: usize, pointer: &str, value: Value) -> Vec<String> {
    mistakes(|app| {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
        let parent = app["blocks"][block].pointer_mut(parent).expect("the fixture has it");
        match (parent, value) {
            (Value::Object(parent), Value::Null) => _ = parent.remove(key),
            (parent, value) => parent[key] = value,
        }
    })
}

#[test]
fn well_formed_blocks_have_no_mistakes() {
    assert_eq!(mistakes(|_| ()), Vec::<String>::new());
}

#[test]
fn ids_of_blocks_are_unique_and_name_their_crate() {
    let twice = mistakes(|app| {
        let block = app["blocks"][1].clone();
        app["blocks"].as_array_mut().expect("a list").push(block);
    });
    assert_eq!(twice, ["shop/greet: two blocks have this id; give one another with `id = \"…\"`"]);
    for id in ["greet", "other/greet", "shop/", "shop/Greet", "shop/say_hello", "shop/a/b", "shopgreet"] {
        let message = "a block's id is its crate and a name in kebab-case, such as `shop/find-email`";
        assert_eq!(with(1, "/id", json!(id)), [format!("{id}: {message}")]);
    }
}

#[test]
fn ids_of_outcomes_are_in_snake_case_and_not_reserved() {
    for id in ["notFound", "not-found", "_found", "found_", "not__found", "", "2nd"] {
        assert_eq!(
            with(1, "/outcomes", json!([{ "id": id, "title": "Title" }])),
            [format!("shop/greet: outcomes.{id}: an outcome's id is in snake_case, such as `not_found`")]
        );
    }
    for id in ["error", "deadline"] {
        assert_eq!(
            with(1, "/outcomes", json!([{ "id": id, "title": "Title" }])),
            [format!(
                "shop/greet: outcomes.{id}: the id means something else in a workflow's edges; choose another"
            )]
        );
    }
    let outcome = json!({ "id": "found", "title": "Found" });
    assert_eq!(
        with(1, "/outcomes", json!([outcome, outcome])),
        ["shop/greet: outcomes.found: two outcomes have this id; rename one"]
    );
}

#[test]
fn titles_are_there_and_short_and_descriptions_are_bounded() {
    assert_eq!(
        with(1, "/title", json!(" ")),
        ["shop/greet: title: it is missing; the first line of the doc comment gives it"]
    );
    assert_eq!(
        with(1, "/outcomes", json!([{ "id": "greeted", "title": "x".repeat(61) }])),
        ["shop/greet: outcomes.greeted.title: it has 61 characters, at most 60 are allowed; shorten it"]
    );
    assert_eq!(with(1, "/description", json!("x".repeat(1000))), Vec::<String>::new());
    assert_eq!(
        with(1, "/description", json!("x".repeat(1001))),
        ["shop/greet: description: it has 1001 characters, at most 1000 are allowed; shorten it"]
    );
}

#[test]
fn time_limits_are_between_a_millisecond_and_a_day() {
    for limit in [1, 86_400_000] {
        assert_eq!(with(1, "/time_limit_ms", json!(limit)), Vec::<String>::new());
    }
    for limit in [0, 86_400_001] {
        assert_eq!(
            with(1, "/time_limit_ms", json!(limit)),
            ["shop/greet: time_limit_ms: a handler may take from 1 ms to 24 h; to wait longer, defer"]
        );
    }
}

#[test]
fn a_block_runs_from_one_to_ten_thousand_attempts_at_once() {
    for bound in [1, 10_000] {
        assert_eq!(with(1, "/concurrency", json!(bound)), Vec::<String>::new());
    }
    for bound in [0, 10_001] {
        assert_eq!(
            with(1, "/concurrency", json!(bound)),
            [
                "shop/greet: concurrency: a block runs from 1 to 10000 attempts at once; to leave it unbounded, remove it"
            ]
        );
    }
}

#[test]
fn handlers_come_with_what_they_need() {
    let cases = [
        (
            0,
            json!(["execute", "cancel"]),
            vec![
                "state: the step may defer, so it needs a `finish` or a `wake`",
                "handlers.cancel: a step that never defers has nothing to cancel; remove it",
            ],
        ),
        (0, json!(["execute", "wake"]), vec![]),
        (1, json!([]), vec!["handlers: a step needs the handler `execute`"]),
        (
            1,
            json!(["execute", "finish"]),
            vec!["state: it is missing; a step with `finish` or `wake` defers with one"],
        ),
        (1, json!(["execute", "renew"]), vec!["handlers.renew: a step has no such handler; remove it"]),
        (
            2,
            json!(["activate", "trigger"]),
            vec!["handlers.activate: it needs `deactivate` as its counterpart"],
        ),
        (
            2,
            json!(["trigger", "deactivate"]),
            vec![
                "handlers.deactivate: it needs `activate` as its counterpart",
                "registration: nothing makes it; it needs the handlers `activate` and `deactivate`",
            ],
        ),
        (
            2,
            json!(["trigger", "renew", "tick"]),
            vec![
                "handlers.renew: without `activate` it is never called; add that or remove this",
                "handlers.tick: without `activate` it is never called; add that or remove this",
                "registration: nothing makes it; it needs the handlers `activate` and `deactivate`",
            ],
        ),
        (2, json!(["activate", "deactivate"]), vec!["handlers: a trigger needs the handler `trigger`"]),
        (
            2,
            json!(["activate", "trigger", "deactivate", "wake"]),
            vec!["handlers.wake: a trigger has no such handler; remove it"],
        ),
    ];
    for (block, handlers, expected) in cases {
        let block_id = ["shop/ask", "shop/greet", "shop/ordered"][block];
        let expected: Vec<_> = expected.iter().map(|message| format!("{block_id}: {message}")).collect();
        assert_eq!(with(block, "/handlers", handlers), expected);
    }
}

#[test]
fn what_belongs_to_the_other_kind_is_refused() {
    for (block, pointer, value, message) in [
        (1, "/switch", json!("overlap"), "shop/greet: switch: only a trigger has it; remove it"),
        (1, "/registration", json!({}), "shop/greet: registration: only a trigger has it; remove it"),
        (2, "/state", json!({}), "shop/ordered: state: only a step has it; remove it"),
        (2, "/if_interrupted", json!("fail"), "shop/ordered: if_interrupted: only a step has it; remove it"),
        (2, "/concurrency", json!(4), "shop/ordered: concurrency: only a step has it; remove it"),
        (
            2,
            "/missed_ticks",
            json!("all"),
            "shop/ordered: missed_ticks: without `tick` there are none; remove it",
        ),
    ] {
        assert_eq!(with(block, pointer, value), [message]);
    }
}

#[test]
fn a_deprecation_says_why_and_its_replacement_takes_every_config() {
    let replaced = |by: &str| with(0, "/deprecated", json!({ "message": "Old", "replaced_by": by }));
    assert_eq!(
        with(1, "/deprecated", json!({})),
        ["shop/greet: deprecated: it gives no reason; say why with `deprecated = \"…\"`"]
    );
    let path = "shop/ask: deprecated.replaced_by";
    assert_eq!(replaced("shop/ask"), [format!("{path}: the block is said to replace itself; name another")]);
    assert_eq!(
        replaced("shop/none"),
        [format!("{path}: `shop` has no block `shop/none`; name one of its blocks")]
    );
    assert_eq!(
        replaced("shop/ordered"),
        [format!("{path}: `shop/ordered` is of another kind; a step replaces a step, a trigger a trigger")]
    );
    let refused = "`shop/greet` does not take every config of this block: config.";
    assert_eq!(
        replaced("shop/greet"),
        [
            format!("{path}: {refused}text: the field is gone"),
            format!("{path}: {refused}link: the field is gone")
        ]
    );
    let fits = mistakes(|app| {
        app["blocks"][0]["deprecated"] = json!({ "message": "Old", "replaced_by": "shop/greet" });
        app["blocks"][1]["config"] = app["blocks"][0]["config"].clone();
    });
    assert_eq!(fits, Vec::<String>::new());
}

#[test]
fn schemas_are_bounded_valid_and_complete() {
    let config = |schema: Value| with(1, "/config", schema);
    let fields = |count: usize| -> Value {
        json!({ "properties": (0..count).map(|number| (format!("f{number}"), json!({}))).collect::<serde_json::Map<_, _>>() })
    };
    let nested = |depth: usize| (0..depth).fold(json!({}), |inner, _| json!({ "items": inner }));
    assert_eq!(config(fields(200)), Vec::<String>::new());
    assert_eq!(config(nested(16)), Vec::<String>::new());
    for (schema, message) in [
        (
            json!({ "description": "x".repeat(65_536) }),
            "its schema has 65554 bytes, at most 65536 are allowed; split the block",
        ),
        (fields(201), "it has 201 fields, at most 200 are allowed; split the block"),
        (nested(17), "its values nest 17 deep, at most 16 are allowed; flatten them"),
        (
            json!({ "$ref": "https://example.com/config.json" }),
            "it refers to \"https://example.com/config.json\", which is not in the schema; include what it means",
        ),
        (
            json!({ "properties": { "a": { "$ref": "#/$defs/lost" } } }),
            "it refers to \"#/$defs/lost\", which is not in the schema; include what it means",
        ),
        (
            json!({ "properties": { "a": { "type": "text" } } }),
            "its schema is not valid at `/properties/a/type`: \"text\" is not valid under any of the schemas listed in the 'anyOf' keyword",
        ),
        (
            json!({ "$schema": "http://json-schema.org/draft-07/schema#" }),
            "its schema is in another dialect; write it in https://json-schema.org/draft/2020-12/schema",
        ),
    ] {
        assert_eq!(config(schema), [format!("shop/greet: config: {message}")]);
    }
    let unusable = config(json!({ "pattern": "(" }));
    assert!(
        unusable.len() == 1 && unusable[0].starts_with("shop/greet: config: its schema "),
        "{unusable:?}"
    );
    let recursive = json!({
        "$defs": { "node": { "type": "object", "properties": { "next": { "$ref": "#/$defs/node" } } } },
        "$ref": "#/$defs/node",
    });
    assert_eq!(config(recursive), Vec::<String>::new());
}

#[test]
fn blocks_of_several_crates_are_checked_together() {
    let app: App =
        serde_json::from_str(include_str!("../compare/fixtures/lock.json")).expect("it is well-formed");
    let blocks: Vec<BlockManifest> = app.blocks.clone();
    let again = App { blocks, ..app.clone() };
    assert_eq!(check([&app, &again]).len(), 3);
}

#[test]
fn functions_that_look_options_up_are_there_once() {
    let source = json!({ "options_source": { "function": "campaigns", "depends_on": [] } });
    let field = json!({ "title": "Campaign", "type": "string", "x-stepwell": source });
    let named = |app: &mut Value| app["blocks"][1]["config"]["properties"]["campaign"] = field.clone();
    assert_eq!(
        mistakes(named),
        ["shop/greet: config: the function `campaigns` is not registered; put `#[options]` on it"]
    );
    let twice = mistakes(|app| {
        named(app);
        app["options"] = json!(["campaigns", "campaigns"]);
    });
    assert_eq!(twice, ["shop: two functions with `#[options]` are called `campaigns`; rename one"]);
}

#[test]
fn outcomes_depend_on_fields_that_there_are() {
    let expected = "it depends on `cases`, but the config has no such field; name one that it has";
    let outcome = json!([{ "id": "case", "title": "Case", "each": "cases" }]);
    assert_eq!(with(1, "/outcomes", outcome), [format!("shop/greet: outcomes.case: {expected}")]);
}

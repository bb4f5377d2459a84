mod broken;
mod checks;
mod mutations;
mod outsider;

use std::sync::LazyLock;

use proptest::prelude::*;
use schemars::json_schema;
use serde_json::json;
use stepwell::config::Condition;
use stepwell::manifest::{App, BlockKind, BlockManifest, MANIFEST_FORMAT, Manifest};
use stepwell::outcome::OutcomeDescription;

use super::*;

fn catalog() -> Catalog {
    let block = |id: &str, kind, outcomes: &[&str]| {
        let config = json_schema!({
            "type": "object",
            "properties": { "text": { "type": "string" }, "number": { "type": "integer", "maximum": 10 }, "list": { "type": "array", "items": { "type": "string" } } },
            "required": ["text"],
            "additionalProperties": false,
        });
        let outcomes = outcomes.iter().map(|&id| OutcomeDescription::new(id, id)).collect();
        BlockManifest::new(id, kind, config, outcomes)
    };
    let blocks = vec![
        block("test/event", BlockKind::Trigger, &["happened"]),
        block("test/act", BlockKind::Step, &["done", "failed"]),
        block("core/join", BlockKind::Step, &["all"]),
        route(),
    ];
    Catalog::new(&Manifest { format: MANIFEST_FORMAT, apps: vec![App { blocks, ..App::new("test", "1") }] })
        .unwrap()
}

/// A step whose outcomes depend on its config.
fn route() -> BlockManifest {
    let never = json!({ "variables": "never" });
    let case = json!({ "type": "object", "properties": { "name": { "type": "string" }, "note": { "type": "string" } } });
    let config = json_schema!({
        "type": "object",
        "properties": {
            "kind": { "type": "string", "enum": ["issue", "pull"], "default": "issue" },
            "company": { "type": "string" },
            "cases": { "type": "array", "items": { "anyOf": [{ "type": "string" }, case] } },
            "fixed": { "type": "string", "x-stepwell": never },
            "parts": { "type": "array", "items": { "properties": { "fixed": { "x-stepwell": never } } } },
        },
        "additionalProperties": false,
    });
    let is = |field: &str, any_of: Option<Vec<Value>>| Condition { field: field.into(), any_of };
    let outcomes = vec![
        OutcomeDescription::new("opened", "Opened").when(vec![is("kind", Some(vec!["issue".into()]))]),
        OutcomeDescription::new("merged", "Merged")
            .when(vec![is("kind", Some(vec!["pull".into()])), is("company", None)]),
        OutcomeDescription::new("case", "Case").each("cases"),
        OutcomeDescription::new("otherwise", "Otherwise"),
    ];
    BlockManifest::new("test/route", BlockKind::Step, config, outcomes)
}

/// A workflow of one step whose outcomes depend on this config.
fn routed(config: &Value, outcomes: &[&str]) -> Value {
    let on: Map<String, Value> = outcomes.iter().map(|&id| (id.to_owned(), json!("end"))).collect();
    let definition = with(workflow(&[("a", on.into())]), "/steps/a/block", json!("test/route"));
    with(definition, "/steps/a/config", config.clone())
}

/// A workflow of these steps, each with its edges; the trigger leads to `a`.
fn workflow(steps: &[(&str, Value)]) -> Value {
    let steps: Map<String, Value> = steps
        .iter()
        .map(|(id, on)| {
            ((*id).to_owned(), json!({ "block": "test/act", "config": { "text": "x" }, "on": on }))
        })
        .collect();
    json!({
        "title": "Test",
        "trigger": { "block": "test/event", "config": { "text": "x" }, "on": { "happened": "a" } },
        "steps": steps,
    })
}

/// What is wrong with a definition, form first.
fn problems(definition: &Value) -> Vec<Problem> {
    match Definition::from_value(definition) {
        Ok(parsed) => check(&parsed.definition, &catalog()),
        Err(problems) => problems,
    }
}

#[track_caller]
fn refused(definition: &Value, expected: &[(&str, &str)]) {
    let problems = problems(definition);
    let found: Vec<_> =
        problems.iter().map(|problem| (problem.path.as_str(), problem.message.as_str())).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((path, words), (found_path, message)) in expected.iter().zip(&found) {
        assert!(
            path == found_path && message.contains(words),
            "expected {path}: …{words}…, found {found:#?}"
        );
    }
}

fn with(mut definition: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    definition.pointer_mut(parent).unwrap()[name] = value;
    definition
}

fn good() -> Value {
    workflow(&[
        ("a", json!({ "done": ["b", "c"], "failed": "end" })),
        ("b", json!({})),
        ("c", json!({ "error": "d" })),
        ("d", json!({})),
    ])
}

#[test]
fn a_good_definition_has_no_problems_and_round_trips() {
    assert_eq!(problems(&good()), []);
    let rich = with(
        with(good(), "/steps/b/retry", json!({ "attempts": 3, "first_delay": "2s" })),
        "/steps/b/deadline",
        json!("7d"),
    );
    let rich = with(rich, "/steps/b/on", json!({ "deadline": "end" }));
    let definition = Definition::from_value(&rich).unwrap().definition;
    assert_eq!(check(&definition, &catalog()), []);
    assert_eq!(Definition::from_value(&definition.to_value()).unwrap().definition, definition);
}

#[test]
fn the_form_is_judged_all_at_once() {
    let definition = json!({
        "titel": "x",
        "trigger": { "config": [], "on": "a" },
        "steps": {
            "end": { "block": "test/act" },
            "Two Words": { "block": 7, "retry": { "attempts": 0 }, "deadline": "soon", "on": { "done": [1, "a", "a", "end"] } },
        },
    });
    refused(
        &definition,
        &[
            ("titel", "did you mean `title`"),
            ("title", "is missing"),
            ("trigger.block", "is missing"),
            ("trigger.config", "a map"),
            ("trigger.on", "a map"),
            ("steps.end", "reserved word"),
            ("steps.Two Words", "snake_case"),
            ("steps.Two Words.block", "is a text"),
            ("steps.Two Words.retry.attempts", "from 1 to 100"),
            ("steps.Two Words.deadline", "not a duration"),
            ("steps.Two Words.on.done.0", "id of a step"),
            ("steps.Two Words.on.done.2", "listed twice"),
            ("steps.Two Words.on.done.3", "cannot stand beside"),
        ],
    );
}

#[test]
fn text_that_is_not_yaml_says_where() {
    for (text, line, column) in
        [("title: [\n", 2, 1), ("title: a\ntrigger: b\ntitle: c\n", 3, 1), ("{\"title\": ]}", 1, 12)]
    {
        let problems = Definition::parse(text).unwrap_err();
        assert_eq!(
            (problems[0].line, problems[0].column),
            (Some(line), Some(column)),
            "{text}: {problems:?}"
        );
    }
}

#[test]
fn a_step_that_is_there_twice_is_refused() {
    let text = "title: a\ntrigger: { block: test/event }\nsteps:\n  a: { block: test/act }\n  a: { block: test/act }\n";
    let problems = Definition::parse(text).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!((problem.path.as_str(), problem.line, problem.column), ("steps.a", Some(5), Some(3)));
    assert!(problem.message.contains("stands on line 4 already"), "{problem:?}");
}

#[test]
fn files_that_blow_up_are_refused() {
    let aliases = (1..12)
        .map(|level| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(", ")))
        .collect::<Vec<_>>()
        .concat();
    for text in [
        format!("a0: &a0 [x]\n{aliases}"),
        "[".repeat(10_000),
        format!("title: {}", "x".repeat(1024 * 1024)),
        format!("title: {}1{}", "[".repeat(65), "]".repeat(65)),
    ] {
        assert_eq!(Definition::parse(&text).unwrap_err().len(), 1, "{}", &text[..50]);
    }
}

#[test]
fn t9_variables_in_a_trigger_config_are_refused() {
    let definition = with(good(), "/trigger/config/text", json!("{{ workflow.id }}"));
    refused(&definition, &[("trigger.config.text", "holds no variables")]);
}

#[test]
fn blocks_outcomes_and_targets_must_exist() {
    let definition = with(good(), "/trigger/block", json!("test/act"));
    let definition = with(definition, "/steps/b/block", json!("test/atc"));
    let definition = with(definition, "/steps/c/block", json!("test/event"));
    let definition = with(definition, "/steps/d/on", json!({ "don": "end", "done": "bb" }));
    refused(
        &definition,
        &[
            ("trigger.block", "is a step"),
            ("steps.b.block", "did you mean `test/act`"),
            ("steps.c.block", "is a trigger"),
            ("steps.d.on.don", "did you mean `done`"),
            ("steps.d.on.done", "no step `bb`"),
        ],
    );
}

#[test]
fn constants_of_a_config_are_judged_and_expressions_are_not() {
    let definition =
        with(good(), "/steps/a/config", json!({ "number": 11, "tekst": "x", "list": ["ok", 7] }));
    let definition = with(
        definition,
        "/steps/b/config",
        json!({ "text": "{{ a.n }}", "number": "{{ a.n }}", "list": "{{ a.l }}" }),
    );
    let mut found: Vec<_> = problems(&definition).into_iter().map(|problem| problem.path).collect();
    found.sort();
    assert_eq!(
        found,
        ["steps.a.config.list.1", "steps.a.config.number", "steps.a.config.tekst", "steps.a.config.text"]
    );
}

#[test]
fn s9_variables_must_be_known_and_on_every_path() {
    let split = workflow(&[
        ("a", json!({ "done": "b", "failed": "c" })),
        ("b", json!({ "done": "c" })),
        ("c", json!({})),
    ]);
    let text = "{{ b.x }} {{ a.x }} {{ trigger.x }} {{ run.id }}";
    refused(
        &with(split.clone(), "/steps/c/config/text", json!(text)),
        &[("steps.c.config.text", "not on every path")],
    );
    refused(&with(split.clone(), "/steps/c/config/text", json!("{{ b.x | default('') }}")), &[]);
    let known = json!("{{ b is defined and a is mapping }}");
    refused(&with(split.clone(), "/steps/c/config/text", known), &[]);
    let called = json!("{{ b is defined and range(3) }}");
    refused(
        &with(split.clone(), "/steps/c/config/text", called),
        &[("steps.c.config.text", "no function `range`")],
    );
    refused(
        &with(split.clone(), "/steps/c/config/text", json!("{{ b.default ~ ' | default' }}")),
        &[("steps.c.config.text", "not on every path")],
    );
    for text in ["{{ bb.x }}", "{{ bb.x | default('') }}"] {
        refused(
            &with(split.clone(), "/steps/c/config/text", json!(text)),
            &[("steps.c.config.text", "no variable `bb`")],
        );
    }
    refused(
        &with(split.clone(), "/steps/c/config/text", json!("{{ a. }}")),
        &[("steps.c.config.text", "cannot be read")],
    );
    refused(
        &with(split, "/steps/a/config/text", json!("{{ a.x }}")),
        &[("steps.a.config.text", "not on every path")],
    );
}

#[test]
fn d7_a_deadline_and_its_edge_come_together() {
    refused(&with(good(), "/steps/b/deadline", json!("1h")), &[("steps.b.deadline", "needs an edge")]);
    refused(
        &with(good(), "/steps/b/on", json!({ "deadline": "end" })),
        &[("steps.b.on.deadline", "has no deadline")],
    );
}

#[test]
fn circles_unreachable_steps_and_parallel_merges_are_refused() {
    let circle = workflow(&[
        ("a", json!({ "done": "b" })),
        ("b", json!({ "done": "c" })),
        ("c", json!({ "done": "b" })),
    ]);
    refused(&circle, &[("steps.b", "goes in a circle")]);
    refused(&workflow(&[("a", json!({})), ("b", json!({}))]), &[("steps.b", "No path leads to `b`")]);
    let merge = workflow(&[
        ("a", json!({ "done": ["b", "c"] })),
        ("b", json!({ "done": "d" })),
        ("c", json!({ "done": "d" })),
        ("d", json!({ "done": "e" })),
        ("e", json!({})),
    ]);
    refused(&merge, &[("steps.d", "run in parallel from `a`")]);
    let direct =
        workflow(&[("a", json!({ "done": ["b", "c"] })), ("b", json!({ "done": "c" })), ("c", json!({}))]);
    refused(&direct, &[("steps.c", "run in parallel")]);
    let exclusive = workflow(&[
        ("a", json!({ "done": "b", "failed": "c" })),
        ("b", json!({ "done": "d" })),
        ("c", json!({ "done": "d" })),
        ("d", json!({})),
    ]);
    refused(&exclusive, &[]);
}

#[test]
fn every_circle_is_named() {
    let circles = workflow(&[
        ("a", json!({ "done": "b", "failed": "d" })),
        ("b", json!({ "done": "c" })),
        ("c", json!({ "done": "b" })),
        ("d", json!({ "done": "d" })),
    ]);
    refused(
        &circles,
        &[("steps.b", "`b` → `c` → `b` goes in a circle"), ("steps.d", "`d` → `d` goes in a circle")],
    );
}

#[test]
fn parallel_branches_meet_in_a_join_and_go_on_as_one() {
    let joined = |block: &str| {
        let definition = workflow(&[
            ("a", json!({ "done": ["b", "c"], "failed": "other" })),
            ("b", json!({ "done": "meet", "failed": "x" })),
            ("c", json!({ "done": "meet" })),
            ("x", json!({ "done": "meet" })),
            ("meet", if block == "core/join" { json!({ "all": "last" }) } else { json!({ "done": "last" }) }),
            ("other", json!({ "done": "last" })),
            ("last", json!({})),
        ]);
        with(definition, "/steps/meet/block", json!(block))
    };
    refused(&joined("core/join"), &[]);
    refused(
        &joined("test/act"),
        &[("steps.meet", "let them meet in a `core/join` step that leads to `meet`")],
    );
}

#[test]
fn a_join_does_not_hide_a_branch_that_goes_past_it() {
    let definition = workflow(&[
        ("a", json!({ "done": ["b", "c", "past"] })),
        ("b", json!({ "done": "meet" })),
        ("c", json!({ "done": "meet" })),
        ("past", json!({ "done": "last" })),
        ("meet", json!({ "all": "last" })),
        ("last", json!({})),
    ]);
    refused(
        &with(definition, "/steps/meet/block", json!("core/join")),
        &[("steps.last", "run in parallel from `a` on `done`")],
    );
}

#[test]
fn branches_of_the_trigger_are_parallel_too() {
    let definition = workflow(&[("a", json!({ "done": "b" })), ("b", json!({}))]);
    refused(
        &with(definition, "/trigger/on/happened", json!(["a", "b"])),
        &[("steps.b", "run in parallel from `trigger` on `happened`")],
    );
}

#[test]
fn g3_an_edge_follows_an_outcome_that_the_config_gives() {
    refused(&routed(&json!({}), &["opened", "otherwise", "error"]), &[]);
    refused(&routed(&json!({ "kind": "pull", "company": "x" }), &["merged", "otherwise"]), &[]);
    refused(
        &routed(&json!({ "kind": "pull", "company": "x" }), &["opened"]),
        &[(
            "steps.a.on.opened",
            "The outcome `opened` exists only if `kind` is `issue`; change `kind`, or remove the edge",
        )],
    );
    refused(
        &routed(&json!({}), &["merged", "case"]),
        &[
            (
                "steps.a.on.merged",
                "exists only if `kind` is `pull` and `company` is set; change `kind` and `company`",
            ),
            ("steps.a.on.case", "There is no outcome `case`"),
        ],
    );
}

#[test]
fn an_outcome_may_exist_when_an_expression_decides() {
    let config = json!({ "kind": "{{ trigger.kind }}", "company": "{{ trigger.company }}" });
    refused(&routed(&config, &["opened", "merged"]), &[]);
    let partly = json!({ "kind": "{{ trigger.kind }}" });
    refused(&routed(&partly, &["merged"]), &[("steps.a.on.merged", "exists only if `company` is set")]);
}

#[test]
fn g3_an_edge_follows_an_outcome_that_the_config_names() {
    let config = json!({ "cases": ["small", { "name": "large", "note": "{{ trigger.note }}" }] });
    refused(&routed(&config, &["small", "large", "opened"]), &[]);
    refused(
        &routed(&config, &["smal"]),
        &[("steps.a.on.smal", "There is no outcome `smal`; did you mean `small`?")],
    );
}

#[test]
fn names_of_outcomes_are_judged_where_they_stand() {
    let long = "x".repeat(65);
    let config = json!({ "cases": [
        "small", "Very Large", "small", "error", { "name": "otherwise" }, long, "merged", "{{ trigger.name }}",
    ] });
    refused(
        &routed(&config, &["small", "whatever"]),
        &[
            ("steps.a.config.cases.1", "snake_case and at most 64"),
            ("steps.a.config.cases.2", "given twice"),
            ("steps.a.config.cases.3", "an ending of its own"),
            ("steps.a.config.cases.4.name", "an outcome of the block already"),
            ("steps.a.config.cases.5", "at most 64"),
            ("steps.a.config.cases.6", "an outcome of the block already"),
            ("steps.a.config.cases.7", "write the name itself"),
        ],
    );
    let whole = json!({ "cases": "{{ trigger.cases }}" });
    refused(
        &routed(&whole, &["whatever"]),
        &[("steps.a.config.cases", "`cases` names the outcomes, which edges must know beforehand")],
    );
}

#[test]
fn a_field_that_takes_no_variables_holds_none() {
    let config =
        json!({ "fixed": "{{ trigger.x }}", "parts": [{ "fixed": "a {{ trigger.x }}" }, { "fixed": "b" }] });
    refused(
        &routed(&config, &["opened"]),
        &[
            ("steps.a.config.fixed", "takes no variables"),
            ("steps.a.config.parts.0.fixed", "takes no variables"),
        ],
    );
}

#[test]
fn a_dense_workflow_is_checked_in_reasonable_time() {
    let ids: Vec<String> = (0..300).map(|index| format!("step_{index}")).collect();
    let steps = ids.iter().enumerate().map(|(index, id)| {
        let on = json!({ "done": ids[index + 1..] });
        (id.clone(), json!({ "block": "test/act", "config": { "text": "x" }, "on": on }))
    });
    let definition = with(workflow(&[]), "/steps", Value::Object(steps.collect()));
    let definition = with(definition, "/trigger/on/happened", json!("step_0"));
    // All but the first two have several ways to them that are taken at once.
    assert_eq!(problems(&definition).len(), 298);
}

/// A step that forks into two that meet in a join, so many times one after another, and a step that reads them all.
fn diamonds(count: usize, join: &str) -> Value {
    let act = |on: Value| json!({ "block": "test/act", "config": { "text": "x" }, "on": on });
    let mut steps = Map::new();
    let mut text = String::new();
    for index in 0..count {
        let next = if index + 1 == count { "last".to_owned() } else { format!("fork_{}", index + 1) };
        let (one, other, meet) = (format!("one_{index}"), format!("other_{index}"), format!("meet_{index}"));
        text += format!("{{{{ {one}.x }}}} {{{{ {other}.x }}}} ").as_str();
        steps.insert(format!("fork_{index}"), act(json!({ "done": [one, other] })));
        steps.insert(one, act(json!({ "done": meet })));
        steps.insert(other, act(json!({ "done": meet })));
        let config = if join == "core/join" { json!({ "text": "all" }) } else { json!({ "text": "x" }) };
        let outcome = if join == "core/join" { "all" } else { "done" };
        steps.insert(meet, json!({ "block": join, "config": config, "on": { outcome: next } }));
    }
    let last = json!({ "block": "test/act", "config": { "text": if join == "core/join" { text.as_str() } else { "x" } } });
    steps.insert("last".to_owned(), last);
    let definition = with(workflow(&[]), "/steps", Value::Object(steps));
    with(definition, "/trigger/on/happened", json!("fork_0"))
}

#[test]
fn a_thousand_steps_of_diamonds_are_checked() {
    assert_eq!(problems(&diamonds(249, "core/join")), []);
    // Without joins each diamond runs its end twice.
    let problems = problems(&diamonds(249, "test/act"));
    let twice: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(twice.len(), 249, "{twice:?}");
    assert!(problems.iter().all(
        |problem| problem.path.starts_with("steps.meet_") && problem.message.contains("would run twice")
    ));
}

#[test]
fn what_a_wide_fork_has_recorded_can_be_read_after_its_join() {
    let ids: Vec<String> = (0..400).map(|index| format!("branch_{index}")).collect();
    let branch = || json!({ "block": "test/act", "config": { "text": "x" }, "on": { "done": "meet" } });
    let text: String = ids.iter().map(|id| ["{{ ", id, ".x }}"].concat()).collect();
    let mut steps: Map<String, Value> = ids.iter().map(|id| (id.clone(), branch())).collect();
    steps.insert(
        "meet".into(),
        json!({ "block": "core/join", "config": { "text": "x" }, "on": { "all": "last" } }),
    );
    steps.insert("last".into(), json!({ "block": "test/act", "config": { "text": text } }));
    let definition = with(workflow(&[]), "/steps", Value::Object(steps));
    assert_eq!(problems(&with(definition, "/trigger/on/happened", json!(ids))), []);
}

#[test]
fn a_workflow_has_a_bounded_number_of_edges() {
    let ids: Vec<String> = (0..1_000).map(|index| format!("step_{index}")).collect();
    let steps = ids.iter().enumerate().map(|(index, id)| {
        let on = json!({ "done": ids[index + 1..(index + 60).min(1_000)] });
        (id.clone(), json!({ "block": "test/act", "config": { "text": "x" }, "on": on }))
    });
    let definition = with(workflow(&[]), "/steps", Value::Object(steps.collect()));
    let definition = with(definition, "/trigger/on/happened", json!("step_0"));
    refused(&definition, &[("steps", "at most 50000 edges")]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn altered_files_are_read_without_a_panic(position in 0..2_000_usize, length in 0..20_usize, text in "\\PC{0,12}") {
        let file = serde_yaml_ng::to_string(&good()).unwrap();
        let start = file.floor_char_boundary(position % file.len());
        let end = file.floor_char_boundary((start + length).min(file.len()));
        let altered = format!("{}{text}{}", &file[..start], &file[end..]);
        if let Ok(parsed) = Definition::parse(&altered) {
            let _ = check(&parsed.definition, &catalog());
        }
    }
}

#[test]
fn s12_a_bound_names_its_limit_and_a_key_from_the_trigger() {
    let bounded = |concurrency: Value| with(good(), "/concurrency", concurrency);
    assert_eq!(problems(&bounded(json!({ "limit": 1 }))), []);
    let keyed = bounded(json!({ "limit": 3, "key": "{{ trigger.text }}-{{ workflow.id }}" }));
    assert_eq!(problems(&keyed), []);
    let definition = Definition::from_value(&keyed).unwrap().definition;
    assert_eq!(Definition::from_value(&definition.to_value()).unwrap().definition, definition);
    refused(&bounded(json!({ "limit": 0 })), &[("concurrency.limit", "from 1 to 1000")]);
    refused(
        &bounded(json!({ "key": 1 })),
        &[("concurrency.limit", "from 1"), ("concurrency.key", "is a text")],
    );
    refused(&bounded(json!({ "limit": 1, "key": "all" })), &[("concurrency.key", "the same for all runs")]);
    refused(
        &bounded(json!({ "limit": 1, "key": "{{ a.text }}" })),
        &[("concurrency.key", "no variable `a`")],
    );
    refused(
        &bounded(json!({ "limit": 1, "key": "{{ trigger. }}" })),
        &[("concurrency.key", "cannot be read")],
    );
}

/// A catalog with the built-in blocks.
fn built_in() -> Catalog {
    let blocks = stepwell::block::registered();
    Catalog::new(&stepwell::manifest::Manifest::of(&blocks, &[], &[]))
        .expect("the built-in blocks fit together")
        .checked_by(blocks)
}

/// The problems of a definition of built-in blocks, in YAML.
fn found(steps: &str) -> Vec<(String, String)> {
    let text = format!("title: Test\ntrigger: {{ block: core/manual, on: {{ started: first }} }}\n{steps}");
    let problems = match Definition::parse(&text) {
        Ok(parsed) => {
            let again =
                Definition::from_value(&parsed.definition.to_value()).expect("what is written is read");
            assert_eq!(again.definition, parsed.definition);
            check(&parsed.definition, &built_in())
        }
        Err(problems) => problems,
    };
    problems.into_iter().map(|problem| (problem.path, problem.message)).collect()
}

#[track_caller]
fn finds(steps: &str, path: &str, words: &str) {
    let found = found(steps);
    assert!(
        found.iter().any(|(found, message)| found == path && message.contains(words)),
        "expected {path}: …{words}…, found {found:#?}"
    );
}

const LOOP: &str = "
steps:
  first:
    block: core/for-each
    config: { items: [1, 2] }
    on: { each: inside, done: after }
  inside: { block: core/log, config: { message: '{{ first.item }}' } }
  after: { block: core/log, config: { message: '{{ first.results | length }}' } }
";

#[test]
fn a_loop_has_an_item_within_its_rounds_and_results_afterwards() {
    let (inside, after) = ("steps.inside.config.message", "steps.after.config.message");
    finds(&LOOP.replace("first.item", "first.itme"), inside, "did you mean `item`?");
    finds(
        &LOOP.replace("first.item", "first.index"),
        inside,
        "is a whole number, but this field takes a text",
    );
    assert_eq!(found(&LOOP.replace("{{ first.item", "Round {{ first.index")), []);
    finds(&LOOP.replace("first.item", "first.results"), inside, "There is no field in `first`: `results`");
    finds(
        &LOOP.replace("first.results | length", "first.item"),
        after,
        "There is no field in `first`: `item`",
    );
    let nested = "
steps:
  first:
    block: core/for-each
    config: { items: [[1], [2]] }
    on: { each: again, done: after }
  again:
    block: core/for-each
    config: { items: '{{ first.item }}' }
    on: { each: inside, done: between }
  inside: { block: core/log, config: { message: '{{ first.index }}, {{ again.index }}' } }
  between: { block: core/log, config: { message: '{{ first.index }}, {{ again.results }}' } }
  after: { block: core/log, config: { message: 'All: {{ first.results }}' } }
";
    assert_eq!(found(nested), []);
    finds(&nested.replace("again.index", "again.results"), inside, "There is no field in `again`: `results`");
    let between = "steps.between.config.message";
    finds(&nested.replace("again.results", "again.item"), between, "There is no field in `again`: `item`");
    finds(&nested.replace("again.results", "inside.x"), between, "belongs to the loop `again`");
}

#[test]
fn the_condition_of_a_loop_reads_the_steps_of_its_rounds() {
    let repeat = |until: &str| {
        let steps = "
steps:
  first:
    block: core/repeat
    config: { until: '{{ UNTIL }}' }
    on: { round: inside }
  inside:
    block: core/http-request
    config: { url: 'https://example.com' }
    on: { refused: last }
  last: { block: core/log, config: { message: x } }
";
        steps.replace("UNTIL", until)
    };
    assert_eq!(found(&repeat("inside.status == 200")), []);
    assert_eq!(found(&repeat("inside.body")), []);
    let until = "steps.first.config.until";
    finds(&repeat("inside.status"), until, "is a whole number, but this field takes `true` or `false`");
    finds(&repeat("inside.statsu"), until, "did you mean `status`?");
}

#[test]
fn loops_joins_and_error_handlers_are_checked() {
    assert_eq!(found(LOOP), []);
    finds(&LOOP.replace("each: inside, ", "each: end, "), "steps.first.on", "The loop does nothing");
    finds(
        &LOOP.replace("'{{ first.item }}' }", "'x' }, on: { done: after }"),
        "steps.after",
        "reached from within the loop `first`",
    );
    finds(
        &LOOP.replace("first.results | length", "inside | default(1)"),
        "steps.after.config.message",
        "belongs to the loop `first`",
    );
    finds(
        &LOOP.replace("on: { each", "deadline: 1h\n    on: { deadline: end, each"),
        "steps.first.deadline",
        "calls no handler",
    );
    let repeat = "
steps:
  first:
    block: core/repeat
    config: { until: '{{ inside.value }}', at_most: 3 }
    on: { round: inside }
  inside: { block: core/set, config: { values: { value: true } } }
";
    assert_eq!(found(repeat), []);
    let until = "steps.first.config.until";
    finds(&repeat.replace("inside.value", "other.value"), until, "no variable `other`");
    finds(&repeat.replace("inside.value", "first.index"), until, "is a whole number");
    finds(&repeat.replace("inside.value", "first.rounds"), until, "There is no field in `first`: `rounds`");
    let handler = "
on_error: tell
time_limit: 1h
steps:
  first: { block: core/log, config: { message: x } }
  tell: { block: core/log, config: { message: '{{ error.message }}' } }
";
    assert_eq!(found(handler), []);
    let told = "steps.tell.config.message";
    finds(&handler.replace("error.message", "error.mesage"), told, "did you mean `message`?");
    finds(&handler.replace("error.message", "error.step"), told, "`error.step` may be missing");
    finds(&handler.replace("on_error: tell", "on_error: [tell, nobody]"), "on_error", "no step `nobody`");
    finds(
        &handler.replace("message: x", "message: '{{ error.message }}'"),
        "steps.first.config.message",
        "no variable `error`",
    );
    finds(
        &handler.replace("message: x }", "message: x }, on: { done: tell }"),
        "steps.tell",
        "belongs to the error handler and to the run",
    );
    finds(
        "
steps:
  first: { block: core/stop, config: {}, on: { stopped: after } }
  after: { block: core/log, config: { message: x } }
",
        "steps.first.on.stopped",
        "The run ends here",
    );
}

#[test]
fn s9_a_join_of_all_has_what_its_parallel_paths_recorded() {
    let steps = "
steps:
  first: { block: core/log, config: { message: x }, on: { done: [one, other] } }
  one: { block: core/set, config: { values: { a: 1 } }, on: { done: both } }
  other: { block: core/filter, config: { condition: true }, on: { passed: left } }
  left: { block: core/set, config: { values: { b: 2 } }, on: { done: both } }
  both: { block: core/join, on: { done: after } }
  after: { block: core/log, config: { message: '{{ one.a }} {{ left.b }}' } }
";
    assert_eq!(found(steps), []);
    // A join of any has one of them, nobody knows which.
    let any = steps.replace("core/join,", "core/join, config: { wait_for: any },");
    finds(&any, "steps.after.config.message", "`one` is not on every path");
    // Paths that exclude each other do not both come.
    let either = steps.replace("done: [one, other] }", "done: one, error: other }");
    finds(&either, "steps.after.config.message", "`left` is not on every path");
}

#[test]
fn the_workflows_that_are_documented_are_right() {
    let page = include_str!("../../../../docs/workflows.md");
    let mut files = 0;
    for file in page.split("```yaml\n").skip(1) {
        let (file, _) = file.split_once("```").expect("a block of code ends");
        let parsed = Definition::parse(file).unwrap_or_else(|problems| panic!("{problems:#?}\n{file}"));
        assert_eq!(check(&parsed.definition, &built_in()), [], "{file}");
        assert_eq!(schema_errors(&parsed.definition.to_value()), [""; 0], "{file}");
        files += 1;
    }
    assert!(files > 10, "only {files} files were found");
}

/// What the schema of workflow files says of a definition of built-in blocks.
fn schema_errors(definition: &Value) -> Vec<String> {
    static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let blocks = stepwell::block::registered();
        let schema = file_schema(&Manifest::of(&blocks, &[], &[]));
        jsonschema::meta::validate(&schema).expect("the schema is a schema");
        jsonschema::validator_for(&schema).expect("the schema is a schema")
    });
    VALIDATOR.iter_errors(definition).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_schema_of_files_sees_what_it_can() {
    let right = json!({
        "id": "flow",
        "title": "Flow",
        "on_error": "sorry",
        "time_limit": "1h",
        "trigger": { "block": "core/manual", "on": { "started": ["call", "each"] } },
        "steps": {
            "call": {
                "block": "core/http-request",
                "config": { "method": "POST", "url": "https://example.com/{{ trigger.x }}" },
                "retry": { "attempts": 3, "first_delay": "2s" },
                "deadline": "7d",
                "on": { "ok": "note", "deadline": "end", "error": "end" },
            },
            "note": { "block": "core/log", "config": { "message": "x" } },
            "each": {
                "block": "core/for-each",
                "config": { "items": "{{ trigger.items }}", "concurrency": "{{ trigger.many }}" },
                "on": { "each": "inside" },
            },
            "inside": { "block": "core/log", "config": { "message": "x" } },
            "sorry": { "block": "core/log", "config": { "message": "x" } },
        },
    });
    assert_eq!(schema_errors(&right), [""; 0]);
    let wrong = [
        ("/id", json!("two words")),
        ("/title", json!(" ")),
        ("/stepz", json!({})),
        ("/time_limit", json!(5)),
        ("/concurrency", json!({ "limit": 0 })),
        ("/on_error", json!([1])),
        ("/trigger", json!(null)),
        ("/trigger/block", json!("core/log")),
        ("/trigger/on/starded", json!("call")),
        ("/trigger/on/started", json!(["call", "call"])),
        ("/trigger/on/started", json!(["call", "end"])),
        ("/steps/end", json!({ "block": "core/log", "config": { "message": "x" } })),
        ("/steps/note/block", json!("core/lok")),
        ("/steps/note/connection", json!("sales")),
        ("/steps/note/blok", json!("core/log")),
        ("/steps/note/config", json!({})),
        ("/steps/note/config/message", json!(1)),
        ("/steps/note/config/mesage", json!("x")),
        ("/steps/note/on", json!({ "dne": "end" })),
        ("/steps/note/on", json!({ "deadline": "end" })),
        ("/steps/call/on/deadline", Value::Null),
        ("/steps/call/retry/attempts", json!(0)),
        ("/steps/call/config/method", json!("PUSH")),
        ("/steps/each/deadline", json!("1h")),
        ("/steps/each/on", json!({ "done": "end" })),
        ("/steps/each/config/concurrency", json!("many")),
    ];
    for (pointer, value) in wrong {
        let definition = with(right.clone(), pointer, value.clone());
        assert_ne!(schema_errors(&definition), [""; 0], "{pointer} = {value}");
        // It is no stricter than the check.
        let problems = match Definition::from_value(&definition) {
            Ok(parsed) => check(&parsed.definition, &built_in()),
            Err(problems) => problems,
        };
        assert_ne!(problems, [], "{pointer} = {value}");
    }
}

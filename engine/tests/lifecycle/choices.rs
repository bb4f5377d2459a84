//! `core/branch` and `core/switch`: outcomes that a config names.

use serde_json::{Value, json};
use stepwell_engine::model::RunStatus;

use crate::builtin::{one_step, outcome, run};
use crate::database::engine;

fn branch() -> Value {
    let config = json!({ "conditions": [
        { "name": "large", "when": "{{ trigger.amount > 100 }}" },
        { "name": "foreign", "when": "{{ trigger.country | default('DE') != 'DE' }}" },
    ] });
    one_step("core/branch", &config, &["large", "foreign", "otherwise"])
}

fn switch() -> Value {
    let config = json!({ "value": "{{ trigger.value }}", "cases": [
        { "name": "nordic", "any_of": ["DK", "NO", "SE"] },
        { "name": "one", "any_of": [1, true, "{{ trigger.other | default('DK') }}"] },
        { "name": "none", "any_of": [null, [], {}] },
    ] });
    one_step("core/switch", &config, &["nordic", "one", "none", "otherwise"])
}

#[tokio::test]
async fn a_branch_goes_the_way_of_the_first_condition_that_holds() {
    let engine = engine().await;
    for (data, way) in [
        (json!({ "amount": 150 }), "large"),
        (json!({ "amount": 150, "country": "FR" }), "large"),
        (json!({ "amount": 50, "country": "FR" }), "foreign"),
        (json!({ "amount": 50 }), "otherwise"),
    ] {
        let run = run(&engine, &branch(), data.clone()).await;
        assert_eq!(outcome(&run).await, (way.to_owned(), Value::Null), "{data}");
    }
}

#[tokio::test]
async fn s9_a_condition_that_is_neither_true_nor_false_fails_the_step_with_its_path() {
    let engine = engine().await;
    for (when, why) in
        [("{{ trigger.amount }}", "conditions.0.when"), ("{{ trigger.none > 1 }}", "trigger.none")]
    {
        let config = json!({ "conditions": [{ "name": "large", "when": when }] });
        let run = run(&engine, &one_step("core/branch", &config, &["large"]), json!({ "amount": 150 })).await;
        assert_eq!(run.status().await, RunStatus::Failed);
        let error = run.execution().await.error.unwrap();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_switch_compares_as_expressions_do() {
    let engine = engine().await;
    for (value, way) in [
        (json!("SE"), "nordic"),
        (json!("DK"), "nordic"),
        (json!("se"), "otherwise"),
        (json!(1), "one"),
        (json!(1.0), "one"),
        (json!(true), "one"),
        (json!("1"), "otherwise"),
        (json!("FI"), "one"),
        (json!(null), "none"),
        (json!([]), "none"),
        (json!({}), "none"),
        (json!([null]), "otherwise"),
    ] {
        let run = run(&engine, &switch(), json!({ "value": value, "other": "FI" })).await;
        assert_eq!(outcome(&run).await.0, way, "{value}");
    }
}

#[tokio::test]
async fn g3_names_that_make_no_outcomes_are_refused_with_their_place() {
    let engine = engine().await;
    for (block, list, case) in [
        ("core/branch", "conditions", json!({ "name": "a", "when": true })),
        ("core/switch", "cases", json!({ "name": "a", "any_of": [1] })),
    ] {
        let refusal = async |names: &[&str], edge: &str| {
            let cases: Vec<Value> = names
                .iter()
                .map(|name| {
                    let mut case = case.clone();
                    case["name"] = json!(name);
                    case
                })
                .collect();
            let mut config = json!({ list: cases });
            if block == "core/switch" {
                config["value"] = json!(1);
            }
            engine.enable("flow", &one_step(block, &config, &[edge])).await.unwrap_err()
        };
        for (names, edge, path, message) in [
            (&["a", "a"][..], "a", format!("{list}.1.name"), "given twice"),
            (&["a", "otherwise"], "a", format!("{list}.1.name"), "already"),
            (&["a", "error"], "a", format!("{list}.1.name"), "of its own"),
            (&["a", "Two Words"], "a", format!("{list}.1.name"), "snake_case"),
            (&["a", "{{ trigger.name }}"], "a", format!("{list}.1.name"), "beforehand"),
            (&["a"], "b", "on.b".to_owned(), "`b`"),
        ] {
            let refused = refusal(names, edge).await;
            assert!(refused.contains(&path) && refused.contains(message), "{block} {names:?}: {refused}");
        }
    }
}

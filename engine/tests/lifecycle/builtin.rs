//! The built-in blocks, in workflows.

use std::time::Duration;

use serde_json::{Value, json};
use stepwell_engine::model::RunStatus;
use stepwell_engine::testing::{TestEngine, TestRun};

use crate::database::engine;

const HOUR: Duration = Duration::from_hours(1);

/// A workflow of one step behind a manual start.
pub(crate) fn one_step(block: &str, config: &Value, outcomes: &[&str]) -> Value {
    let on: serde_json::Map<String, Value> =
        outcomes.iter().map(|id| ((*id).to_owned(), "end".into())).collect();
    json!({
        "title": "One step",
        "trigger": { "block": "core/manual", "on": { "started": "step" } },
        "steps": { "step": { "block": block, "config": config, "on": on } },
    })
}

pub(crate) async fn run(engine: &TestEngine, definition: &Value, data: Value) -> TestRun {
    engine.enable("flow", definition).await.unwrap();
    let run = engine.start_workflow("flow", data).await;
    engine.settle().await;
    run
}

pub(crate) async fn outcome(run: &TestRun) -> (String, Value) {
    let outcome = run.outcome().await.unwrap();
    (outcome.id, outcome.data)
}

/// A workflow of a trigger alone, and where it receives its requests.
pub(crate) async fn trigger(
    engine: &TestEngine,
    block: &str,
    config: &Value,
    outcome: &str,
) -> Result<String, String> {
    let definition = json!({
        "title": "A trigger",
        "trigger": { "block": block, "config": config, "on": { outcome: "log" } },
        "steps": { "log": { "block": "core/log", "config": { "message": "It came" }, "on": { "done": "end" } } },
    });
    engine.enable("flow", &definition).await?;
    engine.settle().await;
    Ok(engine.trigger_callback_url("flow").await)
}

/// The data that runs have begun with.
pub(crate) async fn data(engine: &TestEngine) -> Vec<Value> {
    engine.started("flow").await.into_iter().map(|outcome| outcome.data).collect()
}

#[tokio::test]
async fn d11_delays_wait_without_holding_anything() {
    let engine = engine().await;
    let definition = one_step("core/delay", &json!({ "duration": "2h" }), &["elapsed"]);
    let delay = run(&engine, &definition, Value::Null).await;
    let until = json!({ "time": "{{ trigger.at }}" });
    let definition = one_step("core/delay-until", &until, &["reached"]);
    let reach = run(&engine, &definition, json!({ "at": "2026-01-01T03:00:00+01:00" })).await;
    assert_eq!((delay.status().await, reach.status().await), (RunStatus::Waiting, RunStatus::Waiting));
    engine.advance(HOUR * 2).await;
    assert_eq!(outcome(&delay).await.0, "elapsed");
    assert_eq!(outcome(&reach).await.0, "reached");
}

#[tokio::test]
async fn a_wait_for_a_callback_ends_with_the_callback_or_its_time() {
    let engine = engine().await;
    let config = json!({ "what_for": "the payment", "timeout": "1h" });
    let definition = one_step("core/wait-for-callback", &config, &["received", "timed_out"]);
    let answered = run(&engine, &definition, Value::Null).await;
    let silent = engine.start_workflow("flow", Value::Null).await;
    answered.callback(r#"{"paid": true}"#).await;
    assert_eq!(outcome(&answered).await, ("received".into(), json!({ "body": { "paid": true } })));
    engine.advance(HOUR).await;
    assert_eq!(outcome(&silent).await.0, "timed_out");
}

#[tokio::test]
async fn set_filter_and_log_do_what_they_say() {
    let engine = engine().await;
    let definition = json!({
        "title": "Large orders",
        "trigger": { "block": "core/manual", "on": { "started": "name" } },
        "steps": {
            "name": {
                "block": "core/set",
                "config": { "values": { "net": "{{ trigger.amount - trigger.tax }}", "currency": "EUR" } },
                "on": { "done": "large" },
            },
            "large": {
                "block": "core/filter",
                "config": { "condition": "{{ name.net > 100 }}" },
                "on": { "passed": "tell" },
            },
            "tell": { "block": "core/log", "config": { "message": "{{ name.net }} {{ name.currency }}" }, "on": { "done": "end" } },
        },
    });
    let large = run(&engine, &definition, json!({ "amount": 150, "tax": 20 })).await;
    assert_eq!(large.history().await.executions.len(), 3);
    let small = run(&engine, &definition, json!({ "amount": 15, "tax": 2 })).await;
    assert_eq!((small.history().await.executions.len(), small.status().await), (2, RunStatus::Completed));
}

//! The workflows that are measured run to their ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use bench_blocks::{PassOutcome, hook};
use http::Method;
use serde_json::{Value, json};
use stepwell::prelude::*;
use stepwell_engine::model::RunStatus;
use stepwell_engine::testing::TestEngine;

fn workflow(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("workflows/{name}.yaml"));
    serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn three_steps_pass_a_value_on() {
    let engine = TestEngine::new().await;
    engine.enable("run3", &workflow("run3")).await.unwrap();
    let run = engine.start_workflow("run3", json!({ "body": { "n": 7 } })).await;
    engine.settle().await;
    assert_eq!(run.status().await, RunStatus::Completed);
    assert_eq!(run.history().await.executions.len(), 3);
    run.has_outcome(PassOutcome::Passed { value: json!(7) }).await;
}

#[tokio::test]
async fn a_run_waits_for_its_callback() {
    let engine = TestEngine::new().await;
    engine.enable("defer", &workflow("defer")).await.unwrap();
    let run = engine.start_workflow("defer", json!({ "body": { "n": 7 } })).await;
    engine.settle().await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    assert_eq!(run.callback(r#"{"n":8}"#).await.status(), 202);
    assert_eq!(run.status().await, RunStatus::Completed);
    run.has_outcome(PassOutcome::Passed { value: json!({ "n": 8 }) }).await;
}

#[tokio::test]
async fn an_event_to_ignore_starts_nothing() {
    let engine = TestEngine::new().await;
    let trigger = engine.trigger(hook, NoConfig {}).await.unwrap();
    for (body, runs) in [(r#"{"ignore":true}"#, 0), (r#"{"n":7}"#, 1)] {
        let delivery = trigger.request(Request::new(Method::POST, body)).await;
        assert!(delivery.status().is_success());
        assert_eq!(trigger.runs().await.len(), runs);
    }
}

//! How many runs of a workflow go on at once (s12).

use serde_json::{Value, json};
use stepwell_engine::model::{RunId, RunStatus};

use crate::blocks::handlers;
use crate::engine::{Engine, workflow};

/// A workflow whose runs wait for a callback, one at a time for each value of the event.
fn bounded(key: &str, limit: u32) -> Value {
    let mut definition = workflow(key, &["defer"]);
    definition["concurrency"] = json!({ "limit": limit, "key": "{{ trigger.value }}" });
    definition
}

async fn start(engine: &Engine, workflow: &str, value: i64) -> RunId {
    let id = stepwell_engine::model::WorkflowId(workflow.to_owned());
    engine.driver.start_run(&id, None, json!({ "value": value })).await.unwrap()
}

async fn status(engine: &Engine, run: RunId) -> RunStatus {
    engine.driver.store().run(run).await.unwrap().unwrap().status
}

#[test]
fn s12_runs_of_one_key_go_on_one_after_the_other_in_order_of_arrival() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("s12", &bounded("s12", 1)).await.unwrap();
        let first = start(&engine, "s12", 1).await;
        let second = start(&engine, "s12", 1).await;
        let third = start(&engine, "s12", 1).await;
        let other = start(&engine, "s12", 2).await;
        engine.reaches(first, RunStatus::Waiting).await;
        engine.reaches(other, RunStatus::Waiting).await;
        // A run that waits keeps its place.
        assert_eq!(
            (status(&engine, second).await, status(&engine, third).await),
            (RunStatus::Queued, RunStatus::Queued)
        );
        engine.finish(first, 1, "done").await;
        engine.reaches(second, RunStatus::Waiting).await;
        assert_eq!(status(&engine, third).await, RunStatus::Queued);
        // One that is cancelled leaves the queue or its place to the next.
        engine.driver.cancel(second).await.unwrap();
        engine.reaches(third, RunStatus::Waiting).await;
        engine.finish(third, 1, "done").await;
        engine.reaches(third, RunStatus::Completed).await;
    });
}

#[test]
fn s12_a_queued_run_can_be_cancelled_and_calls_no_handler() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("s12-cancel", &bounded("s12-cancel", 1)).await.unwrap();
        let first = start(&engine, "s12-cancel", 1).await;
        let second = start(&engine, "s12-cancel", 1).await;
        engine.reaches(first, RunStatus::Waiting).await;
        engine.driver.cancel(second).await.unwrap();
        engine.reaches(second, RunStatus::Cancelled).await;
        assert_eq!(handlers("s12-cancel"), ["activate", "execute"]);
    });
}

#[test]
fn s12_a_failed_run_gives_its_place_up_and_queues_again_when_it_is_retried() {
    let engine = Engine::start();
    engine.block_on(async {
        let mut definition = bounded("s12-retry", 1);
        definition["steps"]["first"]["config"]["doing"] = json!(["fail", "defer"]);
        engine.enable("s12-retry", &definition).await.unwrap();
        let first = start(&engine, "s12-retry", 1).await;
        engine.reaches(first, RunStatus::Failed).await;
        let second = start(&engine, "s12-retry", 1).await;
        engine.reaches(second, RunStatus::Failed).await;
        definition["steps"]["first"]["config"]["doing"] = json!(["defer"]);
        engine.enable("s12-retry", &definition).await.unwrap();
        let third = start(&engine, "s12-retry", 1).await;
        engine.reaches(third, RunStatus::Waiting).await;
        engine.driver.retry(first).await.unwrap();
        assert_eq!(status(&engine, first).await, RunStatus::Queued);
        engine.finish(third, 1, "done").await;
        // Its first attempt of the new execution fails as the one before did.
        engine.reaches(first, RunStatus::Failed).await;
    });
}

#[test]
fn o1_s12_queued_runs_outlive_the_process_and_keep_their_order() {
    let mut engine = Engine::start();
    let (first, second, third) = engine.block_on(async {
        engine.enable("s12-kill", &bounded("s12-kill", 1)).await.unwrap();
        let first = start(&engine, "s12-kill", 1).await;
        let second = start(&engine, "s12-kill", 1).await;
        let third = start(&engine, "s12-kill", 1).await;
        engine.reaches(first, RunStatus::Waiting).await;
        (first, second, third)
    });
    engine = engine.kill();
    engine.block_on(async {
        engine.finish(first, 1, "done").await;
        engine.reaches(second, RunStatus::Waiting).await;
        assert_eq!(status(&engine, third).await, RunStatus::Queued);
        engine.finish(second, 1, "done").await;
        engine.reaches(third, RunStatus::Waiting).await;
    });
}

#[test]
fn s12_a_run_whose_key_cannot_be_told_fails_and_says_so() {
    let engine = Engine::start();
    engine.block_on(async {
        let mut definition = bounded("s12-key", 1);
        definition["concurrency"]["key"] = json!("{{ trigger.value.missing | upper }}");
        engine.enable("s12-key", &definition).await.unwrap();
        let run = start(&engine, "s12-key", 1).await;
        engine.reaches(run, RunStatus::Failed).await;
        let refusal = engine.driver.retry(run).await.unwrap_err().to_string();
        assert!(refusal.contains("concurrency.key"), "{refusal}");
    });
}

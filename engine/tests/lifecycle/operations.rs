//! Operations on many runs.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use stepwell::prelude::*;
use stepwell_engine::driver::{Action, Operation, OperationStatus, Refusal, Selection};
use stepwell_engine::model::{Entry, OperationId, RunStatus, WorkflowId};
use stepwell_engine::testing::TestEngine;

use crate::database::setup;
use crate::engine::{Engine, workflow};
use crate::kit::{Noted, effect, effects};
use crate::retention::{task, told};

/// Selects all failed or live runs.
fn all() -> Selection {
    Selection::default()
}

fn of(workflow: &str) -> Selection {
    Selection { workflow: Some(WorkflowId(workflow.to_owned())), ..Selection::default() }
}

async fn read(engine: &Engine, id: OperationId) -> Operation {
    Operation::read(&engine.driver.store().operation(id).await.unwrap().unwrap()).unwrap()
}

/// Waits until an operation has ended.
async fn ended(engine: &Engine, id: OperationId) -> Operation {
    let until = tokio::time::Instant::now() + crate::engine::PATIENCE;
    loop {
        let operation = read(engine, id).await;
        if operation.status != OperationStatus::Running {
            return operation;
        }
        assert!(tokio::time::Instant::now() < until, "{operation:?}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[test]
fn o7_all_runs_that_a_filter_selects_are_cancelled() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("bulk", &workflow("bulk", &["defer"])).await.unwrap();
        engine.enable("left", &workflow("left", &["defer"])).await.unwrap();
        let mut runs = Vec::new();
        for _ in 0..7 {
            runs.push(engine.run("bulk").await);
        }
        let other = engine.run("left").await;
        for run in runs.iter().chain([&other]) {
            engine.reaches(*run, RunStatus::Waiting).await;
        }
        engine.finish(runs[0], 1, "done").await;
        engine.reaches(runs[0], RunStatus::Completed).await;
        assert_eq!(engine.driver.count_selected(Action::Cancel, &of("bulk")).await.unwrap(), 6);
        let id = engine.driver.start_operation(Action::Cancel, of("bulk"), 1000).await.unwrap();
        let operation = ended(&engine, id).await;
        assert_eq!((operation.status, operation.matched, operation.done), (OperationStatus::Completed, 6, 6));
        for run in &runs[1..] {
            engine.reaches(*run, RunStatus::Cancelled).await;
        }
        engine.reaches(runs[0], RunStatus::Completed).await;
        engine.reaches(other, RunStatus::Waiting).await;
        let again = engine.driver.cancel_operation(id).await;
        assert!(matches!(again, Err(Refusal::Conflict(_))), "it has ended");
    });
}

#[test]
fn o7_an_operation_is_stopped_and_what_it_did_stays() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("slow", &workflow("slow", &["defer"])).await.unwrap();
        let mut runs = Vec::new();
        for _ in 0..30 {
            let run = engine.run("slow").await;
            engine.reaches(run, RunStatus::Waiting).await;
            runs.push(run);
        }
        // At this rate it would take half a minute.
        let id = engine.driver.start_operation(Action::Cancel, of("slow"), 1).await.unwrap();
        engine.reaches(runs[29], RunStatus::Cancelled).await;
        engine.driver.cancel_operation(id).await.unwrap();
        assert_eq!(ended(&engine, id).await.status, OperationStatus::Cancelled);
        engine.reaches(runs[0], RunStatus::Waiting).await;
    });
}

#[tokio::test]
async fn o7_a_crash_repeats_nothing() {
    let setup = setup();
    let moments = setup
        .at_every_crash(async |engine: TestEngine| {
            let runs = [engine.run(task, told("fail")).await, engine.run(task, told("fail")).await];
            let waiting = engine.run(task, told("wait")).await;
            engine.start_operation(Action::Retry, all()).await;
            engine.settle().await;
            for run in &runs {
                assert_eq!(run.status().await, RunStatus::Failed, "it fails again");
                let retries = run.entries().await.into_iter();
                assert_eq!(retries.filter(|entry| *entry == Entry::RetryRequested).count(), 1);
            }
            assert_eq!(waiting.status().await, RunStatus::Waiting);
        })
        .await;
    assert!(moments > 20, "{moments}");
}

/// Notes that a run went through it
#[step(outcomes(done))]
async fn note(config: Noted, cx: ExecuteContext) -> Result<NoteOutcome, StepError> {
    cx.once("noted", async |key| {
        effect(&config.name, &key);
        Ok::<_, StepError>(())
    })
    .await?;
    Ok(NoteOutcome::Done)
}

#[tokio::test]
async fn o7_a_crash_replays_no_run_twice() {
    let tries = AtomicUsize::new(0);
    let moments = setup()
        .at_every_crash(async |engine: TestEngine| {
            let name = format!("replayed-{}", tries.fetch_add(1, Ordering::Relaxed));
            for _ in 0..2 {
                engine.run(note, Noted { name: name.clone() }).await;
            }
            let waiting = engine.run(task, told("wait")).await;
            let before = effects(&name);
            engine.start_operation(Action::Replay, all()).await;
            engine.settle().await;
            assert_eq!(effects(&name), 2 * before, "each run that had ended was gone through once more");
            assert_eq!(waiting.status().await, RunStatus::Waiting);
        })
        .await;
    assert!(moments > 20, "{moments}");
}

#[test]
fn o7_the_form_of_a_filter_is_checked() {
    let read = |value: Value| serde_json::from_value::<Selection>(value);
    assert_eq!(read(json!({})).unwrap(), all());
    assert_eq!(read(json!({ "workflow": "flow" })).unwrap(), of("flow"));
    for wrong in [json!({ "status": "unknown" }), json!({ "flow": "x" }), json!({ "created_after": "soon" })]
    {
        assert!(read(wrong.clone()).is_err(), "{wrong}");
    }
}

//! How many attempts of a block run at once (s13).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stepwell_engine::driver::Limits;
use stepwell_engine::model::{AttemptResult, ExecutionId, RunId, RunStatus};

use crate::blocks::{gate, most_at_work, seen};
use crate::engine::{Engine, results, until, workflow};

/// A workflow whose first step runs two attempts at once.
fn by_twos(key: &str, doing: &[&str]) -> Value {
    let mut definition = workflow(key, doing);
    definition["steps"]["first"]["block"] = json!("stepwell-engine/act-by-twos");
    definition
}

/// The executions whose `execute` was called under a key, in order.
fn executed(key: &str) -> Vec<String> {
    seen(key).into_iter().filter(|seen| seen.handler == "execute").map(|seen| seen.id).collect()
}

fn first_executions(runs: &[RunId]) -> Vec<String> {
    runs.iter().map(|run| ExecutionId { run: *run, number: 1 }.to_string()).collect()
}

async fn start(engine: &Engine, workflow: &str, number: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    for _ in 0..number {
        runs.push(engine.run(workflow).await);
    }
    runs
}

#[test]
fn s13_a_bounded_block_runs_so_many_attempts_at_once_and_the_others_in_order() {
    let engine = Engine::in_order(Limits { attempts: 3, ..Limits::default() });
    engine.block_on(async {
        engine.enable("narrow", &by_twos("s13", &["gate done"])).await.unwrap();
        engine.enable("wide", &workflow("s13-wide", &["done"])).await.unwrap();
        let runs = start(&engine, "narrow", 10).await;
        until(|| executed("s13").len() == 2).await;
        // The eight that wait keep the third slot of the process from nobody.
        let other = engine.run("wide").await;
        engine.reaches(other, RunStatus::Completed).await;
        assert_eq!(executed("s13").len(), 2);
        for begun in 3..=10 {
            gate("s13").notify_one();
            until(|| executed("s13").len() == begun).await;
        }
        gate("s13").notify_waiters();
        for run in &runs {
            engine.reaches(*run, RunStatus::Completed).await;
        }
        let (executed, expected) = (executed("s13"), first_executions(&runs));
        // The first two may start at once.
        assert_eq!(BTreeSet::from_iter(&executed[..2]), BTreeSet::from_iter(&expected[..2]));
        assert_eq!(executed[2..], expected[2..]);
        assert_eq!(most_at_work("s13"), 2);
    });
}

#[test]
fn s13_a_run_that_waits_for_its_block_goes_on_elsewhere_and_can_be_cancelled() {
    let engine = Engine::in_order(Limits::default());
    engine.block_on(async {
        let mut definition = by_twos("s13-waits", &["gate done"]);
        engine.enable("narrow", &definition).await.unwrap();
        definition["trigger"]["on"]["happened"] = json!(["first", "beside"]);
        definition["steps"]["beside"] = json!({
            "block": "stepwell-engine/act",
            "config": { "key": "s13-beside", "doing": ["retry", "done"] },
            "on": { "done": "end" },
        });
        engine.enable("both", &definition).await.unwrap();
        let mut runs = start(&engine, "narrow", 2).await;
        until(|| executed("s13-waits").len() == 2).await;
        let waits = engine.run("both").await;
        runs.extend(start(&engine, "narrow", 1).await);
        let done = |result: &AttemptResult| matches!(result, AttemptResult::Outcome { .. });
        engine.sees(waits, |entries| results(entries).iter().any(done)).await;
        engine.driver.cancel(waits).await.unwrap();
        engine.reaches(waits, RunStatus::Cancelled).await;
        gate("s13-waits").notify_one();
        until(|| executed("s13-waits").len() == 3).await;
        gate("s13-waits").notify_waiters();
        for run in &runs {
            engine.reaches(*run, RunStatus::Completed).await;
        }
        let executed: BTreeSet<_> = executed("s13-waits").into_iter().collect();
        assert_eq!(executed, first_executions(&runs).into_iter().collect());
    });
}

#[test]
fn o1_s13_after_a_crash_as_many_attempts_run_at_once_as_before() {
    let mut engine = Engine::start();
    let runs = engine.block_on(async {
        engine.enable("narrow", &by_twos("s13-kill", &["gate done"])).await.unwrap();
        let runs = start(&engine, "narrow", 5).await;
        until(|| executed("s13-kill").len() == 2).await;
        runs
    });
    engine = engine.kill();
    engine.block_on(async {
        until(|| executed("s13-kill").len() == 4).await;
        let opener = tokio::spawn(async {
            loop {
                gate("s13-kill").notify_one();
                tokio::task::yield_now().await;
            }
        });
        for run in &runs {
            engine.reaches(*run, RunStatus::Completed).await;
        }
        opener.abort();
    });
}

#[test]
fn s6_s13_a_handler_that_panics_gives_its_slot_back() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("panics", &by_twos("s13-panics", &["panic"])).await.unwrap();
        engine.enable("done", &by_twos("s13-done", &["done"])).await.unwrap();
        for run in start(&engine, "panics", 3).await {
            engine.reaches(run, RunStatus::Failed).await;
        }
        let run = engine.run("done").await;
        engine.reaches(run, RunStatus::Completed).await;
    });
}

#[test]
fn o9_a_run_keeps_no_slot_of_the_process_that_it_does_not_use() {
    let engine = Engine::with(Limits { attempts: 2, ..Limits::default() });
    engine.block_on(async {
        let mut definition = workflow("spare", &["gate done"]);
        definition["steps"]["third"] = definition["steps"]["second"].clone();
        definition["steps"]["first"]["on"]["done"] = json!(["second", "third"]);
        engine.enable("forks", &definition).await.unwrap();
        engine.enable("other", &workflow("spare-other", &["done"])).await.unwrap();
        let forks = engine.run("forks").await;
        until(|| executed("spare").len() == 1).await;
        let other = engine.run("other").await;
        engine.reaches(other, RunStatus::Completed).await;
        gate("spare").notify_one();
        engine.reaches(forks, RunStatus::Completed).await;
    });
}

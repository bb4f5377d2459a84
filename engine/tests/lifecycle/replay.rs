//! Runs that are gone through again (o2).

use serde_json::{Value, json};
use stepwell_engine::driver::{Refusal, ReplayOn};
use stepwell_engine::model::{Entry, Origin, RunId, RunStatus, WorkflowId};

use crate::blocks::{handlers, seen};
use crate::engine::{Engine, workflow};

async fn completed(engine: &Engine, key: &str) -> RunId {
    engine.enable(key, &workflow(key, &["done"])).await.unwrap();
    let run = engine.run(key).await;
    engine.reaches(run, RunStatus::Completed).await;
    run
}

fn origin(entries: &[Entry]) -> Option<Origin> {
    entries.iter().find_map(|entry| match entry {
        Entry::RunStarted { origin, .. } => origin.clone(),
        _ => None,
    })
}

#[test]
fn o2_a_replay_from_the_beginning_is_a_new_run_that_names_its_origin() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = completed(&engine, "o2-all").await;
        let again = engine.driver.replay(run, None, ReplayOn::Same).await.unwrap();
        engine.reaches(again, RunStatus::Completed).await;
        assert_eq!(origin(&engine.entries(again).await), Some(Origin { run, from: None }));
        let calls = seen("o2-all");
        let ids: Vec<_> =
            calls.iter().filter(|seen| seen.handler == "execute").map(|seen| &seen.id).collect();
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1], "s2: executions of another run have other ids");
    });
}

#[test]
fn o2_a_replay_from_a_step_uses_what_the_steps_before_it_recorded() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = completed(&engine, "o2-step").await;
        let again = engine.driver.replay(run, Some("second".into()), ReplayOn::Same).await.unwrap();
        engine.reaches(again, RunStatus::Completed).await;
        assert_eq!(
            handlers("o2-step"),
            ["activate", "trigger", "execute"],
            "the first step is not run again"
        );
        assert_eq!(handlers("o2-step-execute"), ["execute", "execute"], "the second sees `first.by`");
        let refusal = engine.driver.replay(run, Some("third".into()), ReplayOn::Same).await.unwrap_err();
        assert!(matches!(&refusal, Refusal::Problems(problems) if problems[0].path == "from"), "{refusal:?}");
    });
}

#[test]
fn o2_a_replay_on_the_draft_says_what_does_not_fit_any_more() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = completed(&engine, "o2-draft").await;
        let mut edited = workflow("o2-draft", &["done"]);
        edited["steps"]["second"]["config"]["key"] = json!("o2-edited-{{ first.by }}");
        engine.draft("o2-draft", &edited).await;
        let again = engine.driver.replay(run, Some("second".into()), ReplayOn::Draft).await.unwrap();
        engine.reaches(again, RunStatus::Completed).await;
        assert_eq!(handlers("o2-edited-execute"), ["execute"]);
        // The version of the replay is not enabled: events start runs of the one that is.
        let next = engine.run("o2-draft").await;
        engine.reaches(next, RunStatus::Completed).await;
        assert_eq!(handlers("o2-edited-execute").len(), 1);
        let numbers: Vec<_> = engine
            .driver
            .store()
            .versions(&stepwell_engine::model::WorkflowId("o2-draft".to_owned()))
            .await
            .unwrap();
        assert_eq!(numbers.iter().map(|(version, _)| version.number).collect::<Vec<_>>(), [2, 1]);

        let between: Value = json!({
            "block": "stepwell-engine/act",
            "config": { "key": "o2-draft", "doing": ["done"] },
            "on": { "done": "second" },
        });
        edited["steps"]["between"] = between;
        edited["steps"]["first"]["on"]["done"] = json!("between");
        edited["steps"]["second"]["config"]["key"] = json!("{{ between.by }}");
        engine.draft("o2-draft", &edited).await;
        let refusal = engine.driver.replay(run, Some("second".into()), ReplayOn::Draft).await.unwrap_err();
        let Refusal::Problems(problems) = refusal else { panic!("{refusal:?}") };
        assert_eq!(problems[0].path, "steps.between");
        assert!(problems[0].message.contains("replay from `between`"), "{problems:?}");
    });
}

#[test]
fn o2_a_run_that_goes_on_is_not_replayed_and_a_failed_one_is() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("o2-waits", &workflow("o2-waits", &["defer"])).await.unwrap();
        let run = engine.run("o2-waits").await;
        engine.reaches(run, RunStatus::Waiting).await;
        let refusal = engine.driver.replay(run, None, ReplayOn::Same).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Conflict(_)), "{refusal:?}");
        engine.finish(run, 1, "fail").await;
        engine.reaches(run, RunStatus::Failed).await;
        let again = engine.driver.replay(run, None, ReplayOn::Same).await.unwrap();
        engine.reaches(again, RunStatus::Waiting).await;
    });
}

/// A workflow with these inputs, whose second step reads one of them.
fn taking(inputs: &Value) -> Value {
    let log = |message: &str, next: &str| json!({ "block": "core/log", "config": { "message": message }, "on": { "done": next } });
    json!({
        "title": "Takes inputs",
        "trigger": { "block": "core/manual", "config": { "inputs": inputs }, "on": { "started": "first" } },
        "steps": { "first": log("begun", "second"), "second": log("{{ trigger.amount }} €", "third"), "third": log("done", "end") },
    })
}

#[test]
fn o2_a_replay_on_the_draft_judges_what_the_run_began_with_where_it_is_read() {
    let engine = Engine::start();
    engine.block_on(async {
        let amount = json!({ "amount": { "type": "number" } });
        engine.enable("o2-inputs", &taking(&amount)).await.unwrap();
        let workflow = WorkflowId("o2-inputs".to_owned());
        let run = engine.driver.start_run(&workflow, None, json!({ "amount": 7 })).await.unwrap();
        engine.reaches(run, RunStatus::Completed).await;
        let replay = async |from: Option<&str>| {
            engine.driver.replay(run, from.map(str::to_owned), ReplayOn::Draft).await
        };
        let more = json!({
            "amount": { "type": "text" },
            "customer": { "type": "text" },
            "note": { "type": "text", "required": false },
        });
        engine.draft("o2-inputs", &taking(&more)).await;
        for from in [None, Some("first"), Some("second")] {
            let Err(Refusal::Problems(problems)) = replay(from).await else { panic!("{from:?}") };
            let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
            assert_eq!(paths, ["trigger.customer", "trigger.amount"]);
            assert_eq!(
                problems[1].message,
                "the data that this run began with does not fit the inputs any more: `amount` must be a text; start a new run"
            );
        }
        replay(Some("third")).await.unwrap();

        let mut other = taking(&json!({}));
        other["trigger"] = json!({ "block": "core/webhook", "on": { "received": "first" } });
        other["steps"]["second"]["config"]["message"] = json!("{{ trigger.method }}");
        engine.draft("o2-inputs", &other).await;
        let Err(Refusal::Problems(problems)) = replay(None).await else { panic!("it is another trigger") };
        assert_eq!(problems[0].path, "trigger");
        assert!(problems[0].message.contains("`core/webhook` has no outcome `started`"), "{problems:?}");

        engine.draft("o2-inputs", &taking(&json!({ "amount": { "type": "number" } }))).await;
        let again = replay(None).await.unwrap();
        engine.reaches(again, RunStatus::Completed).await;
    });
}

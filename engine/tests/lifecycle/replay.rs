//! Runs that are gone through again (o2).

use serde_json::{Value, json};
use stepwell_engine::driver::{Refusal, ReplayOn};
use stepwell_engine::model::{Entry, Origin, RunId, RunStatus};

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

use std::time::Duration;

use serde_json::json;
use stepwell_engine::driver::{CallbackAnswer, Limits};
use stepwell_engine::model::{AttemptResult, Entry, RunStatus, Unused, decode_entries};

use crate::blocks::{gate, handlers, seen};
use crate::engine::{Engine, workflow};
use crate::triggers::until;

/// Enables a workflow whose first step does this, and starts a run.
async fn begin(engine: &Engine, key: &str, doing: &[&str]) -> stepwell_engine::model::RunId {
    engine.enable(key, &workflow(key, doing)).await.unwrap();
    engine.run(key).await
}

#[test]
fn s1_s8_a_run_follows_outcomes_and_resolves_variables() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "s1", &["done"]).await;
        engine.reaches(run, RunStatus::Completed).await;
        assert_eq!(handlers("s1-execute"), ["execute"], "the second step saw `first.by`");
    });
}

#[test]
fn s2_s4_a_retried_attempt_has_the_same_id_and_url() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "s4", &["retry", "retry", "done"]).await;
        engine.reaches(run, RunStatus::Completed).await;
        let calls = seen("s4");
        let attempts: Vec<_> = calls.iter().filter(|seen| seen.handler == "execute").collect();
        assert_eq!(attempts.iter().map(|seen| seen.attempt).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(attempts.iter().all(|seen| (&seen.id, &seen.url) == (&attempts[0].id, &attempts[0].url)));
        assert_ne!(seen("s4-execute")[0].id, attempts[0].id);
    });
}

#[test]
fn s6_a_panic_is_contained_and_fails_the_run_with_its_message() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "s6", &["panic"]).await;
        engine.reaches(run, RunStatus::Failed).await;
        let failed = |entry: &Entry| matches!(entry, Entry::RunEnded { error: Some(error), .. } if error.contains("told to panic"));
        assert!(engine.entries(run).await.iter().any(failed));
        let other = begin(&engine, "s6-other", &["done"]).await;
        engine.reaches(other, RunStatus::Completed).await;
    });
}

#[test]
fn s10_a_run_stays_on_its_version_when_the_workflow_is_edited() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "s10", &["defer"]).await;
        engine.reaches(run, RunStatus::Waiting).await;
        let mut edited = workflow("s10", &["done"]);
        edited["steps"]["second"]["config"]["key"] = "s10-edited".into();
        engine.enable("s10", &edited).await.unwrap();
        engine.finish(run, 1, "old").await;
        engine.reaches(run, RunStatus::Completed).await;
        assert_eq!((handlers("s10-old").len(), handlers("s10-edited").len()), (1, 0));
    });
}

#[test]
fn s7_a_handler_that_outlives_its_limit_counts_as_interrupted() {
    let engine = Engine::with(Limits { step: Duration::from_millis(30), ..Limits::default() });
    engine.block_on(async {
        let run = begin(&engine, "s7", &["hang"]).await;
        engine.reaches(run, RunStatus::Failed).await;
        let results = engine.results(run).await;
        assert_eq!(results.len(), 3);
        assert!(results.iter().all(|result| matches!(result, AttemptResult::Interrupted { .. })));
    });
}

#[test]
fn s7_an_execution_that_was_killed_is_attempted_again_with_the_same_id() {
    let engine = Engine::start();
    let run = engine.block_on(async {
        let run = begin(&engine, "s7-kill", &["hang", "done"]).await;
        until(|| handlers("s7-kill").contains(&"execute")).await;
        run
    });
    let engine = engine.kill();
    engine.block_on(async {
        engine.reaches(run, RunStatus::Completed).await;
        let calls: Vec<_> = seen("s7-kill").into_iter().filter(|seen| seen.handler == "execute").collect();
        assert_eq!(calls.len(), 2);
        assert_eq!((&calls[0].id, &calls[0].url), (&calls[1].id, &calls[1].url));
    });
}

#[test]
fn s11_once_runs_its_effect_once_over_attempts() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "s11", &["once retry", "once done"]).await;
        engine.reaches(run, RunStatus::Completed).await;
        assert_eq!(handlers("s11").iter().filter(|handler| **handler == "once").count(), 1);
    });
}

#[test]
fn s11_using_a_name_twice_in_an_attempt_is_an_error() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "s11-twice", &["once once done"]).await;
        engine.reaches(run, RunStatus::Failed).await;
    });
}

#[test]
fn d2_a_callback_before_execute_has_returned_is_kept_for_finish() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "d2", &["gate defer"]).await;
        until(|| handlers("d2").contains(&"execute")).await;
        assert!(matches!(engine.finish(run, 1, "early").await, CallbackAnswer::Recorded));
        gate("d2").notify_one();
        engine.reaches(run, RunStatus::Completed).await;
        assert_eq!(handlers("d2-early"), ["execute"]);
    });
}

#[test]
fn d2_a_callback_is_recorded_as_unused_if_execute_resolves() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "d2-unused", &["gate done"]).await;
        until(|| handlers("d2-unused").contains(&"execute")).await;
        engine.finish(run, 1, "early").await;
        gate("d2-unused").notify_one();
        let unused = |entry: &Entry| {
            matches!(entry, Entry::CallbackUnused { execution: 1, reason: Unused::Resolved, .. })
        };
        engine.sees(run, |entries| entries.iter().any(unused)).await;
        engine.reaches(run, RunStatus::Completed).await;
        assert!(!handlers("d2-unused").contains(&"finish"));
    });
}

#[test]
fn d4_d12_no_ops_and_rejected_callbacks_leave_it_deferred() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "d4", &["defer"]).await;
        engine.reaches(run, RunStatus::Waiting).await;
        engine.finish(run, 1, "no_op").await;
        engine.callback(run, 1, "not JSON").await;
        engine.finish(run, 1, "third").await;
        engine.reaches(run, RunStatus::Completed).await;
        let results = engine.results(run).await;
        assert!(
            matches!(
                results.as_slice(),
                [
                    AttemptResult::Deferred { .. },
                    AttemptResult::NoOp { .. },
                    AttemptResult::Rejected { .. },
                    AttemptResult::Outcome { .. },
                    AttemptResult::Outcome { .. }
                ]
            ),
            "{results:?}"
        );
    });
}

#[test]
fn d5_of_fifty_concurrent_callbacks_exactly_one_resolves() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "d5", &["defer"]).await;
        engine.reaches(run, RunStatus::Waiting).await;
        let answers = (0..50).map(|number| {
            let driver = engine.driver.clone();
            tokio::spawn(async move {
                let id = stepwell_engine::model::ExecutionId { run, number: 1 };
                let body = json!({ "doing": format!("number {number}") }).to_string();
                driver.callback(id, stepwell::request::Request::new(http::Method::POST, body)).await
            })
        });
        let mut recorded = 0;
        for answer in answers.collect::<Vec<_>>() {
            match answer.await.unwrap() {
                CallbackAnswer::Recorded => recorded += 1,
                CallbackAnswer::Gone => {}
                other @ CallbackAnswer::Unavailable(_) => panic!("{other:?}"),
            }
        }
        engine.reaches(run, RunStatus::Completed).await;
        assert_eq!(handlers("d5").iter().filter(|handler| **handler == "finish").count(), 1);
        let unused = |entries: &[Entry]| {
            entries.iter().filter(|entry| matches!(entry, Entry::CallbackUnused { .. })).count()
        };
        engine.sees(run, |entries| unused(entries) == recorded - 1).await;
    });
}

#[test]
fn d6_after_resolution_the_url_is_gone() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "d6", &["defer"]).await;
        engine.reaches(run, RunStatus::Waiting).await;
        engine.finish(run, 1, "exit").await;
        engine.reaches(run, RunStatus::Completed).await;
        assert!(matches!(engine.finish(run, 1, "late").await, CallbackAnswer::Gone));
    });
}

#[test]
fn d7_o1_a_deferred_run_survives_a_kill_and_is_finished_after_it() {
    let engine = Engine::start();
    let run = engine.block_on(async {
        let run = begin(&engine, "d7", &["defer"]).await;
        engine.reaches(run, RunStatus::Waiting).await;
        run
    });
    let engine = engine.kill().kill();
    engine.block_on(async {
        assert!(matches!(engine.finish(run, 1, "later").await, CallbackAnswer::Recorded));
        engine.reaches(run, RunStatus::Completed).await;
        assert_eq!(handlers("d7"), ["activate", "trigger", "execute", "finish"]);
    });
}

#[test]
fn d7_a_deadline_calls_cancel_and_follows_its_edge() {
    let engine = Engine::start();
    engine.block_on(async {
        let mut definition = workflow("d7-deadline", &["defer"]);
        definition["steps"]["first"]["deadline"] = "50ms".into();
        definition["steps"]["first"]["on"] = json!({ "deadline": "second" });
        definition["steps"]["second"]["config"]["key"] = "d7-deadline-passed".into();
        engine.enable("flow", &definition).await.unwrap();
        let run = engine.run("flow").await;
        engine.reaches(run, RunStatus::Completed).await;
        assert!(handlers("d7-deadline").ends_with(&["execute", "cancel"]));
        assert_eq!(handlers("d7-deadline-passed"), ["execute"]);
    });
}

#[test]
fn d8_o2_cancelling_a_deferred_run_calls_cancel() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "d8", &["defer"]).await;
        engine.reaches(run, RunStatus::Waiting).await;
        engine.driver.cancel(run).await.unwrap();
        engine.reaches(run, RunStatus::Cancelled).await;
        assert!(handlers("d8").ends_with(&["execute", "cancel"]));
        assert!(engine.driver.cancel(run).await.is_err());
    });
}

#[test]
fn o2_a_failed_run_is_retried_from_the_failed_step() {
    let engine = Engine::start();
    engine.block_on(async {
        let mut definition = workflow("o2", &["done"]);
        definition["steps"]["second"]["config"] = json!({ "key": "o2-second", "doing": ["fail"] });
        engine.enable("flow", &definition).await.unwrap();
        let run = engine.run("flow").await;
        engine.reaches(run, RunStatus::Failed).await;
        engine.driver.retry(run).await.unwrap();
        let failures = |entries: &[Entry]| {
            entries.iter().filter(|entry| matches!(entry, Entry::RunEnded { .. })).count()
        };
        engine.sees(run, |entries| failures(entries) == 2).await;
        assert_eq!(handlers("o2").iter().filter(|handler| **handler == "execute").count(), 1);
        assert_eq!(handlers("o2-second").len(), 2);
    });
}

#[test]
fn o3_the_journal_does_not_hold_the_senders_credentials() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "o3", &["defer"]).await;
        engine.reaches(run, RunStatus::Waiting).await;
        let id = stepwell_engine::model::ExecutionId { run, number: 1 };
        engine.driver.callback(id, crate::engine::signed(r#"{"doing": "done"}"#)).await;
        engine.reaches(run, RunStatus::Completed).await;
        let journal = serde_json::to_string(&engine.entries(run).await).unwrap();
        assert!(journal.contains("x-secret") && !journal.contains("Bearer private"));
    });
}

#[test]
fn o5_shutdown_lets_handlers_end_and_leaves_the_rest_to_recovery() {
    let engine = Engine::start();
    engine.block_on(async {
        let run = begin(&engine, "o5", &["gate done"]).await;
        until(|| handlers("o5").contains(&"execute")).await;
        // The handler goes on only after the engine has begun to stop.
        tokio::join!(biased; engine.driver.shutdown(), async { gate("o5").notify_one() });
        let results = engine.results(run).await;
        assert!(matches!(results.as_slice(), [AttemptResult::Outcome { .. }]), "{results:?}");
    });
}

#[test]
fn d2_callbacks_that_come_too_late_are_recorded_together() {
    let engine = Engine::start();
    engine.block_on(async {
        let mut definition = workflow("late", &["gate done"]);
        definition["steps"]["first"]["on"] = json!({ "done": "end" });
        definition["steps"].as_object_mut().unwrap().remove("second");
        engine.enable("flow", &definition).await.unwrap();
        let run = engine.run("flow").await;
        until(|| handlers("late").contains(&"execute")).await;
        for _ in 0..30 {
            assert!(matches!(engine.finish(run, 1, "late").await, CallbackAnswer::Recorded));
        }
        gate("late").notify_one();
        let unused = |entries: &[Entry]| {
            entries.iter().filter(|entry| matches!(entry, Entry::CallbackUnused { .. })).count()
        };
        engine.sees(run, |entries| unused(entries) == 30).await;
        let journal = engine.driver.store().journal(run).await.unwrap();
        let records =
            journal.iter().filter(|record| unused(&decode_entries(&record.body).unwrap()) > 0).count();
        // Those that the task knew of, and those that it had not looked at yet.
        assert!(records <= 2, "{records}");
        assert_eq!(engine.driver.store().inbox(run).await.unwrap(), []);
    });
}

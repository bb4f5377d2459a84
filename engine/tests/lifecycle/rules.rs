//! Rules from end to end that the other files do not come to.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use stepwell::prelude::*;
use stepwell_engine::driver::{CallbackAnswer, Limits, TriggerAnswer};
use stepwell_engine::model::{AttemptResult, RunStatus, WorkflowId};

use crate::blocks::{self, gate, handlers};
use crate::database::engine;
use crate::engine::{Engine, until, workflow};

/// Repeat the method
#[trigger(outcomes(asked), activate = open_echo, deactivate = close_echo, handshake = greet)]
async fn echo(
    request: Request,
    _config: blocks::Event,
    _cx: TriggerContext,
) -> Result<Trigger<EchoOutcome>, TriggerError> {
    if request.text()? == "start" {
        return Ok(EchoOutcome::Asked.into());
    }
    Ok(Trigger::respond(Response::text(request.method().to_string()).with_status(StatusCode::IM_A_TEAPOT)))
}

async fn open_echo(config: blocks::Event, _cx: ActivateContext) -> Result<(), ActivationError> {
    if config.key == "t13-greeted" {
        gate(&config.key).notified().await;
    }
    Ok(())
}

async fn close_echo(_config: blocks::Event, _cx: DeactivateContext) -> Result<(), ActivationError> {
    Ok(())
}

async fn greet(
    request: Request,
    _config: blocks::Event,
    _cx: HandshakeContext,
) -> Result<Response, TriggerError> {
    Ok(Response::text(format!("hello {}", request.text()?)))
}

fn echoing(key: &str) -> serde_json::Value {
    json!({
        "title": "Echo",
        "trigger": { "block": "stepwell-engine/echo", "config": { "key": key }, "on": { "asked": "end" } },
        "steps": {},
    })
}

#[tokio::test]
async fn t10_every_method_reaches_the_handler_and_its_answer_the_sender() {
    let engine = engine().await;
    engine.enable("echo", &echoing("t10")).await.unwrap();
    let url = engine.trigger_callback_url("echo").await;
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
        let answer = engine.request(&url, Request::new(method.clone(), "")).await;
        assert_eq!(
            (answer.status(), answer.bytes().as_ref()),
            (StatusCode::IM_A_TEAPOT, method.as_str().as_bytes())
        );
    }
    assert_eq!(engine.started("echo").await, []);
    assert_eq!(engine.request(&url, Request::new(Method::PUT, "start")).await.status(), 202);
    assert_eq!(engine.started("echo").await.len(), 1);
}

#[test]
fn t13_a_handshake_answers_while_activate_runs_and_starts_nothing() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.draft("echo", &echoing("t13-greeted")).await;
        let driver = engine.driver.clone();
        let enabling = tokio::spawn(async move { driver.enable(&WorkflowId("echo".into())).await });
        let store = engine.driver.store();
        let id = loop {
            let versions = store.versions(&WorkflowId("echo".into())).await.unwrap();
            if let Some((_, Some(activation))) = versions.first() {
                break activation.id;
            }
            tokio::task::yield_now().await;
        };
        match engine.driver.trigger(id, Request::new(Method::POST, "you")).await {
            TriggerAnswer::Respond(response) => assert_eq!(response.bytes().as_ref(), b"hello you"),
            other => panic!("{other:?}"),
        }
        gate("t13-greeted").notify_one();
        enabling.await.unwrap().unwrap();
        match engine.driver.trigger(id, Request::new(Method::POST, "you")).await {
            TriggerAnswer::Respond(response) => assert_eq!(response.bytes().as_ref(), b"POST"),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn s3_exit_ends_the_path_without_an_outcome() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("s3", &workflow("s3", &["exit"])).await.unwrap();
        let run = engine.run("s3").await;
        engine.reaches(run, RunStatus::Completed).await;
        let results = engine.results(run).await;
        assert!(matches!(results.as_slice(), [AttemptResult::Exit]), "{results:?}");
    });
}

#[test]
fn s5_an_error_edge_receives_the_message_and_the_run_completes() {
    let engine = Engine::start();
    engine.block_on(async {
        let mut definition = workflow("s5", &["fail"]);
        definition["steps"]["first"]["on"] = json!({ "error": "second" });
        definition["steps"]["second"]["config"]["key"] = "s5-{{ first.message }}".into();
        engine.enable("s5", &definition).await.unwrap();
        let run = engine.run("s5").await;
        engine.reaches(run, RunStatus::Completed).await;
        assert_eq!(handlers("s5-told to fail"), ["execute"]);
    });
}

#[test]
fn s7_the_third_interruption_of_finish_fails_the_step_which_says_so() {
    let engine = Engine::with(Limits { step: Duration::from_millis(30), ..Limits::default() });
    engine.block_on(async {
        engine.enable("s7-finish", &workflow("s7-finish", &["defer"])).await.unwrap();
        let run = engine.run("s7-finish").await;
        engine.reaches(run, RunStatus::Waiting).await;
        engine.finish(run, 1, "hang").await;
        engine.reaches(run, RunStatus::Failed).await;
        let results = engine.results(run).await;
        let interrupted = |result: &&AttemptResult| matches!(result, AttemptResult::Interrupted { .. });
        assert_eq!(results.iter().filter(interrupted).count(), 3, "{results:?}");
        assert_eq!(handlers("s7-finish").iter().filter(|handler| **handler == "finish").count(), 3);
    });
}

#[test]
fn d6_the_url_is_gone_when_the_run_was_cancelled() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("d6-cancelled", &workflow("d6-cancelled", &["defer"])).await.unwrap();
        let run = engine.run("d6-cancelled").await;
        engine.reaches(run, RunStatus::Waiting).await;
        engine.driver.cancel(run).await.unwrap();
        engine.reaches(run, RunStatus::Cancelled).await;
        assert!(matches!(engine.finish(run, 1, "late").await, CallbackAnswer::Gone));
        assert!(!handlers("d6-cancelled").contains(&"finish"));
    });
}

#[test]
fn d8_a_failing_cancel_is_called_again_until_it_succeeds() {
    let engine = Engine::start();
    engine.block_on(async {
        blocks::fail("d8-stubborn", "cancel", "not now");
        engine.enable("d8-stubborn", &workflow("d8-stubborn", &["defer"])).await.unwrap();
        let run = engine.run("d8-stubborn").await;
        engine.reaches(run, RunStatus::Waiting).await;
        engine.driver.cancel(run).await.unwrap();
        until(|| handlers("d8-stubborn").contains(&"cancel")).await;
        blocks::fail("d8-stubborn", "cancel", "");
        engine.reaches(run, RunStatus::Cancelled).await;
        let calls = handlers("d8-stubborn").iter().filter(|handler| **handler == "cancel").count();
        assert!(calls >= 2, "{calls} calls");
    });
}

use http::Method;
use stepwell::prelude::*;
use stepwell_engine::driver::{Refusal, TriggerAnswer};
use stepwell_engine::model::{ActivationId, ActivationStatus, RunStatus, WorkflowId};

use crate::blocks::{self, handlers, seen};
pub(crate) use crate::engine::until;
use crate::engine::{Engine, signed, workflow};
use crate::http::Server;

#[test]
fn t1_t2_activate_and_deactivate_see_the_same_activation() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("flow", &workflow("t1", &["done"])).await.unwrap();
        let id = engine.activation("flow").await;
        engine.driver.disable(&WorkflowId("flow".into())).await.unwrap();
        wait_for(&engine, "flow", ActivationStatus::Deactivated).await;
        let ids: Vec<_> = seen("t1").into_iter().map(|seen| seen.id).collect();
        assert_eq!(ids, [id.to_string(), id.to_string()]);
        assert_eq!(handlers("t1"), ["activate", "deactivate"]);
    });
}

#[test]
fn t2_activate_is_called_again_with_the_same_id_after_a_kill() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.draft("flow", &workflow("t2-gated", &["done"])).await;
        let driver = engine.driver.clone();
        tokio::spawn(async move { driver.enable(&WorkflowId("flow".into())).await });
        until(|| handlers("t2-gated").len() == 1).await;
    });
    let engine = engine.kill();
    engine.block_on(async {
        until(|| handlers("t2-gated").len() == 2).await;
        blocks::gate("t2-gated").notify_waiters();
        blocks::gate("t2-gated").notify_one();
        wait_for(&engine, "flow", ActivationStatus::Active).await;
        let calls = seen("t2-gated");
        assert_eq!((&calls[0].id, &calls[0].url), (&calls[1].id, &calls[1].url));
    });
}

#[test]
fn t3_failed_activation_is_not_enabled() {
    let engine = Engine::start();
    engine.block_on(async {
        blocks::fail("t3", "activate", "no permission");
        match engine.enable("flow", &workflow("t3", &["done"])).await {
            Err(Refusal::ActivationFailed(message)) => assert_eq!(message, "no permission"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(engine.event(engine.activation("flow").await, 1).await, TriggerAnswer::Gone));
        assert_eq!(handlers("t3"), ["activate"]);
    });
}

#[test]
fn t4_enabling_again_replaces_the_version() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("flow", &workflow("t4", &["defer"])).await.unwrap();
        let run = engine.run("flow").await;
        let old = engine.activation("flow").await;
        engine.enable("flow", &workflow("t4", &["done"])).await.unwrap();
        assert_eq!(handlers("t4"), ["activate", "trigger", "execute", "deactivate", "activate"]);
        assert!(matches!(engine.event(old, 1).await, TriggerAnswer::Gone));
        // s10: the run stays on its version.
        engine.reaches(run, RunStatus::Waiting).await;
        engine.run("flow").await;
    });
}

#[test]
fn t5_a_disabled_workflow_answers_gone_and_starts_nothing() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("flow", &workflow("t5", &["done"])).await.unwrap();
        let id = engine.activation("flow").await;
        blocks::fail("t5", "deactivate", "provider down");
        engine.driver.disable(&WorkflowId("flow".into())).await.unwrap();
        assert!(matches!(engine.event(id, 1).await, TriggerAnswer::Gone));
    });
}

#[test]
fn t6_only_an_outcome_starts_a_run() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("flow", &workflow("t6", &["done"])).await.unwrap();
        let id = engine.activation("flow").await;
        assert!(matches!(engine.event(id, 0).await, TriggerAnswer::NoOp));
        assert!(matches!(engine.event(id, -1).await, TriggerAnswer::Failed(message) if message.contains("told to panic")));
        assert!(matches!(engine.event(id, -2).await, TriggerAnswer::Failed(message) if message == "told to fail"));
        let unsigned = stepwell::request::Request::new(http::Method::POST, "{}");
        assert!(matches!(engine.driver.trigger(id, unsigned).await, TriggerAnswer::Rejected(rejected) if rejected.status() == 400));
        assert!(matches!(engine.driver.trigger(id, signed("not JSON")).await, TriggerAnswer::Rejected(rejected) if rejected.status() == 400));
        let runs = engine.driver.store().runs(stepwell_engine::store::RunFilter { limit: 10, ..Default::default() });
        assert_eq!(runs.await.unwrap(), []);
        let unstarted = engine.driver.unstarted(id);
        assert_eq!((unstarted.no_op, unstarted.rejected, unstarted.failed), (1, 2, 2));
        assert_eq!(unstarted.sample.len(), 4);
        let run = engine.run("flow").await;
        engine.reaches(run, RunStatus::Completed).await;
    });
}

#[test]
fn t9_a_trigger_config_with_a_variable_is_refused() {
    let engine = Engine::start();
    engine.block_on(async {
        let mut definition = workflow("t9", &["done"]);
        definition["trigger"]["config"]["key"] = "{{ workflow.id }}".into();
        match engine.enable("flow", &definition).await {
            Err(Refusal::Problems(problems)) => assert_eq!(problems[0].path, "trigger.config.key"),
            other => panic!("{other:?}"),
        }
        assert_eq!(handlers("t9"), Vec::<&str>::new());
    });
}

#[test]
fn t13_a_request_that_comes_while_activate_runs_is_held_and_then_handled() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.draft("flow", &workflow("t13-gated", &["done"])).await;
        let driver = engine.driver.clone();
        let enabling = tokio::spawn(async move { driver.enable(&WorkflowId("flow".into())).await });
        until(|| handlers("t13-gated").len() == 1).await;
        let id = engine.activation("flow").await;
        let driver = engine.driver.clone();
        let held = tokio::spawn(async move { driver.trigger(id, signed(r#"{"value": 1}"#)).await });
        tokio::task::yield_now().await;
        assert!(!held.is_finished());
        blocks::gate("t13-gated").notify_one();
        enabling.await.unwrap().unwrap();
        assert!(matches!(held.await.unwrap(), TriggerAnswer::Started(..)));
    });
}

/// Waits until the newest activation has this status.
pub(crate) async fn wait_for(engine: &Engine, id: &str, status: ActivationStatus) {
    let until = tokio::time::Instant::now() + crate::engine::PATIENCE;
    loop {
        let activation = engine.activation(id).await;
        let row = engine.driver.store().activation(activation).await.unwrap().unwrap();
        if row.status == status {
            return;
        }
        assert!(tokio::time::Instant::now() < until, "still {}", row.status);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Rung
#[trigger(outcomes(
    #[expect(dead_code, reason = "it is started by hand")]
    rung,
))]
async fn bell(request: NoRequest, _: NoConfig, _: TriggerContext) -> Result<BellOutcome, TriggerError> {
    match request {}
}

#[tokio::test]
async fn t6_a_trigger_that_takes_no_requests_shows_no_url_and_is_started_by_hand() {
    let server = Server::start().await;
    let definition = json!({
        "title": "Ring",
        "trigger": { "block": "stepwell-engine/bell", "on": { "rung": "note" } },
        "steps": { "note": { "block": "core/log", "config": { "message": "ring" } } },
    });
    assert_eq!(server.enable_as("ring", &definition).await, "");
    let versions = server.get("/workflows/ring/versions").await;
    let activation = &versions["versions"][0]["activation"];
    assert_eq!(
        (&activation["trigger_callback_url"], &activation["status"]),
        (&json!(null), &json!("active"))
    );
    // Who finds its URL all the same is refused.
    let id: ActivationId = serde_json::from_value(activation["unique_activation_id"].clone()).unwrap();
    let url = server.engine.driver().urls().trigger_callback_url(id);
    assert_eq!(server.client.post(url).body("ring").send().await.unwrap().status(), 400);
    assert_eq!(server.get("/runs?workflow=ring").await["runs"], json!([]));
    let started = server.api(Method::POST, "/workflows/ring/runs").json(&json!({})).send().await.unwrap();
    assert_eq!(started.status(), 201);
    let blocks = server.get("/blocks").await.to_string();
    assert!(blocks.contains(r#""takes_requests":false"#), "the manifest says so");
    server.engine.shutdown().await;
}

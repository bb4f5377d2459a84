//! A database that refuses to store a run, or to tell a version.

use std::path::Path;

use serde_json::json;
use stepwell_engine::driver::TriggerAnswer;
use stepwell_engine::model::{ActivationStatus, RunStatus, VersionId, WorkflowId};

use crate::blocks::{gate, handlers};
use crate::database::Shared;
use crate::engine::{Engine, until, workflow};
use crate::http::Server;
use crate::triggers::wait_for;

const REFUSE_SQLITE: &str =
    "CREATE TRIGGER refuse BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'there is no room'); END";
const REFUSE_POSTGRES: &str =
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''there is no room''; END';
    CREATE TRIGGER refuse BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION refuse()";
const MEND_SQLITE: &str = "DROP TRIGGER refuse";
const MEND_POSTGRES: &str = "DROP TRIGGER refuse ON runs";

const HIDE: &str = "ALTER TABLE versions RENAME TO hidden";
const SHOW: &str = "ALTER TABLE hidden RENAME TO versions";

/// Changes the database behind the engine's back.
async fn change(server: &Server, sqlite: &str, postgres: &str) {
    let directory = server.data.directory.path().join("data");
    execute(server.data.shared.as_deref(), &directory, sqlite, postgres).await;
}

/// As [`change`], in the same way for both databases.
async fn alter(engine: &Engine, sql: &str) {
    execute(engine.data.shared.as_deref(), engine.data.directory.path(), sql, sql).await;
}

async fn execute(shared: Option<&Shared>, directory: &Path, sqlite: &str, postgres: &str) {
    if let Some(shared) = shared {
        shared.connect().await.batch_execute(postgres).await.unwrap();
    } else {
        let connection = rusqlite::Connection::open(directory.join("stepwell.db")).unwrap();
        connection.execute_batch(sqlite).unwrap();
    }
}

#[tokio::test]
async fn t10_t7_an_event_that_cannot_be_stored_is_answered_with_503_and_leaves_its_key_free() {
    let server = Server::start().await;
    let definition = json!({
        "title": "Count",
        "trigger": { "block": "stepwell-engine/count", "on": { "counted": "log" } },
        "steps": { "log": { "block": "core/log", "config": { "message": "It came" }, "on": { "done": "end" } } },
    });
    let url = server.enable_as("count", &definition).await;
    let send = || server.client.post(&url).body("t10").send();
    change(&server, REFUSE_SQLITE, REFUSE_POSTGRES).await;
    let refused = send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers().get("x-call")), (503, None));
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(server.get("/runs").await["runs"], json!([]));
    change(&server, MEND_SQLITE, MEND_POSTGRES).await;
    let first = send().await.unwrap();
    assert_eq!(first.status(), 201);
    let (first, again) = (first.bytes().await.unwrap(), send().await.unwrap().bytes().await.unwrap());
    assert_eq!(first, again);
    assert_eq!(server.get("/runs").await["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn t10_an_event_whose_version_cannot_be_read_is_answered_as_the_failure_of_the_database() {
    let engine = Engine::start();
    engine.block_on(async { engine.enable("unread", &workflow("unread", &["done"])).await.unwrap() });
    // The next process has not read the version before.
    let engine = engine.kill();
    engine.block_on(async {
        let activation = engine.activation("unread").await;
        alter(&engine, HIDE).await;
        let answer = engine.event(activation, 1).await;
        assert!(matches!(answer, TriggerAnswer::Unavailable(_)), "{answer:?}");
        let id = WorkflowId("unread".to_owned());
        let refusal = engine.driver.start_run(&id, None, json!({ "value": 1 })).await.unwrap_err();
        assert!(matches!(refusal, stepwell_engine::driver::Refusal::Store(_)), "{refusal}");
        alter(&engine, SHOW).await;
        assert_eq!(handlers("unread"), ["activate"], "no handler was called");
        let run = engine.run("unread").await;
        engine.reaches(run, RunStatus::Completed).await;
    });
}

#[test]
fn t3_a_version_that_cannot_be_read_is_no_failure_of_its_activation() {
    let key = "t3-unread-gated";
    let engine = Engine::start();
    let activation = engine.block_on(async {
        engine.draft("flow", &workflow(key, &["done"])).await;
        let driver = engine.driver.clone();
        tokio::spawn(async move { driver.enable(&WorkflowId("flow".into())).await });
        until(|| handlers(key).len() == 1).await;
        let activation = engine.activation("flow").await;
        alter(&engine, HIDE).await;
        activation
    });
    // The next process makes the call again, and cannot read what to call it with.
    let engine = engine.kill();
    engine.block_on(async {
        for _ in 0..20 {
            let unread = engine.driver.store().version(VersionId(uuid::Uuid::nil())).await;
            assert!(unread.is_err());
        }
        let row = engine.driver.store().activation(activation).await.unwrap().unwrap();
        assert_eq!((row.status, row.error), (ActivationStatus::Activating, None));
        alter(&engine, SHOW).await;
        until(|| handlers(key).len() == 2).await;
        gate(key).notify_waiters();
        gate(key).notify_one();
        wait_for(&engine, "flow", ActivationStatus::Active).await;
    });
}

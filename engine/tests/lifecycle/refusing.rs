//! A database that refuses to store a run.

use serde_json::json;

use crate::http::Server;

const REFUSE_SQLITE: &str =
    "CREATE TRIGGER refuse BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'there is no room'); END";
const REFUSE_POSTGRES: &str =
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''there is no room''; END';
    CREATE TRIGGER refuse BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION refuse()";
const MEND_SQLITE: &str = "DROP TRIGGER refuse";
const MEND_POSTGRES: &str = "DROP TRIGGER refuse ON runs";

/// Changes the database behind the engine's back.
async fn change(server: &Server, sqlite: &str, postgres: &str) {
    if let Some(shared) = &server.data.shared {
        shared.connect().await.batch_execute(postgres).await.unwrap();
    } else {
        let path = server.data.directory.path().join("data/stepwell.db");
        rusqlite::Connection::open(path).unwrap().execute_batch(sqlite).unwrap();
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

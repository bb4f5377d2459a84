//! What a newer engine has written: this one says so, leaves the run as it is, and serves all others.

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use stepwell::request::Request;
use stepwell_engine::driver::CallbackAnswer;
use stepwell_engine::model::{ExecutionId, RecordId, RunId, RunStatus, WorkflowId};
use stepwell_engine::store::{PlaceChange, Record, RunChange, RunRow, Store, WorkflowChange};

use crate::engine::PATIENCE;
use crate::http::{Server, body};

/// Two runs that wait: one that a newer engine changes, and another.
struct Runs {
    server: Server,
    newer: RunId,
    other: RunId,
}

impl Runs {
    async fn start(key: &str) -> Self {
        let server = Server::start().await;
        let url = server.enable(key, &["defer"]).await;
        let (newer, other) = (server.event(&url).await, server.event(&url).await);
        let runs = Self { server, newer: newer.parse().unwrap(), other: other.parse().unwrap() };
        runs.reach(runs.newer, RunStatus::Waiting).await;
        runs.reach(runs.other, RunStatus::Waiting).await;
        runs
    }

    fn store(&self) -> &dyn Store {
        self.server.engine.driver().store().as_ref()
    }

    async fn row(&self) -> RunRow {
        self.store().run(self.newer).await.unwrap().unwrap()
    }

    async fn reach(&self, run: RunId, status: RunStatus) {
        let row = self.server.engine.driver().run_when(run, PATIENCE, |row| row.status == status).await;
        assert_eq!(row.unwrap().unwrap().status, status);
    }

    /// Moves the run as a newer engine does, with a record of the next format.
    async fn rewrite(&self, state: impl FnOnce(Value, RecordId) -> Value) {
        let row = self.row().await;
        let id = self.store().next_record();
        let body = br#"{"format":2,"entries":[{"kind":"unheard_of"}]}"#.to_vec();
        let state = state(serde_json::from_slice(&row.state).unwrap(), id);
        let change = RunChange {
            id: self.newer,
            sequence: row.sequence,
            status: row.status,
            state: serde_json::to_vec(&state).unwrap(),
            due_at: row.due_at,
            owned: false,
            finished_at: None,
            record: Some(Record { id, run: self.newer, at: Timestamp::now(), body }),
            arrival: None,
            taken: Vec::new(),
            postponed: Vec::new(),
            place: PlaceChange::None,
            called: Vec::new(),
            messages: Vec::new(),
        };
        self.store().commit_run(change).await.unwrap();
    }

    async fn finish(&self, run: RunId) -> CallbackAnswer {
        let request = Request::new(Method::POST, json!({ "doing": "done" }).to_string());
        self.server.engine.driver().callback(ExecutionId { run, number: 1 }, request).await
    }

    /// Checks that the engine has looked at the run and left it, and that the other one goes on.
    async fn is_left_as_it_is(&self, before: &RunRow) {
        let until = tokio::time::Instant::now() + PATIENCE;
        // A task that still has the run in memory, from before, ends first.
        loop {
            let refusal = self.server.engine.driver().retry(self.newer).await.unwrap_err().to_string();
            if refusal.contains("cannot be worked on now") {
                break;
            }
            assert!(tokio::time::Instant::now() < until, "{refusal}");
            tokio::task::yield_now().await;
        }
        assert!(matches!(self.finish(self.other).await, CallbackAnswer::Recorded));
        self.reach(self.other, RunStatus::Completed).await;
        assert_eq!(self.row().await, *before);
    }
}

#[tokio::test]
async fn a_journal_of_a_newer_format_is_named_and_hides_no_other_run() {
    let runs = Runs::start("newer-journal").await;
    runs.rewrite(|state, _| state).await;
    let sent = runs.server.api(Method::GET, &format!("/runs/{}", runs.newer)).send().await.unwrap();
    assert_eq!(sent.status(), 500);
    let problem = body(sent).await;
    assert_eq!(problem["type"], "/problems/unreadable");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("format 2") && detail.contains("use a newer engine"), "{detail}");
    let waiting = runs.server.get("/waiting").await;
    let waiting: Vec<&Value> =
        waiting["waiting"].as_array().unwrap().iter().map(|one| &one["run_id"]).collect();
    assert_eq!(waiting, [&json!(runs.other)]);
    assert_eq!(runs.server.get("/runs").await["runs"].as_array().unwrap().len(), 2);
    // Nothing that the run still needs is in that record.
    assert!(matches!(runs.finish(runs.newer).await, CallbackAnswer::Recorded));
    runs.reach(runs.newer, RunStatus::Completed).await;
}

#[tokio::test]
async fn a_run_that_needs_a_value_of_a_newer_format_is_left_as_it_is() {
    let runs = Runs::start("newer-value").await;
    runs.rewrite(|mut state, record| {
        assert!(state["live"]["1"]["config"]["record"].is_i64(), "{state}");
        state["live"]["1"]["config"]["record"] = json!(record);
        state
    })
    .await;
    let before = runs.row().await;
    assert!(matches!(runs.finish(runs.newer).await, CallbackAnswer::Recorded));
    runs.is_left_as_it_is(&before).await;
    assert_eq!(
        runs.store().inbox(runs.newer).await.unwrap().len(),
        1,
        "the callback waits for a newer engine"
    );
}

#[tokio::test]
async fn a_run_whose_state_is_of_a_newer_format_is_left_as_it_is() {
    let runs = Runs::start("newer-state").await;
    runs.rewrite(|mut state, _| {
        assert_eq!(state["format"], 1);
        state["format"] = json!(2);
        state
    })
    .await;
    let before = runs.row().await;
    match runs.finish(runs.newer).await {
        CallbackAnswer::Unavailable(message) => {
            assert!(message.contains("format 2") && message.contains("use a newer engine"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    runs.is_left_as_it_is(&before).await;
}

#[tokio::test]
async fn a_workflow_whose_state_is_of_a_newer_format_is_named_and_left_as_it_is() {
    let server = Server::start().await;
    server.enable("newer-workflow", &["done"]).await;
    let id = WorkflowId("newer-workflow".to_owned());
    let store = server.engine.driver().store();
    let row = store.workflow(&id).await.unwrap().unwrap();
    let mut state: Value = serde_json::from_slice(&row.state).unwrap();
    assert_eq!(state["format"], 1);
    state["format"] = json!(2);
    let (sequence, state) = (row.sequence, serde_json::to_vec(&state).unwrap());
    let change = WorkflowChange { id: id.clone(), sequence, state, version: None, activations: Vec::new() };
    store.commit_workflow(change).await.unwrap();
    let before = store.workflow(&id).await.unwrap().unwrap();
    for action in ["enable", "disable"] {
        let sent =
            server.api(Method::POST, &format!("/workflows/newer-workflow/{action}")).send().await.unwrap();
        assert_eq!(sent.status(), 409);
        let detail = body(sent).await["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("format 2") && detail.contains("use a newer engine"), "{detail}");
    }
    let told = server.get("/workflows").await["workflows"][0]["error"].as_str().unwrap().to_owned();
    assert!(told.contains("format 2"), "{told}");
    server.engine.driver().apply_retention().await.unwrap();
    assert_eq!(store.workflow(&id).await.unwrap().unwrap(), before);
}

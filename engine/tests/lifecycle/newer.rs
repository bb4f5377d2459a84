//! What a newer engine has written: this one says so, leaves the run as it is, and serves all others.

use std::sync::Arc;

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use stepwell::request::Request;
use stepwell_engine::driver::CallbackAnswer;
use stepwell_engine::model::{
    ExecutionId, JOURNAL_FORMAT, READS, RUN_FORMAT, RecordId, RunId, RunStatus, WorkflowId,
};
use stepwell_engine::store::sqlite::SqliteStore;
use stepwell_engine::store::{PlaceChange, Record, RunChange, RunRow, Store, WorkflowChange};
use stepwell_engine::{Engine, Options};

use crate::engine::{LEASE, PATIENCE};
use crate::http::{Server, body};

/// Two runs that wait: one that a newer engine changes, and another.
struct Runs {
    server: Server,
    newer: RunId,
    other: RunId,
}

/// A move of a run to where it is.
fn moved(row: &RunRow) -> RunChange {
    RunChange {
        id: row.id,
        sequence: row.sequence,
        status: row.status,
        state: row.state.clone(),
        due_at: row.due_at,
        owned: false,
        finished_at: None,
        record: None,
        arrival: None,
        taken: Vec::new(),
        postponed: Vec::new(),
        place: PlaceChange::None,
        called: Vec::new(),
        messages: Vec::new(),
    }
}

/// A state as a newer engine writes it.
fn newer_state(mut state: Value, _: RecordId) -> Value {
    assert_eq!(state["format"], 1, "what is not new is written as before");
    state["format"] = json!(RUN_FORMAT + 1);
    state
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

    /// Moves the run as a newer engine does, with a record of the next format, so that it is due at once.
    async fn rewrite(&self, state: impl FnOnce(Value, RecordId) -> Value) {
        let row = self.row().await;
        let id = self.store().next_record();
        let state = state(serde_json::from_slice(&row.state).unwrap(), id);
        let due_at = Some(Timestamp::from_second(1).unwrap());
        let entries = format!(r#"{{"format":{},"entries":[{{"kind":"unheard_of"}}]}}"#, JOURNAL_FORMAT + 1);
        let record = Record { id, run: self.newer, at: Timestamp::now(), body: entries.into_bytes() };
        let state = serde_json::to_vec(&state).unwrap();
        let change = RunChange { state, due_at, record: Some(record), ..moved(&row) };
        self.store().commit_run(change).await.unwrap();
    }

    /// Checks that the engine sets the run aside, says so, and does not look at it any more.
    async fn is_set_aside(&self, problem: &str) {
        let until = tokio::time::Instant::now() + PATIENCE;
        let told = loop {
            // Who asks for the run makes the engine look at it.
            let _ = self.server.engine.driver().retry(self.newer).await;
            let told = self.server.get("/doctor").await["unreadable"].take();
            if told["runs"] == 1 {
                break told;
            }
            assert!(tokio::time::Instant::now() < until, "{told}");
            tokio::task::yield_now().await;
        };
        assert_eq!(told["newest"][0]["run_id"], json!(self.newer));
        let said = told["newest"][0]["problem"].as_str().unwrap();
        assert!(said.contains(problem), "{said}");
        assert_eq!(self.store().due(Timestamp::MAX, 10).await.unwrap(), []);
        assert_eq!(self.store().next_due().await.unwrap(), None);
        let listed = self.server.get("/runs").await["runs"].take();
        let unreadable: Vec<&Value> =
            listed.as_array().unwrap().iter().map(|run| &run["unreadable"]).collect();
        assert_eq!(unreadable, [&Value::Null, &json!(true)]);
        let listed = self.server.get("/runs?unreadable=true").await["runs"].take();
        assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &json!(self.newer)));
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
            if refusal.contains("use a newer engine") {
                break;
            }
            assert!(tokio::time::Instant::now() < until, "{refusal}");
            tokio::task::yield_now().await;
        }
        assert!(matches!(self.finish(self.other).await, CallbackAnswer::Recorded));
        self.reach(self.other, RunStatus::Completed).await;
        assert_eq!(self.row().await, RunRow { set_aside: true, ..before.clone() });
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
    let newer = format!("format {}", JOURNAL_FORMAT + 1);
    assert!(detail.contains(&newer) && detail.contains("use a newer engine"), "{detail}");
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
    runs.is_set_aside("a value that it needs cannot be read").await;
    assert!(matches!(runs.finish(runs.newer).await, CallbackAnswer::Recorded));
    runs.is_left_as_it_is(&before).await;
    assert_eq!(runs.store().due(Timestamp::MAX, 10).await.unwrap(), [], "nor by its callback");
    assert_eq!(
        runs.store().inbox(runs.newer).await.unwrap().len(),
        1,
        "the callback waits for a newer engine"
    );
}

#[tokio::test]
async fn a_run_whose_state_is_of_a_newer_format_is_left_as_it_is() {
    let runs = Runs::start("newer-state").await;
    runs.rewrite(newer_state).await;
    let before = runs.row().await;
    let newer = format!("format {}", RUN_FORMAT + 1);
    runs.is_set_aside(&newer).await;
    match runs.finish(runs.newer).await {
        CallbackAnswer::Unavailable(message) => {
            assert!(message.contains(&newer) && message.contains("use a newer engine"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    runs.is_left_as_it_is(&before).await;
}

#[tokio::test]
async fn o8_a_run_that_was_set_aside_is_looked_at_again_after_a_restart() {
    let runs = Runs::start("newer-restart").await;
    let readable = runs.row().await;
    runs.rewrite(newer_state).await;
    runs.is_set_aside("use a newer engine").await;
    let Runs { server: Server { engine, client, data }, newer, other } = runs;
    engine.shutdown().await;
    {
        // Somebody mends the run, and the engine has not seen it yet.
        let store: Arc<dyn Store> = match &data.shared {
            Some(shared) => Arc::new(shared.open(LEASE).await.unwrap()),
            None => Arc::new(SqliteStore::open(&data.directory.path().join("data")).unwrap()),
        };
        store.take_back().await.unwrap();
        assert_eq!(store.adopt_runs(10).await.unwrap(), [newer]);
        let sequence = readable.sequence + 1;
        store.commit_run(moved(&RunRow { sequence, ..readable })).await.unwrap();
        assert!(store.set_aside(newer, sequence + 1, READS).await.unwrap());
        store.leave().await.unwrap();
    }
    let options = Options {
        data: data.directory.path().join("data"),
        database: data.shared.as_ref().map(|shared| shared.url.clone()),
        listen: ([127, 0, 0, 1], 0).into(),
        ..Options::default()
    };
    let engine = Engine::start(options).await.unwrap();
    let runs = Runs { server: Server { engine, client, data }, newer, other };
    let until = tokio::time::Instant::now() + PATIENCE;
    while runs.server.get("/doctor").await["unreadable"]["runs"] != 0 {
        assert!(tokio::time::Instant::now() < until);
        tokio::task::yield_now().await;
    }
    assert!(matches!(runs.finish(newer).await, CallbackAnswer::Recorded));
    runs.reach(newer, RunStatus::Completed).await;
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
    let newer = "format 2".to_owned();
    for action in ["enable", "disable"] {
        let sent =
            server.api(Method::POST, &format!("/workflows/newer-workflow/{action}")).send().await.unwrap();
        assert_eq!(sent.status(), 409);
        let detail = body(sent).await["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(&newer) && detail.contains("use a newer engine"), "{detail}");
    }
    let told = server.get("/workflows").await["workflows"][0]["error"].as_str().unwrap().to_owned();
    assert!(told.contains(&newer), "{told}");
    server.engine.driver().apply_retention().await.unwrap();
    assert_eq!(store.workflow(&id).await.unwrap().unwrap(), before);
}

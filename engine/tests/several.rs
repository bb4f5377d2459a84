//! Several engines on one `PostgreSQL` database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "lifecycle/blocks.rs"]
#[expect(dead_code, reason = "the lifecycle suite uses the rest")]
mod blocks;
#[path = "support/cut.rs"]
mod cut;
#[path = "lifecycle/database.rs"]
#[expect(dead_code, reason = "the lifecycle suite uses the rest")]
mod database;
#[path = "lifecycle/engine.rs"]
#[expect(dead_code, reason = "the lifecycle suite uses the rest")]
mod engine;
#[path = "support/step.rs"]
mod step;
mod support;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stepwell::block::{BlockDefinition, registered};
use stepwell_engine::core::workflow::WorkflowState;
use stepwell_engine::driver::{
    Action, CallbackAnswer, Limits, Operation, OperationStatus, Selection, TriggerAnswer,
};
use stepwell_engine::model::{Entry, RunId, RunStatus, WorkflowId, decode_state};
use stepwell_engine::store::postgres::PostgresStore;
use tempfile::TempDir;

use crate::blocks::{gate, handlers, seen};
use crate::database::Data;
use crate::engine::{Engine, LEASE, PATIENCE, driver, results, runtime, until, workflow};
use crate::support::postgres::Server;

/// A database and the keys that belong to it.
pub(crate) struct Shared {
    pub(crate) url: String,
    pub(crate) keys: TempDir,
    server: Arc<Server>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let server = Server::shared();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let url = runtime.block_on(server.database());
        Self { url, keys: tempfile::tempdir().unwrap(), server }
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine_and_store(registered()).0
    }

    fn engine_and_store(&self, blocks: Vec<&'static BlockDefinition>) -> (Engine, Arc<PostgresStore>) {
        self.engine_with(blocks, LEASE)
    }

    fn engine_with(
        &self,
        blocks: Vec<&'static BlockDefinition>,
        lease: Duration,
    ) -> (Engine, Arc<PostgresStore>) {
        let runtime = runtime();
        let (data, store, driver) = runtime.block_on(async {
            let store = Arc::new(PostgresStore::open(&self.url, lease).await.unwrap());
            let data = Data { directory: tempfile::tempdir().unwrap(), shared: None };
            let driver = driver(store.clone(), self.keys.path(), Limits::default(), blocks).await;
            (data, store, driver)
        });
        (Engine { driver, data, runtime: Some(runtime) }, store)
    }
}

/// Ends every task of an engine where it stands.
fn die(mut engine: Engine) {
    engine.runtime.take().unwrap().shutdown_background();
}

#[test]
fn o4_a_run_goes_on_elsewhere_when_its_engine_dies() {
    let shared = Shared::new();
    let (first, second) = (shared.engine(), shared.engine());
    let run = first.block_on(async {
        first.enable("dies", &workflow("dies", &["hang", "done"])).await.unwrap();
        let run = first.run("dies").await;
        until(|| handlers("dies").contains(&"execute")).await;
        run
    });
    die(first);
    second.block_on(async {
        second.reaches(run, RunStatus::Completed).await;
        let attempts: Vec<u32> =
            seen("dies").iter().filter(|seen| seen.handler == "execute").map(|seen| seen.attempt).collect();
        assert_eq!(attempts, [1, 2]);
    });
}

#[test]
fn t3_a_call_is_not_interrupted_when_another_engine_dies() {
    let shared = Shared::new();
    let (first, second) = (shared.engine(), shared.engine());
    let run = second.block_on(async {
        second.enable("kept", &workflow("kept", &["done"])).await.unwrap();
        second.enable("leaving", &workflow("leaving", &["hang", "done"])).await.unwrap();
        let run = second.run("leaving").await;
        until(|| handlers("leaving").contains(&"execute")).await;
        run
    });
    first.block_on(async {
        let edited = workflow("kept-gated", &["done"]);
        let (enabled, ()) = tokio::join!(first.enable("kept", &edited), async {
            until(|| handlers("kept-gated").contains(&"activate")).await;
            die(second);
            // The first has taken over what the second has left.
            first.reaches(run, RunStatus::Completed).await;
            gate("kept-gated").notify_one();
        });
        enabled.unwrap();
        assert_eq!(handlers("kept-gated"), ["activate"]);
    });
}

#[test]
fn t3_a_call_of_a_living_engine_is_not_interrupted_when_a_third_takes_its_workflow_over() {
    let shared = Shared::new();
    // One that looks so seldom takes nothing over while the test goes on.
    let (first, _) = shared.engine_with(registered(), Duration::from_mins(5));
    let second = shared.engine();
    second.block_on(async { second.enable("third", &workflow("third", &["done"])).await.unwrap() });
    let id = first.block_on(first.draft("third", &workflow("third-gated", &["done"])));
    let driver = first.driver.clone();
    let enabled = first.runtime.as_ref().unwrap().spawn(async move { driver.enable(&id).await });
    first.block_on(until(|| handlers("third-gated").contains(&"activate")));
    second.block_on(async {
        second.driver.shutdown().await;
        second.driver.store().leave().await.unwrap();
    });
    let _third = shared.engine();
    first.block_on(async {
        let row = first.driver.store().workflow(&WorkflowId("third".into())).await.unwrap().unwrap();
        let state: WorkflowState = decode_state(&row.state).unwrap();
        let interrupted = state.activations.iter().find(|activation| activation.interruptions > 0);
        assert_eq!(interrupted, None);
        gate("third-gated").notify_one();
        enabled.await.unwrap().unwrap();
        assert_eq!(handlers("third-gated"), ["activate"]);
    });
}

#[test]
fn o4_an_engine_that_has_lost_its_lease_starts_anew() {
    let shared = Shared::new();
    let engine = shared.engine();
    engine.block_on(async {
        engine.enable("lost", &workflow("lost", &["hang", "done"])).await.unwrap();
        let run = engine.run("lost").await;
        until(|| handlers("lost").contains(&"execute")).await;
        engine.driver.store().leave().await.unwrap();
        engine.reaches(run, RunStatus::Completed).await;
        assert_eq!(handlers("lost").iter().filter(|handler| **handler == "execute").count(), 2);
    });
}

#[test]
fn o1_o4_engines_go_on_when_the_databases_clock_is_set_forward_and_back() {
    let mut shared = Shared::new();
    let runtime = runtime();
    shared.url = runtime.block_on(step::with_clock(&shared.server, &shared.url));
    let set_clock = |by| runtime.block_on(step::set_clock(&shared.server, &shared.url, by));
    let first = shared.engine();
    let (hanging, waiting) = first.block_on(async {
        first.enable("hangs", &workflow("hangs", &["hang", "done"])).await.unwrap();
        first.enable("waits", &workflow("waits", &["defer"])).await.unwrap();
        let (hanging, waiting) = (first.run("hangs").await, first.run("waits").await);
        first.reaches(waiting, RunStatus::Waiting).await;
        until(|| handlers("hangs").contains(&"execute")).await;
        (hanging, waiting)
    });
    // No lease holds any more.
    set_clock("1 hour");
    let last = first.block_on(async {
        first.reaches(hanging, RunStatus::Completed).await;
        first.enable("last", &workflow("last", &["hang", "done"])).await.unwrap();
        let last = first.run("last").await;
        until(|| handlers("last").contains(&"execute")).await;
        last
    });
    die(first);
    // The lease of the dead one would hold for an hour.
    set_clock("0");
    let second = shared.engine();
    second.block_on(async {
        second.reaches(last, RunStatus::Completed).await;
        assert!(matches!(second.finish(waiting, 1, "done").await, CallbackAnswer::Recorded));
        second.reaches(waiting, RunStatus::Completed).await;
        assert_eq!(handlers("waits"), ["activate", "trigger", "execute", "finish"]);
        for key in ["hangs", "last"] {
            assert_eq!(handlers(key), ["activate", "trigger", "execute", "execute"]);
        }
    });
}

#[test]
fn o4_a_callback_reaches_the_engine_that_works_on_its_run() {
    let shared = Shared::new();
    let (owner, other) = (shared.engine(), shared.engine());
    let step = |key: &str, doing: &str| {
        json!({
            "block": "stepwell-engine/act",
            "config": { "key": key, "doing": [doing] },
            "on": { "done": "end" },
        })
    };
    let definition = json!({
        "title": "Two at once",
        "trigger": {
            "block": "stepwell-engine/event",
            "config": { "key": "reaches" },
            "on": { "happened": ["busy", "waiting"] },
        },
        "steps": { "busy": step("reaches-busy", "gate done"), "waiting": step("reaches-waiting", "defer") },
    });
    owner.block_on(async {
        owner.enable("reaches", &definition).await.unwrap();
        let run = owner.run("reaches").await;
        until(|| handlers("reaches-busy").contains(&"execute")).await;
        owner.sees(run, |entries| !results(entries).is_empty()).await;
        for number in [1, 2] {
            let answer = other.finish(run, number, "other").await;
            assert!(matches!(answer, CallbackAnswer::Recorded), "{answer:?}");
        }
        until(|| handlers("reaches-waiting").contains(&"finish")).await;
        assert!(!handlers("reaches-busy").contains(&"finish"), "it is still running");
        gate("reaches-busy").notify_one();
        owner.reaches(run, RunStatus::Completed).await;
    });
}

/// A workflow that calls another, and one that is called and waits, and then does this.
async fn enable_call(engine: &Engine, key: &str, doing: &str) {
    let mut called = workflow(key, &["defer"]);
    called["steps"]["second"]["config"]["doing"] = json!([doing]);
    called["trigger"] = json!({ "block": "core/workflow-called", "on": { "called": "first" } });
    engine.enable(&format!("{key}-called"), &called).await.unwrap();
    let act = json!({
        "block": "stepwell-engine/act",
        "config": { "key": format!("{key}-beside"), "doing": ["gate done"] },
    });
    let calls = json!({
        "title": "Calls",
        "trigger": {
            "block": "stepwell-engine/event",
            "config": { "key": format!("{key}-event") },
            "on": { "happened": ["call", "beside"] },
        },
        "steps": {
            "call": { "block": "core/call-workflow", "config": { "workflow": format!("{key}-called") } },
            "beside": act,
        },
    });
    engine.enable(key, &calls).await.unwrap();
}

/// The run that another has called, once it waits.
async fn called_by(engine: &Engine, run: RunId) -> RunId {
    let is_call = |entry: &Entry| match entry {
        Entry::WorkflowCalled { run, .. } => Some(*run),
        _ => None,
    };
    let entries = engine.sees(run, |entries| entries.iter().any(|entry| is_call(entry).is_some())).await;
    entries.iter().find_map(is_call).unwrap()
}

/// Waits until a run has ended, whichever engine ends it.
async fn ends(engine: &Engine, run: RunId, status: RunStatus) {
    let end = Entry::RunEnded { status, error: None };
    engine.sees(run, |entries| entries.contains(&end)).await;
}

#[test]
fn o4_s14_an_answer_reaches_the_engine_that_works_on_the_caller() {
    let shared = Shared::new();
    let (owner, other) = (shared.engine(), shared.engine());
    owner.block_on(async {
        enable_call(&owner, "answers", "done").await;
        let run = owner.run("answers").await;
        let called = called_by(&owner, run).await;
        owner.reaches(called, RunStatus::Waiting).await;
        until(|| handlers("answers-beside").contains(&"execute")).await;
        // Its second step runs in the other engine, and with it the run ends there.
        assert!(matches!(other.finish(called, 1, "done").await, CallbackAnswer::Recorded));
        ends(&owner, called, RunStatus::Completed).await;
        owner
            .sees(run, |entries| {
                entries.iter().any(|entry| matches!(entry, Entry::ExecutionCompleted { .. }))
            })
            .await;
        gate("answers-beside").notify_one();
        ends(&owner, run, RunStatus::Completed).await;
    });
}

#[test]
fn o4_s14_a_run_that_another_engine_works_on_is_cancelled_with_its_caller() {
    let shared = Shared::new();
    let (owner, other) = (shared.engine(), shared.engine());
    owner.block_on(async {
        enable_call(&owner, "gives-up", "gate done").await;
        let run = owner.run("gives-up").await;
        let called = called_by(&owner, run).await;
        owner.reaches(called, RunStatus::Waiting).await;
        assert!(matches!(other.finish(called, 1, "on").await, CallbackAnswer::Recorded));
        until(|| handlers("gives-up-on").contains(&"execute")).await;
        owner.driver.cancel(run).await.unwrap();
        gate("gives-up-beside").notify_one();
        owner.sees(called, |entries| entries.contains(&Entry::CancelRequested)).await;
        gate("gives-up-on").notify_one();
        ends(&owner, called, RunStatus::Cancelled).await;
        ends(&owner, run, RunStatus::Cancelled).await;
    });
}

#[test]
fn o2_a_run_is_cancelled_through_any_engine() {
    let shared = Shared::new();
    let (owner, other) = (shared.engine(), shared.engine());
    owner.block_on(async {
        owner.enable("any", &workflow("any", &["gate done"])).await.unwrap();
        let run = owner.run("any").await;
        until(|| handlers("any").contains(&"execute")).await;
        other.driver.cancel(run).await.unwrap();
        gate("any").notify_one();
        owner.reaches(run, RunStatus::Cancelled).await;
        assert!(other.driver.cancel(run).await.is_err(), "it has ended");
    });
}

#[test]
fn t2_an_activation_goes_on_elsewhere_when_its_engine_dies() {
    let shared = Shared::new();
    let (first, second) = (shared.engine(), shared.engine());
    first.block_on(async {
        let id = first.draft("act-gated", &workflow("act-gated", &["done"])).await;
        let driver = first.driver.clone();
        tokio::spawn(async move { driver.enable(&id).await });
        until(|| handlers("act-gated").contains(&"activate")).await;
    });
    die(first);
    second.block_on(async {
        until(|| seen("act-gated").len() == 2).await;
        let calls = seen("act-gated");
        assert_eq!((&calls[0].id, &calls[0].url), (&calls[1].id, &calls[1].url));
        gate("act-gated").notify_one();
        let run = second.run("act-gated").await;
        second.reaches(run, RunStatus::Completed).await;
    });
}

#[test]
fn o4_t2_an_activation_call_under_a_lost_lease_ends_and_is_made_again() {
    let shared = Shared::new();
    let engine = shared.engine();
    engine.block_on(async {
        let id = engine.draft("left-gated", &workflow("left-gated", &["done"])).await;
        let driver = engine.driver.clone();
        let enabled = tokio::spawn(async move { driver.enable(&id).await });
        until(|| seen("left-gated").len() == 1).await;
        engine.driver.store().leave().await.unwrap();
        until(|| seen("left-gated").len() == 2).await;
        gate("left-gated").notify_one();
        enabled.await.unwrap().unwrap();
        gate("left-gated").notify_one();
        assert!(pin!(gate("left-gated").notified()).enable(), "the first call still waits at the gate");
    });
}

#[test]
fn o1_connections_that_are_cut_lose_nothing() {
    let shared = Shared::new();
    let engine = shared.engine();
    engine.block_on(async {
        engine.enable("cut", &workflow("cut", &["once retry", "once done"])).await.unwrap();
        let activation = engine.activation("cut").await;
        let mut runs = Vec::new();
        for round in 1..=10 {
            while runs.len() < round * 5 {
                // Who sends an event sends it again until it is acknowledged.
                if let TriggerAnswer::Started(run, _) = engine.event(activation, 1).await {
                    runs.push(run);
                }
            }
            shared.server.cut_connections(&shared.url).await;
        }
        for run in runs {
            engine.reaches(run, RunStatus::Completed).await;
        }
    });
}

#[test]
fn o7_an_operation_goes_on_elsewhere_when_its_engine_dies() {
    let shared = Shared::new();
    let first = shared.engine();
    let (id, runs) = first.block_on(async {
        first.enable("moves", &workflow("moves", &["defer"])).await.unwrap();
        let mut runs = Vec::new();
        for _ in 0..6 {
            let run = first.run("moves").await;
            first.reaches(run, RunStatus::Waiting).await;
            runs.push(run);
        }
        let id = first.driver.start_operation(Action::Cancel, Selection::default(), 2).await.unwrap();
        first.reaches(runs[5], RunStatus::Cancelled).await;
        (id, runs)
    });
    die(first);
    let second = shared.engine();
    second.block_on(async {
        for run in runs {
            second.reaches(run, RunStatus::Cancelled).await;
        }
        let until = tokio::time::Instant::now() + PATIENCE;
        let operation = loop {
            let row = second.driver.store().operation(id).await.unwrap().unwrap();
            let operation = Operation::read(&row).unwrap();
            if operation.status != OperationStatus::Running {
                break operation;
            }
            assert!(tokio::time::Instant::now() < until, "{operation:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert_eq!((operation.status, operation.matched), (OperationStatus::Completed, 6));
    });
}

#[test]
fn o8_an_engine_leaves_what_it_cannot_run_to_another_on_the_same_database() {
    let shared = Shared::new();
    let able = shared.engine();
    let run = able.block_on(async {
        able.enable("fits", &workflow("fits", &["defer"])).await.unwrap();
        let run = able.run("fits").await;
        able.reaches(run, RunStatus::Waiting).await;
        run
    });
    die(able);
    let blocks = registered().into_iter().filter(|block| block.name != "act").collect();
    let lacking = shared.engine_and_store(blocks).0;
    lacking.block_on(async {
        assert_eq!(lacking.driver.unfit_blocks().await.unwrap()[0].runs, 1);
        lacking.finish(run, 1, "done").await;
    });
    let able = shared.engine();
    able.block_on(able.reaches(run, RunStatus::Completed));
}

#[test]
fn o4_a_run_that_is_taken_over_while_its_task_is_out_of_date_goes_on() {
    let shared = Shared::new();
    let (first, second) = (shared.engine(), shared.engine());
    let run = first.block_on(async {
        first.enable("outdated", &workflow("outdated", &["defer"])).await.unwrap();
        let run = first.run("outdated").await;
        first.reaches(run, RunStatus::Waiting).await;
        run
    });
    let name = shared.url.rsplit('/').next().unwrap();
    let (lock, looks) = second.block_on(async {
        let lock = shared.server.connect(name).await;
        // The second engine reads the run, and then has to wait for its version.
        lock.batch_execute("BEGIN; LOCK TABLE versions IN ACCESS EXCLUSIVE MODE").await.unwrap();
        assert!(matches!(second.finish(run, 1, "hang").await, CallbackAnswer::Recorded));
        (lock, shared.server.connect(name).await)
    });
    let owner = async || -> Option<i64> {
        looks.query_one("SELECT owner FROM runs WHERE id = $1", &[&run.0]).await.unwrap().get(0)
    };
    let dead = first.block_on(async {
        // The first one moves it on.
        until(|| handlers("outdated").contains(&"finish")).await;
        owner().await
    });
    die(first);
    second.block_on(async {
        let until_then = tokio::time::Instant::now() + PATIENCE;
        while owner().await == dead {
            assert!(tokio::time::Instant::now() < until_then, "nobody takes it over");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        lock.batch_execute("ROLLBACK").await.unwrap();
        until(|| handlers("outdated").iter().filter(|handler| **handler == "finish").count() == 2).await;
    });
}

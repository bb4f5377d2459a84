//! Runs of one workflow, and what every acknowledged one must come to.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, until};
use crate::support::postgres::Server;

/// How many senders a load has.
const SENDERS: usize = 4;

/// A run waits for a callback.
fn workflow() -> Value {
    json!({
        "id": "wait",
        "title": "Wait",
        "trigger": { "block": "core/webhook", "on": { "received": "wait" } },
        "steps": { "wait": { "block": "core/wait-for-callback", "on": { "received": "end" } } },
    })
}

/// Enables the workflow, and gives the path of its trigger's URL.
pub(crate) fn enable(engine: &Process) -> String {
    assert_eq!(engine.post("/api/v1/workflows", &workflow()).unwrap().0, 201);
    let (status, enabled) = engine.post("/api/v1/workflows/wait/enable", &json!({})).unwrap();
    assert_eq!(status, 200, "{enabled}");
    path(&enabled["trigger_callback_url"])
}

pub(crate) fn path(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url[url.find("/callbacks").unwrap()..].to_owned()
}

/// Sends an event, until it is acknowledged, and gives its run.
pub(crate) fn run(engine: &Process, trigger: &str) -> String {
    until(|| {
        let (status, body) = engine.post(trigger, &json!({}))?;
        (status == 202).then(|| body["run_id"].as_str().unwrap().to_owned())
    })
}

/// Waits until the run waits, and gives the path of the URL where it does.
pub(crate) fn waits_at(engine: &Process, run: &str) -> String {
    until(|| {
        let (_, seen) = engine.get(&format!("/api/v1/runs/{run}"))?;
        let url = &seen["executions"][0]["finish_callback_url"];
        url.is_string().then(|| path(url))
    })
}

/// Waits for the run's wait, answers it, and waits for its end.
pub(crate) fn finish(engine: &Process, run: &str) {
    let path = waits_at(engine, run);
    until(|| (engine.post(&path, &json!({}))?.0 == 202).then_some(()));
    until(|| (engine.get(&format!("/api/v1/runs/{run}"))?.1["status"] == "completed").then_some(()));
}

/// Two engines on one database, with the shortest lease.
pub(crate) fn two(server: &Server) -> (Process, Process, [TempDir; 2]) {
    let database = tokio::runtime::Runtime::new().unwrap().block_on(server.database());
    let data = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let start = |data: &Path| Process::start(data, &["--database", &database, "--lease", "2"]);
    let first = start(data[0].path());
    std::fs::copy(data[0].path().join("keys"), data[1].path().join("keys")).unwrap();
    let second = start(data[1].path());
    (first, second, data)
}

/// Sends events all the while that `meanwhile` goes on, and then sees every acknowledged run through to its end. What is
/// not acknowledged must be answered 503, with the time after which to try again.
pub(crate) fn under_load(engine: &Process, trigger: &str, meanwhile: impl FnOnce(&dyn Fn() -> usize)) {
    let runs = Mutex::new(Vec::new());
    let done = AtomicBool::new(false);
    let acknowledged = || runs.lock().unwrap().len();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let Some(answer) = engine.send(trigger, &json!({})) else { continue };
                    match answer.status {
                        202 => runs.lock().unwrap().push(answer.body["run_id"].as_str().unwrap().to_owned()),
                        503 => assert!(answer.retry_after.is_some(), "{:#}", answer.body),
                        status => panic!("{status}: {:#}", answer.body),
                    }
                }
            });
        }
        // The senders end, also if this fails.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| meanwhile(&acknowledged)));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = result {
            std::panic::resume_unwind(panic);
        }
    });
    for run in runs.into_inner().unwrap() {
        finish(engine, &run);
    }
}

/// Waits until an event, and a callback to this path, are refused for now.
#[track_caller]
pub(crate) fn is_refused_for_now(engine: &Process, trigger: &str, callback: &str) {
    for path in [trigger, callback] {
        let answer = until(|| engine.send(path, &json!({})).filter(|answer| answer.status != 202));
        assert_eq!(answer.status, 503, "{:#}", answer.body);
        assert!(answer.retry_after.is_some(), "{:#}", answer.body);
    }
}

//! Processes that are killed, paused or told to stop.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, serve, until};
use crate::support::postgres::Server;

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
fn enable(engine: &Process) -> String {
    assert_eq!(engine.post("/api/v1/workflows", &workflow()).unwrap().0, 201);
    let (status, enabled) = engine.post("/api/v1/workflows/wait/enable", &json!({})).unwrap();
    assert_eq!(status, 200, "{enabled}");
    path(&enabled["trigger_callback_url"])
}

fn path(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url[url.find("/callbacks").unwrap()..].to_owned()
}

/// Sends an event, until it is acknowledged, and gives its run.
fn run(engine: &Process, trigger: &str) -> String {
    until(|| {
        let (status, body) = engine.post(trigger, &json!({}))?;
        (status == 202).then(|| body["run_id"].as_str().unwrap().to_owned())
    })
}

/// Waits for the run's wait, answers it, and waits for its end.
fn finish(engine: &Process, run: &str) {
    let path = until(|| {
        let (_, seen) = engine.get(&format!("/api/v1/runs/{run}"))?;
        seen["executions"][0]["finish_callback_url"]
            .is_string()
            .then(|| path(&seen["executions"][0]["finish_callback_url"]))
    });
    until(|| (engine.post(&path, &json!({}))?.0 == 202).then_some(()));
    until(|| (engine.get(&format!("/api/v1/runs/{run}"))?.1["status"] == "completed").then_some(()));
}

/// Two engines on one database, with the shortest lease.
fn two(server: &Server) -> (Process, Process, [TempDir; 2]) {
    let database = tokio::runtime::Runtime::new().unwrap().block_on(server.database());
    let data = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let start = |data: &Path| Process::start(data, &["--database", &database, "--lease", "2"]);
    let first = start(data[0].path());
    std::fs::copy(data[0].path().join("keys"), data[1].path().join("keys")).unwrap();
    let second = start(data[1].path());
    (first, second, data)
}

#[test]
fn o4_a_process_that_was_paused_past_its_lease_takes_part_again() {
    let server = Server::shared();
    let (paused, other, _data) = two(&server);
    let trigger = enable(&paused);
    let before = run(&paused, &trigger);
    paused.signal("-STOP");
    // Work goes on elsewhere, also for longer than the lease.
    let until_expired = std::time::Instant::now() + std::time::Duration::from_secs(3);
    finish(&other, &before);
    while std::time::Instant::now() < until_expired {
        let run = run(&other, &trigger);
        finish(&other, &run);
    }
    paused.signal("-CONT");
    let after = run(&paused, &trigger);
    finish(&paused, &after);
}

#[test]
fn o4_the_work_of_a_process_that_was_killed_goes_on_elsewhere() {
    let server = Server::shared();
    let (killed, other, _data) = two(&server);
    let trigger = enable(&killed);
    let runs: Vec<String> = (0..10).map(|_| run(&killed, &trigger)).collect();
    killed.signal("-KILL");
    for run in runs {
        finish(&other, &run);
    }
}

#[test]
fn o5_a_signal_to_stop_ends_the_process_and_leaves_its_runs_to_the_next() {
    let data = tempfile::tempdir().unwrap();
    let mut engine = Process::start(data.path(), &[]);
    let trigger = enable(&engine);
    let waiting = run(&engine, &trigger);
    engine.signal("-TERM");
    assert!(engine.ends().success());
    let engine = Process::start(data.path(), &[]);
    finish(&engine, &waiting);
}

#[test]
fn a_data_directory_that_another_process_uses_is_refused_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let _engine = Process::start(data.path(), &[]);
    let output = serve(data.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("choose another directory"), "{told}");
}

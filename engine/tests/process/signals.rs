//! Processes that are killed, paused or told to stop.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;

use crate::process::{Process, serve, until};
use crate::runs::{enable, finish, path, run, two};
use crate::support::postgres::Server;

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

/// Starts a run whose one step sends a request here, and gives the connection once the handler has sent it.
fn handler_at_work(engine: &Process) -> (String, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let workflow = json!({
        "id": "call",
        "title": "Call",
        "trigger": { "block": "core/webhook", "on": { "received": "call" } },
        "steps": { "call": {
            "block": "core/http-request",
            "config": { "method": "GET", "url": url },
            "on": { "ok": "end" },
        } },
    });
    assert_eq!(engine.post("/api/v1/workflows", &workflow).unwrap().0, 201);
    let (status, enabled) = engine.post("/api/v1/workflows/call/enable", &json!({})).unwrap();
    assert_eq!(status, 200, "{enabled}");
    let run = run(engine, &path(&enabled["trigger_callback_url"]));
    let (mut connection, _) = listener.accept().unwrap();
    assert_ne!(connection.read(&mut [0; 4096]).unwrap(), 0);
    (run, connection)
}

#[test]
fn o5_a_handler_that_runs_may_end_after_the_signal_to_stop() {
    let data = tempfile::tempdir().unwrap();
    let mut engine = Process::start(data.path(), &[]);
    let (run, mut connection) = handler_at_work(&engine);
    engine.signal("-TERM");
    // It takes nothing more.
    until(|| engine.get("/healthz").is_none().then_some(()));
    connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull").unwrap();
    assert!(engine.ends().success());
    let engine = Process::start(data.path(), &[]);
    let run =
        until(|| engine.get(&format!("/api/v1/runs/{run}")).filter(|(_, run)| run["status"] == "completed"));
    assert_eq!(run.1["executions"][0]["attempts"].as_array().unwrap().len(), 1, "{:#}", run.1);
}

#[test]
fn o5_a_second_signal_stops_at_once_and_the_next_start_repeats_the_attempt() {
    for second in ["-TERM", "-INT"] {
        let data = tempfile::tempdir().unwrap();
        let mut engine = Process::start(data.path(), &[]);
        let (run, connection) = handler_at_work(&engine);
        engine.signal("-TERM");
        until(|| engine.get("/healthz").is_none().then_some(()));
        engine.signal(second);
        // After the grace period it would end with success.
        assert_eq!(engine.ends().code(), Some(1));
        assert!(engine.log().contains("stopped at once"), "{}", engine.log());
        drop(connection);
        let engine = Process::start(data.path(), &[]);
        until(|| {
            let (_, run) = engine.get(&format!("/api/v1/runs/{run}"))?;
            let attempts = run["executions"][0]["attempts"].as_array()?;
            (attempts.len() > 1 && attempts[0]["result"] == "interrupted").then_some(())
        });
    }
}

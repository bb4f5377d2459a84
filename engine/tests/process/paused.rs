//! An engine that is paused past its lease while one of its handlers is at work.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use stepwell::prelude::*;
use stepwell_engine::{Engine, Options};

use crate::process::{Process, until};
use crate::runs::run;
use crate::support::postgres::Server;

/// Where an engine of this file finds its data and its database.
const DATA: &str = "PAUSED_DATA";
const DATABASE: &str = "PAUSED_DATABASE";

/// Whom to ask.
#[config]
struct Asked {
    /// Address
    address: String,
}

/// Ask, and keep the answer
#[step(outcomes(told { answer: String }))]
async fn ask_once(config: Asked, cx: ExecuteContext) -> Result<AskOnceOutcome, StepError> {
    let answer = cx
        .once("answer", async |_key| {
            let address = config.address.clone();
            let asked = tokio::net::TcpStream::connect(&address).await.map_err(|error| failed(&error))?;
            let mut answer = String::new();
            let mut reader = tokio::io::BufReader::new(asked);
            tokio::io::AsyncBufReadExt::read_line(&mut reader, &mut answer)
                .await
                .map_err(|error| failed(&error))?;
            Ok::<_, StepError>(answer)
        })
        .await?;
    // The attempt after this one is given what was recorded.
    if cx.attempt() < 3 {
        return Err(StepError::retryable("once more"));
    }
    Ok(AskOnceOutcome::Told { answer })
}

fn failed(error: &std::io::Error) -> StepError {
    StepError::retryable(error.to_string())
}

/// The engine with the block of this file.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it is a process that another test starts"]
async fn engine() {
    let Ok(data) = std::env::var(DATA) else { panic!("only another test starts this one") };
    let engine = Engine::start(Options {
        data: data.into(),
        database: std::env::var(DATABASE).ok(),
        lease: Duration::from_secs(2),
        listen: ([127, 0, 0, 1], 0).into(),
        ..Options::default()
    })
    .await
    .unwrap();
    println!("listens on {}", engine.url());
    std::future::pending::<()>().await;
}

fn start(data: &Path, database: &str) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "paused::engine", "--ignored", "--nocapture"]);
    command.env(DATA, data).env(DATABASE, database);
    Process::spawn(command, data)
}

#[test]
fn o4_s11_a_handler_of_a_paused_process_records_nothing_after_its_lease() {
    let server = Server::shared();
    let database = tokio::runtime::Runtime::new().unwrap().block_on(server.database());
    let data = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let paused = start(data[0].path(), &database);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let workflow = json!({
        "id": "ask",
        "title": "Ask",
        "trigger": { "block": "core/webhook", "on": { "received": "ask" } },
        "steps": { "ask": {
            "block": "stepwell-engine/ask-once",
            "config": { "address": listener.local_addr().unwrap().to_string() },
            "retry": { "attempts": 5, "first_delay": "10ms" },
            "on": { "told": "end" },
        } },
    });
    assert_eq!(paused.post("/api/v1/workflows", &workflow).unwrap().0, 201);
    let (status, enabled) = paused.post("/api/v1/workflows/ask/enable", &json!({})).unwrap();
    assert_eq!(status, 200, "{enabled}");
    let run = run(&paused, &crate::runs::path(&enabled["trigger_callback_url"]));
    let answer = |mut to: &TcpStream, text: &str| to.write_all(text.as_bytes()).unwrap();

    let (first, _) = listener.accept().unwrap();
    paused.signal("-STOP");
    std::fs::copy(data[0].path().join("keys"), data[1].path().join("keys")).unwrap();
    let other = start(data[1].path(), &database);
    let (second, _) = listener.accept().unwrap();
    answer(&first, "first\n");
    paused.signal("-CONT");
    // Its handler has gone on, or was ended.
    BufReader::new(&first).lines().for_each(drop);
    until(|| paused.is_ready().filter(|ready| *ready));
    answer(&second, "second\n");
    let seen = until(|| {
        let (_, seen) = other.get(&format!("/api/v1/runs/{run}"))?;
        seen["finished_at"].is_string().then_some(seen)
    });
    assert_eq!(seen["executions"][0]["data"]["answer"], "second\n", "{seen:#}");
    let attempts = seen["executions"][0]["attempts"].as_array().unwrap();
    let results: Vec<&str> = attempts.iter().map(|attempt| attempt["result"].as_str().unwrap()).collect();
    assert_eq!(results, ["interrupted", "error", "outcome"], "{seen:#}");
}

//! The engine under load: a process that is killed and started again on its data.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cargo;
use crate::failure::Failure;

/// How long an engine may take to answer after it was started.
const PATIENCE: Duration = Duration::from_secs(30);

/// Builds the binary and says where it lies.
pub(super) fn build(dev: bool) -> Result<PathBuf, Failure> {
    let mut arguments = vec!["build", "--package", "stepwell-engine"];
    if !dev {
        arguments.push("--release");
    }
    cargo::run(&arguments, &[])?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| cargo::root().join("target"), PathBuf::from);
    Ok(target.join(if dev { "debug" } else { "release" }).join("stepwell"))
}

/// The engine and how to reach it.
pub(super) struct Engine {
    binary: PathBuf,
    database: Option<String>,
    data: TempDir,
    port: u16,
    process: Child,
    token: String,
}

/// What a client needs to know of the engine.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) url: String,
    pub(super) token: String,
    pub(super) http: reqwest::Client,
}

impl Engine {
    pub(super) async fn start(binary: PathBuf, database: Option<String>) -> Result<Self, Failure> {
        let data = tempfile::tempdir()
            .map_err(|error| Failure::new(format!("no directory for the data: {error}")))?;
        // The port stays the engine's over all its lives, so that its callback URLs do.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.map_err(|error| Failure::new(format!("no free port: {error}")))?.port();
        let process = spawn(&binary, database.as_deref(), &data, port)?;
        let mut engine = Self { binary, database, data, port, process, token: String::new() };
        engine.wait().await?;
        let token = std::fs::read_to_string(engine.data.path().join("token"));
        token
            .map_err(|error| Failure::new(format!("no token: {error}")))?
            .trim()
            .clone_into(&mut engine.token);
        Ok(engine)
    }

    pub(super) fn api(&self) -> Api {
        Api {
            url: format!("http://127.0.0.1:{}", self.port),
            token: self.token.clone(),
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(10))
                .build()
                .expect("a plain client is built"),
        }
    }

    /// SIGKILL, and another process on the same data.
    pub(super) async fn kill_and_start(&mut self) -> Result<(), Failure> {
        // A process that has ended by itself is a failure that the next start tells.
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.process = spawn(&self.binary, self.database.as_deref(), &self.data, self.port)?;
        self.wait().await
    }

    async fn wait(&mut self) -> Result<(), Failure> {
        let url = format!("{}/healthz", self.api().url);
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Ok(response) = reqwest::get(&url).await
                && response.status().is_success()
            {
                return Ok(());
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(Failure::new(format!("the engine has ended by itself: {status}")));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Failure::new(format!("the engine does not answer within {} s", PATIENCE.as_secs())))
    }

    /// Enables the workflow that the senders use, and says where they send.
    pub(super) async fn enable(&self, sink: &str) -> Result<String, Failure> {
        let api = self.api();
        api.post("/api/v1/workflows", &workflow(sink)).await?;
        api.post("/api/v1/workflows/crash/enable", &Value::Null).await?;
        let versions = api.get("/api/v1/workflows/crash/versions").await?;
        let url = versions["versions"][0]["activation"]["trigger_callback_url"].as_str();
        url.map(str::to_owned).ok_or_else(|| Failure::new("the enabled version has no callback URL"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(binary: &PathBuf, database: Option<&str>, data: &TempDir, port: u16) -> Result<Child, Failure> {
    Command::new(binary)
        .args(["serve", "--allow-private-addresses", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(data.path())
        .args(database.into_iter().flat_map(|database| ["--database", database]))
        .env("RUST_LOG", "error")
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| Failure::new(format!("{} cannot be started: {error}", binary.display())))
}

/// An event has an effect outside, waits for a callback, and has another effect.
fn workflow(sink: &str) -> Value {
    let effect = |name: &str, number: &str, next: &str| {
        json!({
            "block": "core/http-request",
            "config": {
                "method": "POST",
                "url": format!("{sink}/{name}"),
                "body": { "kind": "json", "value": { "n": number } },
            },
            "on": { "ok": next },
        })
    };
    json!({
        "id": "crash",
        "title": "Crash",
        "trigger": { "block": "core/webhook", "on": { "received": "before" } },
        "steps": {
            "before": effect("before", "{{ trigger.body.n }}", "wait"),
            "wait": { "block": "core/wait-for-callback", "on": { "received": "after" } },
            "after": effect("after", "{{ wait.body.n }}", "end"),
        },
    })
}

impl Api {
    /// What a GET of the API answers.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        Self::answer(request.send().await, path).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.http.post(format!("{}{path}", self.url)).bearer_auth(&self.token);
        Self::answer(request.json(body).send().await, path).await
    }

    async fn answer(sent: reqwest::Result<reqwest::Response>, path: &str) -> Result<Value, Failure> {
        let failed = |error: reqwest::Error| Failure::new(format!("{path}: {error}"));
        let response = sent.map_err(failed)?;
        let status = response.status();
        let body: Value = response.json().await.map_err(failed)?;
        if status.is_success() { Ok(body) } else { Err(Failure::new(format!("{path}: {status}: {body}"))) }
    }
}

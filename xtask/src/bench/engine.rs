//! The engine under measure: the release binary, as a process of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::Value;

use super::client::Client;
use super::events::Events;
use super::place::Place;
use super::{Outcome, failed, process};
use crate::failure::Failure;

/// How long an engine may take to be ready.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running engine. It is killed when this is dropped.
pub(super) struct Engine {
    child: Child,
    pub(super) url: String,
    pub(super) token: String,
    database: Arc<Mutex<String>>,
    /// Milliseconds from the start of the process until it listened.
    pub(super) listening: f64,
    /// Milliseconds from the start of the process until it was ready.
    pub(super) ready: f64,
}

impl Engine {
    /// Starts the binary and waits until it is ready.
    pub(super) async fn start(binary: &Path, place: &Place) -> Outcome<Self> {
        Self::start_with(binary, place, &[]).await
    }

    /// The same with more arguments.
    pub(super) async fn start_with(binary: &Path, place: &Place, arguments: &[&str]) -> Outcome<Self> {
        let begun = Instant::now();
        let named = binary.display().to_string();
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(place.data())
            .args(place.url().into_iter().flat_map(|url| ["--database".to_owned(), url]))
            .args(arguments)
            .env("RUST_LOG", "warn,stepwell_engine::store=info")
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed(&named))?;
        let database = Arc::<Mutex<String>>::default();
        let said = BufReader::new(child.stderr.take().expect("it is piped"));
        std::thread::spawn({
            let database = Arc::clone(&database);
            move || pass_on(said, &database)
        });
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        lines.read_line(&mut line).map_err(failed(&named))?;
        let listening = milliseconds(begun);
        let Some(url) = line.trim().strip_prefix("Stepwell listens on ").map(str::to_owned) else {
            // It has said on stderr why.
            let _ = child.wait();
            return Err(Failure::new(format!("{named} does not listen")));
        };
        // What it says later is not needed, but has to go somewhere.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let token = std::fs::read_to_string(place.data().join("token")).map_err(failed("the token"))?;
        let mut engine = Self { child, url, token: token.trim().to_owned(), database, listening, ready: 0.0 };
        let mut client = engine.client().await?;
        while client.send(Method::GET, "/readyz", bytes::Bytes::new()).await?.0 != StatusCode::OK {
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new("the engine does not get ready"));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        engine.ready = milliseconds(begun);
        Ok(engine)
    }

    pub(super) async fn client(&self) -> Outcome<Client> {
        Client::connect(&self.url, Some(&self.token)).await
    }

    pub(super) async fn clients(&self, count: usize) -> Outcome<Vec<Client>> {
        Client::several(count, &self.url, Some(&self.token)).await
    }

    pub(super) async fn events(&self) -> Outcome<Events> {
        Events::listen(&self.url, &self.token).await
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What the engine has told of its database's durability when it opened it; empty for `PostgreSQL`, whose server
    /// tells that itself.
    pub(super) fn durability(&self) -> String {
        self.database.lock().expect("no holder panics").clone()
    }

    pub(super) fn memory(&self) -> Outcome<f64> {
        process::anonymous_memory(self.process())
    }

    /// Writes a workflow, enables it, and says where its trigger receives requests.
    pub(super) async fn enable(&self, id: &str, definition: &Value) -> Outcome<String> {
        let mut client = self.client().await?;
        client.ask(Method::PUT, &format!("/api/v1/workflows/{id}"), definition).await?;
        let enabled =
            client.ask(Method::POST, &format!("/api/v1/workflows/{id}/enable"), &Value::Null).await?;
        let url = enabled["trigger_callback_url"].as_str().map(str::to_owned);
        url.ok_or_else(|| Failure::new(format!("workflow {id} has no trigger_callback_url")))
    }

    /// Tells it to stop, and waits until it has.
    pub(super) async fn stop(mut self) -> Outcome<()> {
        let told = Command::new("kill").arg(self.process().to_string()).status();
        told.map_err(failed("kill"))?;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().map_err(failed("the engine"))? {
                if status.success() {
                    return Ok(());
                }
                return Err(Failure::new(format!("the engine has ended with {status}")));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Err(Failure::new("the engine does not stop"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes on what the engine says, and keeps what it says of its database.
fn pass_on(said: impl BufRead, database: &Mutex<String>) {
    for line in said.lines().map_while(Result::ok) {
        match line.split_once("the database is open ") {
            Some((_, settings)) => settings.clone_into(&mut database.lock().expect("no holder panics")),
            None => eprintln!("{line}"),
        }
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

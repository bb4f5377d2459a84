//! The engine's stream of events, and those who wait for a run to get somewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Outcome;
use super::client::Client;
use crate::failure::Failure;

/// After how long a run is looked at whose event has not come: it may have been among those that were missed.
const LOOK_AFTER: Duration = Duration::from_secs(1);
/// How long a run may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is heard: that a run waits or has ended.
const STREAM: &str = "/api/v1/events?status=waiting,completed,failed,cancelled";

/// Hears of all runs of an engine that wait or have ended.
pub(super) struct Events {
    heard: Arc<Mutex<Heard>>,
    url: String,
    token: String,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    /// Where runs stand for which nobody waits: those that wait or have ended.
    at: HashMap<String, String>,
    waiting: HashMap<String, (&'static str, oneshot::Sender<String>)>,
    missed: u64,
}

impl Heard {
    fn run(&mut self, id: String, status: String) {
        let ended = matches!(status.as_str(), "completed" | "failed" | "cancelled");
        if let Some((wanted, _)) = self.waiting.get(&id) {
            if ended || *wanted == status {
                let (_, answer) = self.waiting.remove(&id).expect("it was just there");
                // Who waits may have given up.
                let _ = answer.send(status);
            }
        } else if ended || status == "waiting" {
            self.at.insert(id, status);
        }
    }
}

impl Events {
    /// Subscribes: what happens after this is heard.
    pub(super) async fn listen(url: &str, token: &str) -> Outcome<Self> {
        let mut client = Client::connect(url, Some(token)).await?;
        let response = client.open(Method::GET, STREAM, Bytes::new()).await?;
        if !response.status().is_success() {
            return Err(Failure::new(format!("the events cannot be heard: {}", response.status())));
        }
        let heard = Arc::<Mutex<Heard>>::default();
        let task = tokio::spawn(hear(client, response.into_body(), Arc::clone(&heard)));
        Ok(Self { heard, url: url.to_owned(), token: token.to_owned(), task })
    }

    /// Returns when the run has this status. A run that ends with another one is a failure.
    pub(super) async fn until(&self, run: &str, wanted: &'static str) -> Outcome<()> {
        let begun = Instant::now();
        loop {
            let receiver = {
                let mut heard = self.heard.lock().expect("no holder panics");
                if let Some(status) = heard.at.remove(run)
                    && (status == wanted || status != "waiting")
                {
                    return reached(run, wanted, &status);
                }
                let (sender, receiver) = oneshot::channel();
                heard.waiting.insert(run.to_owned(), (wanted, sender));
                receiver
            };
            if let Ok(Ok(status)) = tokio::time::timeout(LOOK_AFTER, receiver).await {
                return reached(run, wanted, &status);
            }
            let mut client = Client::connect(&self.url, Some(&self.token)).await?;
            let status = client.get(&format!("/api/v1/runs/{run}")).await?["status"].take();
            let status = status.as_str().unwrap_or_default().to_owned();
            self.heard.lock().expect("no holder panics").waiting.remove(run);
            if status == wanted || matches!(status.as_str(), "completed" | "failed" | "cancelled") {
                return reached(run, wanted, &status);
            }
            if begun.elapsed() > PATIENCE {
                return Err(Failure::new(format!("run {run} is still {status} after {PATIENCE:?}")));
            }
        }
    }

    /// How often the engine said that this listener was too slow.
    pub(super) fn missed(&self) -> u64 {
        self.heard.lock().expect("no holder panics").missed
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn reached(run: &str, wanted: &str, status: &str) -> Outcome<()> {
    if status == wanted {
        Ok(())
    } else {
        Err(Failure::new(format!("run {run} is {status} instead of {wanted}")))
    }
}

async fn hear(client: Client, mut body: Incoming, heard: Arc<Mutex<Heard>>) {
    // The connection lives as long as who sends on it.
    let _client = client;
    let mut text = Vec::new();
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        text.extend_from_slice(&data);
        while let Some(end) = text.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = text.drain(..end + 2).collect();
            take(&String::from_utf8_lossy(&event), &heard);
        }
    }
}

fn take(event: &str, heard: &Mutex<Heard>) {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let mut heard = heard.lock().expect("no holder panics");
    match (field("event:"), field("data:")) {
        (Some("run"), Some(data)) => {
            let Ok(data) = serde_json::from_str::<Value>(data) else { return };
            if let (Some(id), Some(status)) = (data["id"].as_str(), data["status"].as_str()) {
                heard.run(id.to_owned(), status.to_owned());
            }
        }
        (Some("missed"), _) => heard.missed += 1,
        _ => {}
    }
}

//! The senders, and the ledger of what was acknowledged to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::engine::Api;

/// How long a sender waits before it looks again, while the engine is down.
const AGAIN: Duration = Duration::from_millis(20);
/// How often a sender looks before it leaves a run to itself: it then waits, as a run may.
const LOOKS: u32 = 500;

/// What was acknowledged, kept outside of the engine.
#[derive(Default)]
pub(super) struct Ledger {
    next: AtomicU64,
    stopped: AtomicBool,
    /// The run of each acknowledged event.
    events: Mutex<BTreeMap<u64, String>>,
    /// The events whose run has acknowledged its callback.
    callbacks: Mutex<BTreeSet<u64>>,
}

impl Ledger {
    pub(super) fn events(&self) -> usize {
        self.events.lock().expect("no holder panics").len()
    }

    pub(super) fn callbacks(&self) -> usize {
        self.callbacks.lock().expect("no holder panics").len()
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    /// Every acknowledged event with its run, and whether its callback was acknowledged.
    pub(super) fn entries(&self) -> Vec<(u64, String, bool)> {
        let callbacks = self.callbacks.lock().expect("no holder panics");
        let events = self.events.lock().expect("no holder panics");
        events.iter().map(|(n, run)| (*n, run.clone(), callbacks.contains(n))).collect()
    }
}

/// Sends events and answers their runs until the ledger is stopped.
pub(super) async fn send(ledger: Arc<Ledger>, api: Api, trigger: String) {
    while !ledger.stopped.load(Ordering::SeqCst) {
        let n = ledger.next.fetch_add(1, Ordering::SeqCst);
        let Ok(response) = api.http.post(&trigger).json(&json!({ "n": n })).send().await else {
            // Nobody has acknowledged it: it may have a run or none.
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        if response.status() != 202 {
            continue;
        }
        let Ok(body) = response.json::<Value>().await else { continue };
        let Some(run) = body["run_id"].as_str() else { continue };
        ledger.events.lock().expect("no holder panics").insert(n, run.to_owned());
        if answer(&api, run, n).await {
            ledger.callbacks.lock().expect("no holder panics").insert(n);
        }
    }
}

/// Posts the callback of a run's wait until it is acknowledged. `false` if the run went on without that: the
/// acknowledgement was lost.
async fn answer(api: &Api, run: &str, n: u64) -> bool {
    for _ in 0..LOOKS {
        let run = api.get(&format!("/api/v1/runs/{run}")).await.unwrap_or_default();
        if run["status"] == "completed" {
            return false;
        }
        if let Some(url) = callback_url(&run)
            && let Ok(response) = api.http.post(url).json(&json!({ "n": n })).send().await
            && response.status() == 202
        {
            return true;
        }
        tokio::time::sleep(AGAIN).await;
    }
    false
}

fn callback_url(run: &Value) -> Option<&str> {
    let waiting = run["executions"].as_array()?.iter().find(|execution| execution["step"] == "wait")?;
    waiting["finish_callback_url"].as_str()
}

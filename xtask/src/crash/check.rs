//! What must hold after the last kill.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Ledger;
use super::engine::{Api, Engine};
use super::sink::Sink;
use crate::failure::Failure;

/// How long the engine may take to finish what was left.
const PATIENCE: Duration = Duration::from_mins(2);
/// How many mistakes are told.
const TOLD: usize = 20;

/// Compares the engine's runs with the ledger and the effects outside.
pub(super) async fn check(engine: &Engine, ledger: &Ledger, sink: &Sink) -> Result<String, Failure> {
    let api = engine.api();
    let runs = settled(&api).await?;
    let mut by_event: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    let mut mistakes = Vec::new();
    for run in &runs {
        match event(run) {
            Some(n) => by_event.entry(n).or_default().push(run),
            None => mistakes.push(format!("run {} does not know its event: {run}", run["id"])),
        }
    }
    for (n, runs) in &by_event {
        if runs.len() > 1 {
            mistakes.push(format!("event {n} has {} runs", runs.len()));
        }
        let before = sink.keys("before", *n);
        if before != 1 {
            mistakes.push(format!("the effect of event {n} was asked for with {before} keys"));
        }
    }
    for (n, id, answered) in ledger.entries() {
        let Some(run) = by_event.get(&n).and_then(|runs| runs.iter().find(|run| run["id"] == id.as_str()))
        else {
            mistakes.push(format!("event {n} was acknowledged with run {id}, which is not there"));
            continue;
        };
        let (status, after) = (run["status"].as_str().unwrap_or_default(), sink.keys("after", n));
        // A callback whose acknowledgement was lost may have been recorded.
        let holds = matches!((answered, status, after), (_, "completed", 1) | (false, "waiting", 0));
        if !holds {
            mistakes.push(format!(
                "run {id} of event {n} is {status} with {after} effects; callback acknowledged: {answered}"
            ));
        }
    }
    if mistakes.is_empty() {
        let (events, callbacks) = (ledger.events(), ledger.callbacks());
        return Ok(format!(
            "{} runs; each of {events} acknowledged events has one, each of {callbacks} acknowledged callbacks has ended it, each effect has one key",
            runs.len()
        ));
    }
    let more = mistakes.len().saturating_sub(TOLD);
    mistakes.truncate(TOLD);
    Err(Failure::new(format!("{}\nand {more} more", mistakes.join("\n"))))
}

/// Every run with its history, once none is under way.
async fn settled(api: &Api) -> Result<Vec<Value>, Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        let runs = all(api).await?;
        let busy = runs
            .iter()
            .filter(|run| !["waiting", "completed"].contains(&run["status"].as_str().unwrap_or_default()));
        match busy.count() {
            0 => {
                let mut whole = Vec::new();
                for run in &runs {
                    whole.push(
                        api.get(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap_or_default())).await?,
                    );
                }
                return Ok(whole);
            }
            busy if Instant::now() > until => {
                return Err(Failure::new(format!(
                    "{busy} runs neither wait nor are completed after {} s",
                    PATIENCE.as_secs()
                )));
            }
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn all(api: &Api) -> Result<Vec<Value>, Failure> {
    let mut runs = Vec::new();
    let mut path = "/api/v1/runs".to_owned();
    loop {
        let page = api.get(&path).await?;
        runs.extend(page["runs"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/v1/runs?cursor={cursor}"),
            None => return Ok(runs),
        }
    }
}

/// The number of the event that a run was started by.
fn event(run: &Value) -> Option<u64> {
    let first = run["executions"].as_array()?.iter().find(|execution| execution["step"] == "before")?;
    first["config"]["body"]["value"]["n"].as_u64()
}

//! A history that grows, and that retention cuts once it is half as long as the workload: the last runs cost what the first
//! did, and what is removed makes room.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use super::{event, workflow};
use crate::bench::Outcome;
use crate::bench::client::Client;
use crate::bench::engine::Engine;
use crate::bench::load::{Until, drive};
use crate::bench::stage::Stage;
use crate::failure::Failure;

/// How many clients there are.
const CLIENTS: usize = 64;
/// In how many parts the runs are made.
const PARTS: usize = 10;
/// How long to wait before looking again whether retention has caught up.
const AGAIN: Duration = Duration::from_secs(1);
/// How often the newest runs are asked for after each part.
const ASKED: usize = 100;

pub(super) async fn measure(stage: &mut Stage<'_>) -> Outcome<()> {
    let place = stage.place().await?;
    let kept = stage.plan.passing / 2;
    let keep = kept.to_string();
    let engine = Engine::start_with(&stage.engine, &place, &["--keep-runs-count", &keep]).await?;
    let trigger = engine.enable("run3", &workflow("run3")?).await?;
    let events = engine.events().await?;
    let turn = async |client: &mut Client| {
        let run = event(client, &trigger).await?;
        events.until(&run, "completed").await
    };
    let mut rates = Vec::with_capacity(PARTS);
    for part in 1..=PARTS {
        let turns = stage.plan.passing / PARTS / CLIENTS;
        let before = stage.cpu(&engine)?;
        let load = drive(&mut engine.clients(CLIENTS).await?, Until::Turns(turns), turn).await?;
        rates.push(load.rate());
        stage.note(&format!("history.part{part}.rate"), "runs/s", load.rate());
        stage.note(&format!("history.part{part}.p99"), "ms", load.quantile(0.99));
        stage.note_cpu(&format!("history.part{part}"), &before, &engine, load.turns())?;
        let list = async |client: &mut Client| client.get("/api/v1/runs?workflow=run3").await.map(|_| ());
        let load = drive(&mut engine.clients(1).await?, Until::Turns(ASKED), list).await?;
        stage.note(&format!("history.part{part}.list_p50"), "ms", load.quantile(0.5));
    }
    stage.note("history.last_of_first", "× the first part's rate", rates[PARTS - 1] / rates[0]);
    stage.note("history.memory", "MB", engine.memory()?);
    let begun = Instant::now();
    let left = cut(&engine, kept).await?;
    stage.note("history.behind", "runs that retention had left", left);
    stage.note("history.caught_up", "s until it had removed them", begun.elapsed().as_secs_f64());
    engine.stop().await?;
    #[expect(clippy::cast_precision_loss, reason = "no bench keeps 2^52 runs")]
    let each = place.checkpointed().await? / kept as f64;
    stage.note("history.disk", "bytes for each run that is kept", each);
    let engine = Engine::start(&stage.engine, &place).await?;
    stage.note("history.start", "ms to listening", engine.listening);
    engine.stop().await
}

/// Waits until retention has removed all but so many runs, and says how many it had left when asked first.
async fn cut(engine: &Engine, kept: usize) -> Outcome<f64> {
    let mut client = engine.client().await?;
    let asked = json!({ "action": "replay", "filter": { "workflow": "run3" }, "dry_run": true });
    let mut left = None;
    loop {
        let told = client.ask(Method::POST, "/api/v1/operations", &asked).await?;
        let runs =
            told["matched"].as_u64().ok_or_else(|| Failure::new(format!("no count of runs: {told}")))?;
        #[expect(clippy::cast_precision_loss, reason = "no bench makes 2^52 runs")]
        let beyond = (runs as f64 - kept as f64).max(0.0);
        let first = *left.get_or_insert(beyond);
        if beyond == 0.0 {
            return Ok(first);
        }
        eprintln!("   retention has {beyond} runs to remove");
        tokio::time::sleep(AGAIN).await;
    }
}

//! Runs that wait for a callback: how fast they resume, and what they take while they wait.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};

use super::{event, workflow};
use crate::bench::client::Client;
use crate::bench::engine::Engine;
use crate::bench::events::Events;
use crate::bench::load::{Load, Until, drive};
use crate::bench::stage::Stage;
use crate::bench::{BODY, Outcome, check, process};
use crate::failure::Failure;

/// How many runs are resumed one after the other in a round.
const ONE_BY_ONE: usize = 300;
/// How many runs each of 64 clients resumes in a round.
const EACH: usize = 200;
/// How long an engine is left to itself before it counts as idle.
const SETTLE: Duration = Duration::from_secs(2);
/// How long an idle engine is watched.
const AT_REST: Duration = Duration::from_secs(5);
/// How long to wait before looking again whether all runs wait.
const AGAIN: Duration = Duration::from_millis(50);

/// A run that waits, and where its callback goes.
pub(in crate::bench) struct Waiting {
    run: String,
    url: String,
}

pub(super) async fn measure(stage: &mut Stage<'_>) -> Outcome<()> {
    let place = stage.place().await?;
    let engine = Engine::start(&stage.engine, &place).await?;
    let trigger = engine.enable("defer", &workflow("defer")?).await?;
    let events = engine.events().await?;
    let mut runs = 0;
    for round in 1..=stage.plan.rounds {
        eprintln!(" round {round} of {}", stage.plan.rounds);
        for (clients, each) in [(1, ONE_BY_ONE), (64, EACH)] {
            let stock = defer(&engine, &trigger, &events, clients * each).await?;
            runs += clients * each;
            let before = stage.cpu(&engine)?;
            let load = resume(&engine, &events, stock, clients, each).await?;
            stage.note(&format!("defer.{clients}.rate"), "callbacks/s", load.rate());
            stage.note(&format!("defer.{clients}.p50"), "ms", load.quantile(0.5));
            stage.note(&format!("defer.{clients}.p99"), "ms", load.quantile(0.99));
            stage.note_cpu(&format!("defer.{clients}"), &before, &engine, load.turns())?;
        }
    }
    check::completed(&engine, "defer", runs, &["before", "wait", "after"]).await?;
    engine.stop().await?;
    for count in stage.plan.deferred.clone() {
        hold(stage, count).await?;
    }
    Ok(())
}

/// Starts runs and waits until they wait.
pub(in crate::bench) async fn defer(
    engine: &Engine,
    trigger: &str,
    events: &Events,
    count: usize,
) -> Outcome<Vec<Waiting>> {
    let stock = RefCell::new(Vec::with_capacity(count));
    let turn = async |client: &mut Client| {
        let run = event(client, trigger).await?;
        events.until(&run, "waiting").await?;
        let url = finish_url(client, &run).await?;
        stock.borrow_mut().push(Waiting { run, url });
        Ok(())
    };
    // As many at once as divide the count.
    let clients = (1..=16).rev().find(|clients| count.is_multiple_of(*clients)).unwrap_or(1);
    drive(&mut engine.clients(clients).await?, Until::Turns(count / clients), turn).await?;
    Ok(stock.into_inner())
}

async fn finish_url(client: &mut Client, run: &str) -> Outcome<String> {
    let view = client.get(&format!("/api/v1/runs/{run}")).await?;
    let waiting =
        view["executions"].as_array().into_iter().flatten().find(|execution| execution["step"] == "wait");
    let url = waiting.and_then(|execution| execution["finish_callback_url"].as_str());
    url.map(str::to_owned).ok_or_else(|| Failure::new(format!("run {run} does not wait: {view}")))
}

/// Sends the callbacks; a turn ends when the run has completed.
pub(in crate::bench) async fn resume(
    engine: &Engine,
    events: &Events,
    stock: Vec<Waiting>,
    clients: usize,
    each: usize,
) -> Outcome<Load> {
    let stock = RefCell::new(stock);
    let turn = async |client: &mut Client| {
        let next = stock.borrow_mut().pop();
        let Waiting { run, url } = next.ok_or_else(|| Failure::new("there are too few runs that wait"))?;
        match client.send(Method::POST, &url, Bytes::from_static(BODY)).await? {
            (StatusCode::ACCEPTED, _) => events.until(&run, "completed").await,
            (status, _) => Err(Failure::new(format!("a callback was answered with {status}"))),
        }
    };
    drive(&mut engine.clients(clients).await?, Until::Turns(each), turn).await
}

/// What this many runs take that wait.
async fn hold(stage: &mut Stage<'_>, count: usize) -> Outcome<()> {
    eprintln!(" {count} deferred runs");
    let place = stage.place().await?;
    let engine = Engine::start(&stage.engine, &place).await?;
    let trigger = engine.enable("defer", &workflow("defer")?).await?;
    engine.stop().await?;
    let empty = place.checkpointed().await?;
    let engine = Engine::start(&stage.engine, &place).await?;
    tokio::time::sleep(SETTLE).await;
    let idle = engine.memory()?;
    stage.note("defer.idle.memory", "MB", idle);
    // The trigger's address has the engine's port, which is another one now.
    let path = trigger.trim_start_matches("http://");
    let trigger = format!("{}{}", engine.url, &path[path.find('/').unwrap_or(0)..]);

    let runs = fill(&engine, &trigger, count).await?;
    stage.note(&format!("defer.{count}.memory_under_load"), "MB", engine.memory()?);
    engine.stop().await?;
    #[expect(clippy::cast_precision_loss, reason = "no bench defers 2^52 runs")]
    let each = (place.checkpointed().await? - empty) / count as f64;
    stage.note(&format!("defer.{count}.disk"), "bytes for each run", each);

    for _ in 0..stage.plan.rounds {
        let engine = Engine::start(&stage.engine, &place).await?;
        stage.note(&format!("defer.{count}.start"), "ms to listening", engine.listening);
        stage.note(&format!("defer.{count}.ready"), "ms to ready", engine.ready);
        engine.stop().await?;
    }
    let engine = Engine::start(&stage.engine, &place).await?;
    tokio::time::sleep(SETTLE).await;
    let memory = engine.memory()?;
    stage.note(&format!("defer.{count}.memory"), "MB", memory);
    stage.note(&format!("defer.{count}.memory_growth"), "MB more than idle", memory - idle);
    let before = process::cpu(engine.process())?;
    tokio::time::sleep(AT_REST).await;
    let rest = (process::cpu(engine.process())? - before) / AT_REST.as_secs_f64() * 100.0;
    stage.note(&format!("defer.{count}.rest"), "% of a core at rest", rest);

    let events = engine.events().await?;
    let chosen: Vec<&String> =
        runs.iter().step_by((runs.len() / ONE_BY_ONE).max(1)).take(ONE_BY_ONE).collect();
    let mut client = engine.client().await?;
    let mut stock = Vec::with_capacity(chosen.len());
    for run in chosen {
        stock.push(Waiting { run: run.clone(), url: finish_url(&mut client, run).await? });
    }
    let each = stock.len();
    let load = resume(&engine, &events, stock, 1, each).await?;
    stage.note(&format!("defer.{count}.resume_p50"), "ms", load.quantile(0.5));
    stage.note(&format!("defer.{count}.resume_p99"), "ms", load.quantile(0.99));
    engine.stop().await
}

/// Starts this many runs and waits until all of them wait.
async fn fill(engine: &Engine, trigger: &str, count: usize) -> Outcome<Vec<String>> {
    let runs = RefCell::new(Vec::with_capacity(count));
    let left = RefCell::new(count);
    let turn = async |client: &mut Client| {
        let run = event(client, trigger).await?;
        runs.borrow_mut().push(run);
        let mut left = left.borrow_mut();
        *left = left.saturating_sub(1);
        if left.is_multiple_of(10_000) {
            eprintln!("   {left} are left to start");
        }
        Ok(())
    };
    let clients = (1..=64).rev().find(|clients| count.is_multiple_of(*clients)).unwrap_or(1);
    drive(&mut engine.clients(clients).await?, Until::Turns(count / clients), turn).await?;
    let mut client = engine.client().await?;
    for status in ["running", "queued"] {
        let path = format!("/api/v1/runs?status={status}&limit=1");
        while client.get(&path).await?["runs"].as_array().is_some_and(|runs| !runs.is_empty()) {
            tokio::time::sleep(AGAIN).await;
        }
    }
    let runs = runs.into_inner();
    for run in runs.iter().step_by((count / 100).max(1)) {
        let status = client.get(&format!("/api/v1/runs/{run}")).await?["status"].take();
        if status != "waiting" {
            return Err(Failure::new(format!("run {run} is {status} instead of waiting")));
        }
    }
    Ok(runs)
}

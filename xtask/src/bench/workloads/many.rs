//! Many workflows and a long history: listing stays as fast as it was.

use std::cell::Cell;
use std::time::Instant;

use http::Method;
use serde_json::Value;

use super::{event, workflow};
use crate::bench::client::Client;
use crate::bench::engine::Engine;
use crate::bench::load::{Until, drive};
use crate::bench::stage::Stage;
use crate::bench::{Outcome, check};

/// How many clients make what is listed.
const CLIENTS: usize = 16;
/// How often each list is asked for in a round.
const ASKED: usize = 100;

pub(super) async fn measure(stage: &mut Stage<'_>) -> Outcome<()> {
    let place = stage.place().await?;
    let engine = Engine::start(&stage.engine, &place).await?;
    let definition = workflow("run3")?;
    let trigger = engine.enable("run3", &definition).await?;
    drive_runs(&engine, &trigger, CLIENTS).await?;
    list(stage, &engine, "few").await?;

    let next = Cell::new(0);
    let workflows = stage.plan.workflows / CLIENTS * CLIENTS;
    let begun = Instant::now();
    let turn = async |client: &mut Client| {
        let id = format!("many-{}", next.replace(next.get() + 1));
        client.ask(Method::PUT, &format!("/api/v1/workflows/{id}"), &definition).await?;
        client.ask(Method::POST, &format!("/api/v1/workflows/{id}/enable"), &Value::Null).await?;
        Ok(())
    };
    let made = drive(&mut engine.clients(CLIENTS).await?, Until::Turns(workflows / CLIENTS), turn).await?;
    stage.note("many.enable.p50", "ms to write and enable", made.quantile(0.5));
    eprintln!("   {workflows} workflows in {:.1} s", begun.elapsed().as_secs_f64());

    let history = stage.plan.history / CLIENTS * CLIENTS;
    drive_runs(&engine, &trigger, history).await?;
    check::completed(&engine, "run3", history + CLIENTS, &["first", "second", "third"]).await?;
    for _ in 0..stage.plan.rounds {
        list(stage, &engine, "many").await?;
    }
    stage.note("many.memory", "MB", engine.memory()?);
    engine.stop().await?;
    let engine = Engine::start(&stage.engine, &place).await?;
    stage.note("many.start", "ms to listening", engine.listening);
    engine.stop().await
}

async fn drive_runs(engine: &Engine, trigger: &str, count: usize) -> Outcome<()> {
    let events = engine.events().await?;
    let turn = async |client: &mut Client| {
        let run = event(client, trigger).await?;
        events.until(&run, "completed").await
    };
    drive(&mut engine.clients(CLIENTS).await?, Until::Turns(count / CLIENTS), turn).await?;
    Ok(())
}

async fn list(stage: &mut Stage<'_>, engine: &Engine, amount: &str) -> Outcome<()> {
    let lists = [
        ("workflows", "/api/v1/workflows"),
        ("runs", "/api/v1/runs"),
        ("runs_of_workflow", "/api/v1/runs?workflow=run3"),
        ("runs_with_status", "/api/v1/runs?status=completed"),
        ("runs_of_both", "/api/v1/runs?workflow=run3&status=failed"),
    ];
    for (name, path) in lists {
        let turn = async |client: &mut Client| client.get(path).await.map(|_| ());
        let load = drive(&mut engine.clients(1).await?, Until::Turns(ASKED), turn).await?;
        stage.note(&format!("many.{name}.{amount}.p50"), "ms", load.quantile(0.5));
    }
    Ok(())
}

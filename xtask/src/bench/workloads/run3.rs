//! Runs of three steps: a client sends an event, hears that its run has completed, and only then sends the next.

use std::cell::Cell;
use std::time::Duration;

use super::{event, workflow};
use crate::bench::client::Client;
use crate::bench::engine::Engine;
use crate::bench::floor::{Floor, FloorRound};
use crate::bench::load::{Until, drive};
use crate::bench::stage::Stage;
use crate::bench::{Outcome, check};

/// How many clients there are at once.
const CLIENTS: [usize; 3] = [1, 16, 64];
/// How long the engine is warmed up.
const WARM_UP: Duration = Duration::from_secs(1);

pub(super) async fn measure(stage: &mut Stage<'_>) -> Outcome<()> {
    let floor = Floor::start(stage.place().await?)?;
    let place = stage.place().await?;
    let engine = Engine::start(&stage.engine, &place).await?;
    let trigger = engine.enable("run3", &workflow("run3")?).await?;
    let events = engine.events().await?;
    let runs = Cell::new(0);
    let turn = async |client: &mut Client| {
        let run = event(client, &trigger).await?;
        events.until(&run, "completed").await?;
        runs.set(runs.get() + 1);
        Ok(())
    };
    drive(&mut engine.clients(16).await?, Until::Time(WARM_UP), turn).await?;
    for round in 1..=stage.plan.rounds {
        eprintln!(" round {round} of {}", stage.plan.rounds);
        let floor = floor.round(stage.plan.time / 2).await?;
        note_floor(stage, &floor);
        for clients in CLIENTS {
            let before = stage.cpu(&engine)?;
            let load = drive(&mut engine.clients(clients).await?, Until::Time(stage.plan.time), turn).await?;
            stage.note(&format!("run3.{clients}.rate"), "runs/s", load.rate());
            stage.note(&format!("run3.{clients}.p50"), "ms", load.quantile(0.5));
            stage.note(&format!("run3.{clients}.p99"), "ms", load.quantile(0.99));
            let cpu = stage.note_cpu(&format!("run3.{clients}"), &before, &engine, load.turns())?;
            if clients == 1 {
                let least = 4.0 * floor.fdatasync + floor.answer_one.quantile(0.5);
                stage.note("run3.1.p50_of_floor", "× (4 fdatasync + 1 request)", load.quantile(0.5) / least);
            }
            if clients == 64 {
                stage.note(
                    "run3.64.rate_of_floor",
                    "of the floor loop",
                    load.rate() / floor.commit_many.rate(),
                );
                stage.note("run3.64.cpu_of_floor", "× the floor loop's", cpu / (floor.commit_cpu * 1000.0));
            }
        }
    }
    stage.note("run3.memory", "MB", engine.memory()?);
    stage.condition("events missed in run3", events.missed().to_string());
    check::completed(&engine, "run3", runs.get(), &["first", "second", "third"]).await?;
    let told = [engine.durability(), place.durability().await?];
    stage.condition("durability", told.join(" ").trim().to_owned());
    engine.stop().await
}

fn note_floor(stage: &mut Stage<'_>, floor: &FloorRound) {
    stage.note("floor.fdatasync", "ms", floor.fdatasync);
    stage.note("floor.1.answer_p50", "ms", floor.answer_one.quantile(0.5));
    stage.note("floor.64.answer_rate", "requests/s", floor.answer_many.rate());
    stage.note("floor.1.commit_p50", "ms", floor.commit_one.quantile(0.5));
    stage.note("floor.64.commit_rate", "requests/s, 4 commits each", floor.commit_many.rate());
    stage.note("floor.64.commit_p50", "ms", floor.commit_many.quantile(0.5));
    stage.note("floor.64.commit_p99", "ms", floor.commit_many.quantile(0.99));
    stage.note("floor.64.commit_cpu", "CPU-s/1000, floor", floor.commit_cpu * 1000.0);
}

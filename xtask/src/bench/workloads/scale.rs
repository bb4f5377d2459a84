//! Several engines on one database: how far more of them help, and where the database becomes the limit.

use std::cell::Cell;
use std::time::Duration;

use super::{event, workflow};
use crate::bench::client::Client;
use crate::bench::engine::Engine;
use crate::bench::events::Events;
use crate::bench::load::{Until, drive};
use crate::bench::place::Database;
use crate::bench::stage::{Cpu, Stage};
use crate::bench::{Outcome, check};

/// How many engines there are.
const ENGINES: [usize; 3] = [1, 2, 4];
/// How many clients there are in all.
const CLIENTS: usize = 64;
/// How long the engines are warmed up.
const WARM_UP: Duration = Duration::from_secs(1);

/// A client of one of the engines.
struct Turning<'a> {
    client: Client,
    events: &'a Events,
}

pub(super) async fn measure(stage: &mut Stage<'_>) -> Outcome<()> {
    if stage.database == Database::Sqlite {
        eprintln!("   a database in a file is for one engine");
        return Ok(());
    }
    for count in ENGINES {
        eprintln!(" {count} engine(s)");
        let first = stage.place().await?;
        let mut engines = vec![Engine::start(&stage.engine, &first).await?];
        let mut places = vec![first];
        let trigger = engines[0].enable("run3", &workflow("run3")?).await?;
        while engines.len() < count {
            let place = places[0].shared()?;
            engines.push(Engine::start(&stage.engine, &place).await?);
            places.push(place);
        }
        let mut events = Vec::with_capacity(count);
        for engine in &engines {
            events.push(engine.events().await?);
        }
        let mut clients = Vec::with_capacity(CLIENTS);
        for place in 0..CLIENTS {
            let (engine, events) = (&engines[place % count], &events[place % count]);
            clients.push(Turning { client: engine.client().await?, events });
        }
        let runs = Cell::new(0);
        let turn = async |turning: &mut Turning<'_>| {
            let run = event(&mut turning.client, &trigger).await?;
            turning.events.until(&run, "completed").await?;
            runs.set(runs.get() + 1);
            Ok(())
        };
        drive(&mut clients, Until::Time(WARM_UP), turn).await?;
        for round in 1..=stage.plan.rounds {
            eprintln!(" round {round} of {}", stage.plan.rounds);
            let before = all(stage, &engines)?;
            let load = drive(&mut clients, Until::Time(stage.plan.time), turn).await?;
            stage.note(&format!("scale.{count}.rate"), "runs/s", load.rate());
            stage.note(&format!("scale.{count}.p50"), "ms", load.quantile(0.5));
            stage.note(&format!("scale.{count}.p99"), "ms", load.quantile(0.99));
            let now = all(stage, &engines)?;
            stage.note_cpu_between(&format!("scale.{count}"), &before, &now, load.turns());
        }
        check::completed(&engines[0], "run3", runs.get(), &["first", "second", "third"]).await?;
        for engine in engines {
            engine.stop().await?;
        }
    }
    Ok(())
}

/// The CPU-seconds of all engines together.
fn all(stage: &Stage<'_>, engines: &[Engine]) -> Outcome<Cpu> {
    let mut cpu = stage.cpu(&engines[0])?;
    for engine in &engines[1..] {
        cpu.engine += stage.cpu(engine)?.engine;
    }
    Ok(cpu)
}

//! Two engines side by side: they take turns of a second or less, so that what else happens on the machine, and on the
//! one below it, slows both alike. What is told is the ratio within each round.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::client::Client;
use super::engine::Engine;
use super::events::Events;
use super::load::{Load, Until, drive};
use super::measure::again_optimized;
use super::place::{Database, Place};
use super::report::{Figure, short};
use super::server::Server;
use super::workloads::{defer, event, workflow};
use super::{Outcome, failed, process};

/// How many clients there are at once.
const CLIENTS: [usize; 2] = [1, 64];
/// How many callbacks each client sends in a turn.
const CALLBACKS: usize = 50;
/// How long each engine is warmed up.
const WARM_UP: Duration = Duration::from_secs(1);

/// Which engines to compare.
#[derive(clap::Args)]
pub(super) struct Pair {
    /// The engine that the other is compared with; it has the blocks of `bench-blocks`
    before: PathBuf,
    /// The engine whose ratios are told
    after: PathBuf,
    #[arg(long, default_value = "sqlite")]
    database: Database,
    /// How often each engine has its turn
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// How many milliseconds the runs of a turn go on
    #[arg(long, default_value_t = 400)]
    milliseconds: u64,
}

/// An engine with what is sent to it.
struct Side {
    engine: Engine,
    events: Events,
    run3: String,
    defer: String,
    place: Place,
}

/// A figure of both engines, round by round.
struct Both {
    before: Figure,
    after: Figure,
}

impl Pair {
    pub(super) fn run(&self) -> Outcome<()> {
        if cfg!(debug_assertions) {
            return again_optimized();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let figures = runtime.map_err(failed("the runtime"))?.block_on(self.measure())?;
        println!("| figure | before | after | ratio | half of the rounds within | unit |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for Both { before, after } in &figures {
            let ratios = Figure {
                rounds: after
                    .rounds
                    .iter()
                    .zip(&before.rounds)
                    .map(|(after, before)| after / before)
                    .collect(),
                ..after.clone()
            };
            let (least, most) = ratios.middle_half();
            let (before, ratio, after) = (before.median(), ratios.median(), after.median());
            let (name, unit) = (&ratios.name, &ratios.unit);
            println!(
                "| {name} | {} | {} | {ratio:.3} | {least:.3} … {most:.3} | {unit} |",
                short(before),
                short(after)
            );
        }
        Ok(())
    }

    async fn measure(&self) -> Outcome<Vec<Both>> {
        let server = match self.database {
            Database::Sqlite => None,
            Database::Postgres => Some(std::sync::Arc::new(Server::start().await?)),
        };
        let sides = [
            Side::start(&self.before, Place::empty(server.as_ref(), "before").await?).await?,
            Side::start(&self.after, Place::empty(server.as_ref(), "after").await?).await?,
        ];
        let mut figures: Vec<Both> = Vec::new();
        for round in 0..self.rounds {
            eprintln!("round {} of {}", round + 1, self.rounds);
            let mut told = [Vec::new(), Vec::new()];
            // Who goes first changes from round to round.
            for turn in [round % 2, 1 - round % 2] {
                told[turn] = sides[turn].turn(Duration::from_millis(self.milliseconds)).await?;
            }
            let [before, after] = told;
            for (number, (before, after)) in before.into_iter().zip(after).enumerate() {
                if round == 0 {
                    figures.push(Both { before: before.clone(), after: after.clone() });
                } else {
                    figures[number].before.rounds.extend(before.rounds);
                    figures[number].after.rounds.extend(after.rounds);
                }
            }
        }
        for Side { engine, place, .. } in sides {
            engine.stop().await?;
            drop(place);
        }
        Ok(figures)
    }
}

impl Side {
    async fn start(binary: &Path, place: Place) -> Outcome<Self> {
        let engine = Engine::start(binary, &place).await?;
        let run3 = engine.enable("run3", &workflow("run3")?).await?;
        let defer = engine.enable("defer", &workflow("defer")?).await?;
        let events = engine.events().await?;
        let side = Self { engine, events, run3, defer, place };
        side.runs(16, WARM_UP).await?;
        Ok(side)
    }

    async fn runs(&self, clients: usize, time: Duration) -> Outcome<Load> {
        let turn = async |client: &mut Client| {
            let run = event(client, &self.run3).await?;
            self.events.until(&run, "completed").await
        };
        drive(&mut self.engine.clients(clients).await?, Until::Time(time), turn).await
    }

    /// The figures of one turn.
    async fn turn(&self, time: Duration) -> Outcome<Vec<Figure>> {
        let mut figures = Vec::new();
        for clients in CLIENTS {
            let before = process::cpu(self.engine.process())?;
            let load = self.runs(clients, time).await?;
            self.note(&mut figures, &format!("run3.{clients}"), &load, before)?;
        }
        for clients in CLIENTS {
            let each = if clients == 1 { 4 * CALLBACKS } else { CALLBACKS };
            let stock = defer::defer(&self.engine, &self.defer, &self.events, clients * each).await?;
            let before = process::cpu(self.engine.process())?;
            let load = defer::resume(&self.engine, &self.events, stock, clients, each).await?;
            self.note(&mut figures, &format!("defer.{clients}"), &load, before)?;
        }
        Ok(figures)
    }

    fn note(&self, figures: &mut Vec<Figure>, name: &str, load: &Load, cpu_before: f64) -> Outcome<()> {
        let cpu = (process::cpu(self.engine.process())? - cpu_before) * 1000.0 / load.turns();
        let mut note = |what: &str, unit: &str, value| {
            let (name, unit) = (format!("{name}.{what}"), unit.to_owned());
            figures.push(Figure { database: String::new(), name, unit, rounds: vec![value] });
        };
        note("rate", "each second", load.rate());
        note("p50", "ms", load.quantile(0.5));
        note("cpu", "CPU-s/1000, engine", cpu);
        Ok(())
    }
}

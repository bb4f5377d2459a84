//! What a workload is given: an empty database when it asks for one, and where it notes its figures.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use super::place::{Database, Place};
use super::report::{Report, short};
use super::server::Server;
use super::{Outcome, process};

/// How much is measured.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) rounds: usize,
    pub(super) time: Duration,
    pub(super) deferred: Vec<usize>,
    /// How many runs a long history has.
    pub(super) history: usize,
    /// How many runs pass through a history that retention cuts.
    pub(super) passing: usize,
    /// How many workflows are many.
    pub(super) workflows: usize,
}

/// Where workloads are measured.
pub(super) struct Stage<'a> {
    pub(super) database: Database,
    pub(super) plan: Plan,
    /// The engine with the bench's blocks.
    pub(super) engine: PathBuf,
    /// The engine as it is released.
    pub(super) released: PathBuf,
    server: Option<Arc<Server>>,
    report: &'a mut Report,
    places: usize,
}

impl<'a> Stage<'a> {
    pub(super) async fn start(
        database: Database,
        plan: Plan,
        engine: PathBuf,
        released: PathBuf,
        report: &'a mut Report,
    ) -> Outcome<Self> {
        let server = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(Arc::new(Server::start().await?)),
        };
        Ok(Self { database, plan, engine, released, server, report, places: 0 })
    }

    /// An empty database.
    pub(super) async fn place(&mut self) -> Outcome<Place> {
        self.places += 1;
        Place::empty(self.server.as_ref(), &format!("bench{}", self.places)).await
    }

    /// Notes a figure of a round, and tells it.
    pub(super) fn note(&mut self, name: &str, unit: &str, value: f64) {
        eprintln!("   {name:<32} {:>9} {unit}", short(value));
        self.report.note(self.database.name(), name, unit, value);
    }

    /// Notes a condition that holds for all figures of this database.
    pub(super) fn condition(&mut self, what: &str, told: String) {
        self.report.conditions.insert(format!("{} {what}", self.database.name()), told);
    }

    /// The CPU-seconds that have been taken so far.
    pub(super) fn cpu(&self, engine: &Engine) -> Outcome<Cpu> {
        let server =
            self.server.as_ref().map(|server| process::cpu_of_family(server.process()?)).transpose()?;
        Ok(Cpu {
            engine: process::cpu(engine.process())?,
            server: server.unwrap_or_default(),
            clients: process::cpu(std::process::id())?,
        })
    }

    /// Notes the CPU-seconds that a thousand turns have taken since then, by process.
    pub(super) fn note_cpu(&mut self, name: &str, since: &Cpu, engine: &Engine, turns: f64) -> Outcome<f64> {
        let now = self.cpu(engine)?;
        Ok(self.note_cpu_between(name, since, &now, turns))
    }

    /// Notes the CPU-seconds that a thousand turns have taken between two moments, by process; those of the engine.
    pub(super) fn note_cpu_between(&mut self, name: &str, since: &Cpu, now: &Cpu, turns: f64) -> f64 {
        let each = |before: f64, after: f64| (after - before) * 1000.0 / turns;
        let by_engine = each(since.engine, now.engine);
        self.note(&format!("{name}.cpu"), "CPU-s/1000, engine", by_engine);
        if self.server.is_some() {
            self.note(&format!("{name}.cpu_database"), "CPU-s/1000, server", each(since.server, now.server));
        }
        self.note(&format!("{name}.cpu_clients"), "CPU-s/1000, clients", each(since.clients, now.clients));
        by_engine
    }
}

/// CPU-seconds by process.
pub(super) struct Cpu {
    pub(super) engine: f64,
    server: f64,
    clients: f64,
}

//! `crash`: engines under load, killed, paused and cut off from their database again and again, with a ledger outside
//! of what they have acknowledged.

mod api;
mod check;
mod engines;
mod faults;
mod ledger;
mod provider;
mod sender;
mod switch;
mod workflow;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{LocalSet, spawn_local};

use crate::failure::Failure;
use crate::postgres::Server;
use api::GIVE_UP_AFTER;
use engines::Engines;
use faults::{Fault, Random};
use ledger::Ledger;
use provider::Provider;

/// How many senders there are at once.
const SENDERS: u64 = 16;
/// How long it is quiet between two faults, in milliseconds.
const LIFE: std::ops::Range<u64> = 60..700;
/// How many runs come to their question between two faults, at least: so many that what the fault before has interrupted
/// is over, and hardly any attempt is interrupted three times in a row, which fails its run (s7).
const PROGRESS: u64 = SENDERS;
/// How long to wait before looking again whether runs have gone on.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(10);
/// How long an engine of a shared database may be silent before the others take its work over: the shortest.
const LEASE: Duration = Duration::from_secs(2);
/// How many faults are told of at once.
const TOLD_AFTER: usize = 10;

/// How to crash.
#[derive(clap::Args)]
pub(crate) struct Crash {
    /// How often an engine is killed and started again
    #[arg(long, default_value_t = 1000)]
    kills: usize,
    /// How often an engine is paused for longer than its lease; by default once in 20 kills
    #[arg(long)]
    pauses: Option<usize>,
    /// How many engines there are; more than one need `--postgres`
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=16))]
    engines: u16,
    /// Keep everything in a `PostgreSQL` server that is started for this, instead of in `SQLite`
    #[arg(long)]
    postgres: bool,
    /// How often the `PostgreSQL` server is stopped and started again, half of the times without a clean end; by
    /// default once in 20 kills
    #[arg(long, requires = "postgres")]
    database_restarts: Option<usize>,
    /// Use the development build instead of the release build
    #[arg(long)]
    dev: bool,
    /// What the faults and their moments are drawn from; told, so that a run can be repeated
    #[arg(long)]
    seed: Option<u64>,
}

impl Crash {
    /// A short form on `SQLite`, for every change.
    pub(crate) const fn short() -> Self {
        Self {
            kills: 20,
            pauses: Some(1),
            engines: 1,
            postgres: false,
            database_restarts: None,
            dev: true,
            seed: None,
        }
    }

    /// A short form with several engines on one `PostgreSQL` database, for every change.
    pub(crate) const fn short_shared() -> Self {
        Self {
            kills: 15,
            pauses: Some(3),
            engines: 3,
            postgres: true,
            database_restarts: Some(2),
            dev: true,
            seed: None,
        }
    }

    pub(crate) fn run(&self) -> Result<(), Failure> {
        if self.engines > 1 && !self.postgres {
            return Err(Failure::new("several engines share a PostgreSQL database; add `--postgres`"));
        }
        // Another part of this process may have chosen it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(format!("no runtime: {error}")))?;
        runtime.block_on(LocalSet::new().run_until(self.go()))
    }

    async fn go(&self) -> Result<(), Failure> {
        let seed = self.seed.unwrap_or_else(|| u64::from(std::process::id()));
        eprintln!("seed {seed}");
        let binary = engines::build(self.dev)?;
        let server = if self.postgres { Some(Server::start()?) } else { None };
        let database = server.as_ref().map(Server::url);
        let mut engines = Engines::start(binary, database, self.engines).await?;
        let result = self.crash(&mut engines, server.as_ref(), Random(seed)).await;
        result.map_err(|failure| Failure::new(format!("{failure}\n{}\nseed {seed}", engines.last_words())))
    }

    /// Goes through all faults under load, and then looks at what is left.
    async fn crash(
        &self,
        engines: &mut Engines,
        server: Option<&Server>,
        mut random: Random,
    ) -> Result<(), Failure> {
        let faults = self.faults(&mut random);
        let provider = provider::start().await?;
        let ledger = Arc::new(Ledger::default());
        let api = engines.api();
        switch::create(&api, &provider.url).await?;
        let switch = spawn_local(switch::keep_switching(api.clone(), Arc::clone(&ledger)));
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| spawn_local(sender::send(Arc::clone(&ledger), api.clone(), Arc::clone(&provider))))
            .collect();
        let began = Instant::now();
        for (number, fault) in (1..).zip(&faults) {
            let asked = provider.asked();
            tokio::time::sleep(Duration::from_millis(random.between(LIFE))).await;
            progress(engines, &provider, asked + PROGRESS).await?;
            engines.suffer(*fault, server, &mut random).await?;
            if number % TOLD_AFTER == 0 || number == faults.len() {
                let (of, seconds) = (faults.len(), began.elapsed().as_secs());
                eprintln!("{number} of {of} faults after {seconds} s; {ledger}");
            }
        }
        engines.resume_all()?;
        ledger.stop();
        let joined = |error: tokio::task::JoinError| Failure::new(format!("a client has failed: {error}"));
        for sender in senders {
            sender.await.map_err(joined)??;
        }
        switch.await.map_err(joined)??;
        let report = check::check(&api, &ledger, &provider).await?;
        println!("{}: {report}", self.told(&faults));
        Ok(())
    }

    /// The faults in their order.
    fn faults(&self, random: &mut Random) -> Vec<Fault> {
        let pauses = self.pauses.unwrap_or(self.kills / 20);
        let restarts = if self.postgres { self.database_restarts.unwrap_or(self.kills / 20) } else { 0 };
        let mut faults = vec![Fault::Kill; self.kills];
        faults.extend(vec![Fault::Pause; pauses]);
        faults.extend((0..restarts).map(|restart| Fault::RestartDatabase { clean: restart % 2 == 0 }));
        random.shuffle(&mut faults);
        faults
    }

    fn told(&self, faults: &[Fault]) -> String {
        let count = |fault: fn(&Fault) -> bool| faults.iter().filter(|known| fault(known)).count();
        format!(
            "{} engine(s), {} kills, {} pauses, {} restarts of the database",
            self.engines,
            count(|fault| matches!(fault, Fault::Kill)),
            count(|fault| matches!(fault, Fault::Pause)),
            count(|fault| matches!(fault, Fault::RestartDatabase { .. })),
        )
    }
}

/// Waits until runs have asked so many questions. All the while, work must go on.
async fn progress(engines: &mut Engines, provider: &Provider, enough: u64) -> Result<(), Failure> {
    let until = Instant::now() + GIVE_UP_AFTER;
    loop {
        engines.look_after()?;
        if provider.asked() >= enough {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(Failure::new(format!("no run has gone on for {} s", GIVE_UP_AFTER.as_secs())));
        }
        tokio::time::sleep(LOOK_AGAIN_AFTER).await;
    }
}

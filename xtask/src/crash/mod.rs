//! `crash`: the binary under load, killed again and again, with a ledger outside of what it has acknowledged.

mod check;
mod client;
mod engine;
mod sink;

use std::sync::Arc;
use std::time::Duration;

use crate::failure::Failure;
use client::Ledger;
use engine::Engine;

/// How many senders there are at once.
const SENDERS: usize = 16;
/// How long an engine lives between two kills, in milliseconds.
const LIFE: std::ops::Range<u64> = 60..700;

/// How to crash.
#[derive(clap::Args)]
pub(crate) struct Crash {
    /// How often the engine is killed
    #[arg(long, default_value_t = 1000)]
    kills: u32,
    /// Use the development build instead of the release build
    #[arg(long)]
    dev: bool,
    /// Keep everything in this PostgreSQL database, which should be empty, instead of in SQLite
    #[arg(long)]
    database: Option<String>,
    /// What the moments of the kills are drawn from; told, so that a run can be repeated
    #[arg(long)]
    seed: Option<u64>,
}

impl Crash {
    /// A short form for every change.
    pub(crate) const fn short() -> Self {
        Self { kills: 20, dev: true, database: None, seed: None }
    }

    pub(crate) fn run(&self) -> Result<(), Failure> {
        // Another part of this process may have chosen it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::new(format!("no runtime: {error}")))?;
        runtime.block_on(self.go())
    }

    async fn go(&self) -> Result<(), Failure> {
        let seed = self.seed.unwrap_or_else(|| u64::from(std::process::id()));
        eprintln!("seed {seed}; {SENDERS} senders, {} kills", self.kills);
        let binary = engine::build(self.dev)?;
        let sink = sink::start().await?;
        let mut engine = Engine::start(binary, self.database.clone()).await?;
        let trigger = engine.enable(&sink.url).await?;
        let ledger = Arc::new(Ledger::default());
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| tokio::spawn(client::send(Arc::clone(&ledger), engine.api(), trigger.clone())))
            .collect();
        let mut random = Random(seed);
        for kill in 1..=self.kills {
            tokio::time::sleep(Duration::from_millis(random.between(LIFE))).await;
            engine.kill_and_start().await?;
            if kill % 10 == 0 || kill == self.kills {
                eprintln!(
                    "{kill} kills; {} events and {} callbacks acknowledged",
                    ledger.events(),
                    ledger.callbacks()
                );
            }
        }
        ledger.stop();
        for sender in senders {
            sender.await.map_err(|error| Failure::new(format!("a sender has failed: {error}")))?;
        }
        let report = check::check(&engine, &ledger, &sink).await?;
        println!("{report}");
        Ok(())
    }
}

/// A sequence of numbers that a seed determines (splitmix64).
struct Random(u64);

impl Random {
    fn between(&mut self, range: std::ops::Range<u64>) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        range.start + (bits ^ (bits >> 31)) % (range.end - range.start)
    }
}

//! `bench`: what things cost, measured on this machine.
//!
//! The engine is the release binary, a process of its own that is reached over HTTP like anybody reaches it. The floors,
//! what disk and stack allow, are measured in the same rounds, so that ratios hold on a machine with other work.

mod build;
mod check;
mod client;
mod engine;
mod events;
mod floor;
mod floor_server;
mod load;
mod measure;
mod pair;
mod place;
mod plot;
mod process;
mod report;
mod server;
mod stage;
mod targets;
mod workloads;

use std::fmt::Display;

use clap::Subcommand;
use tempfile::TempDir;

use crate::cargo;
use crate::failure::Failure;
use measure::Measure;

/// The body of a request that starts a run: JSON of 200 bytes.
const BODY: &[u8] = br#"{"n":7,"event":"order.created","id":"ord_01J8Z3V9Q27777777777","customer":{"name":"Ada Lovelace","email":"ada@example.com"},"items":[{"sku":"A-100","count":2},{"sku":"B-200","count":1}],"total":129.5}"#;
const _: () = assert!(BODY.len() == 200, "the targets are for a body of 200 bytes");

type Outcome<T> = Result<T, Failure>;

/// What to measure.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    chore: Option<Chore>,
    #[command(flatten)]
    measure: Measure,
}

#[derive(Subcommand)]
enum Chore {
    /// How long a clean build of a crate with one block takes, and how many crates it compiles
    Build {
        /// How often to build; the median is told
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Two engines in turns of less than a second, and the ratios of their figures
    Pair(pair::Pair),
    /// Serves what the engine is compared with
    #[command(hide = true)]
    Floor(floor_server::FloorServer),
}

impl Bench {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match &self.chore {
            Some(Chore::Build { rounds, json }) => build::measure((*rounds).max(1), *json),
            Some(Chore::Pair(pair)) => pair.run(),
            Some(Chore::Floor(floor)) => {
                let runtime = tokio::runtime::Runtime::new().map_err(failed("the runtime"))?;
                runtime.block_on(floor.serve())
            }
            None => self.measure.run(),
        }
    }
}

/// A directory on the workspace's disk: temporary files may lie in memory, where nothing is durable.
fn directory() -> Outcome<TempDir> {
    let place = cargo::root().join("target/bench");
    std::fs::create_dir_all(&place).map_err(failed("target/bench"))?;
    TempDir::new_in(place).map_err(failed("a directory in target/bench"))
}

/// A failure that begins with what failed.
fn failed<E: Display>(what: &str) -> impl Fn(E) -> Failure {
    move |error| Failure::new(format!("{what}: {error}"))
}

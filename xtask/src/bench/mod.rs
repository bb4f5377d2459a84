//! `bench`: what things cost, measured on this machine.

mod build;

use clap::Subcommand;

use crate::failure::Failure;

/// What to measure.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// How long a clean build of a crate with one block takes, and how many crates it compiles
    Build {
        /// How often to build; the median is told
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Bench {
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match *self {
            Self::Build { rounds, json } => build::measure(rounds.max(1), json),
        }
    }
}

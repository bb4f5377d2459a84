//! The workspace's chores: `cargo xtask --help`.

mod bench;
mod cargo;
mod ci;
mod crash;
mod failure;
mod postgres;
mod sim;
mod tidy;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use failure::Failure;

/// The workspace's chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Runs every test of the workspace, including those of the documentation
    Test,
    /// Runs everything that a change must pass: format, lints, documentation, tidy, validate, test
    Ci,
    /// Kills the binary under load again and again, and checks that nothing is lost or doubled
    Crash(crash::Crash),
    /// Plays simulated worlds, each twice, and checks the lifecycle's rules after each step
    Sim(sim::Sim),
    /// Measures what things cost on this machine
    Bench(Box<bench::Bench>),
    /// Checks the boundaries between the rooms of the code, and the table of the rules' tests
    Tidy {
        /// Writes the table of the rules' tests anew
        #[arg(long)]
        accept: bool,
    },
    /// Checks the blocks of the workspace's binaries against each crate's `blocks.lock.json`
    Validate {
        /// Writes the lock files and the schemas in docs anew, and so accepts what has changed
        #[arg(long)]
        accept: bool,
    },
}

fn main() -> ExitCode {
    let result = match Chore::parse() {
        Chore::Test => ci::test(),
        Chore::Ci => ci::everything(),
        Chore::Crash(crash) => crash.run(),
        Chore::Sim(sim) => sim.run(),
        Chore::Bench(bench) => bench.run(),
        Chore::Tidy { accept } => tidy::tidy(accept),
        Chore::Validate { accept } => validate::validate(accept),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

//! The workspace's chores: `cargo xtask --help`.

mod bench;
mod cargo;
mod ci;
mod failure;
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
    /// Measures what things cost on this machine
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Checks the boundaries between the rooms of the code
    Tidy,
    /// Checks the blocks of the workspace's binaries against each crate's `blocks.lock.json`
    Validate {
        /// Writes the lock files and docs/manifest.schema.json anew, and so accepts what has changed
        #[arg(long)]
        accept: bool,
    },
}

fn main() -> ExitCode {
    let result = match Chore::parse() {
        Chore::Test => ci::test(),
        Chore::Ci => ci::everything(),
        Chore::Bench(bench) => bench.run(),
        Chore::Tidy => tidy::tidy(),
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

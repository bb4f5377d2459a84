//! The commands of the binary.

mod blocks;
mod client;
mod connections;
mod doctor;
mod files;
mod limits;
mod new;
mod operations;
mod output;
mod problems;
mod runs;
mod schema;
mod serve;
mod validate;
mod workflows;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use client::Client;

/// How commands find their server.
const FINDING_THE_SERVER: &str = "Commands that talk to a server find it by STEPWELL_URL and STEPWELL_TOKEN, or by the \
     data directory: STEPWELL_DATA, or `data` in the current directory.";

/// How long threads may go on when the command is done.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// A durable workflow engine with the blocks that were linked into this binary.
#[derive(Debug, Parser)]
#[command(name = "stepwell", version, arg_required_else_help = true, after_help = FINDING_THE_SERVER)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the engine and its API
    Serve(serve::Serve),
    /// Make a crate of blocks to start from
    New(new::New),
    /// List the registered blocks, or show what some of them take and come to
    Blocks(blocks::Blocks),
    /// Check the registered blocks, and compare them with what was promised to workflows
    Validate(validate::Validate),
    /// Check workflow files without a server
    Check(files::Check),
    /// Print the JSON schema of workflow files, for editors
    Schema,
    /// Create or update workflows from files
    Apply(files::Apply),
    /// Write a workflow's draft or a version as a file that can be applied
    Export(workflows::Export),
    /// List the workflows
    Workflows(Print),
    /// Publish a workflow's draft as a new version
    Enable(workflows::Id),
    /// Stop a workflow's trigger
    Disable(workflows::Id),
    /// Try again at once to deactivate triggers for which it has failed
    Deactivate(workflows::Id),
    /// Show what the latest run of a workflow began with
    Sample(workflows::Id),
    /// Start a run by hand
    Start(runs::Start),
    /// List runs, newest first
    Runs(runs::List),
    /// Show a run
    Run(runs::Show),
    /// Cancel a run, or all that options select
    Cancel(operations::Chosen),
    /// Go on with a failed run from the steps that failed, or with all that options select
    Retry(operations::Chosen),
    /// Go through a run again that has ended, as a new run, or through all that options select
    Replay(operations::Replay),
    /// List operations on many runs, newest first
    Operations(Print),
    /// Show how far an operation has come, or stop it
    Operation(operations::Shown),
    /// List what waits for a callback
    Waiting(Print),
    /// Show the links by which the people answer whom a run asks
    Links(runs::Links),
    /// List the connections, make one or remove it
    Connections(connections::Connections),
    /// Look at the engine and its database, and say what needs a person
    Doctor(Print),
}

/// How a command prints what it has to say.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Print {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Why a command failed: printed on stderr, exit code 1.
#[derive(Debug)]
struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self(message)
    }
}

/// What a command comes to.
type Done = Result<(), Failure>;

/// Runs the command line of this process: engine, client and checks, with the blocks that were linked in.
///
/// The exit code is 0, 1 (refused or failed, with a message on stderr), or 2 (wrong usage).
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure::from(error)),
    };
    let done = runtime.block_on(run(cli));
    // A handler that blocks its thread does not keep the process.
    runtime.shutdown_timeout(LAST_MOMENT);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    eprintln!("error: {}", failure.0);
    ExitCode::FAILURE
}

async fn run(cli: Cli) -> Done {
    let client = Client::find;
    match cli.command {
        Command::Serve(serve) => serve.run().await,
        Command::New(new) => new.run(),
        Command::Blocks(blocks) => blocks.run(),
        Command::Validate(validate) => validate.run(),
        Command::Check(check) => check.run(),
        Command::Schema => {
            schema::run();
            Ok(())
        }
        Command::Apply(apply) => apply.run(&client()?).await,
        Command::Export(export) => export.run(&client()?).await,
        Command::Workflows(print) => workflows::list(&client()?, print).await,
        Command::Enable(id) => workflows::enable(&client()?, &id).await,
        Command::Disable(id) => workflows::disable(&client()?, &id).await,
        Command::Deactivate(id) => workflows::deactivate(&client()?, &id).await,
        Command::Sample(id) => workflows::sample(&client()?, &id).await,
        Command::Start(start) => start.run(&client()?).await,
        Command::Runs(list) => list.run(&client()?).await,
        Command::Run(show) => show.run(&client()?).await,
        Command::Cancel(chosen) => chosen.cancel(&client()?).await,
        Command::Retry(chosen) => chosen.retry(&client()?).await,
        Command::Replay(replay) => replay.run(&client()?).await,
        Command::Operations(print) => operations::list(&client()?, print).await,
        Command::Operation(id) => operations::one(&client()?, id).await,
        Command::Links(links) => links.run(&client()?).await,
        Command::Waiting(print) => runs::waiting(&client()?, print).await,
        Command::Connections(connections) => connections.run(&client()?).await,
        Command::Doctor(print) => doctor::run(&client()?, print).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn documented_commands_are_read() {
        for line in [
            "serve --listen 127.0.0.1:0 --data d --public-url https://x.example",
            "serve --keep-runs 12h --keep-runs-count 1000",
            "serve --keep-runs forever",
            "serve --max-attempts 64 --max-runs 5000 --max-trigger-requests 100 --max-trigger-requests-per-url 20 \
             --max-callbacks 100 --max-api-requests 50 --max-connections 1000",
            "new my-blocks --published",
            "blocks --json",
            "blocks core/webhook core/log",
            "blocks --schema",
            "validate --app shop --app garden --lock locks --accept",
            "check a.yaml b.yaml --json",
            "check -",
            "schema",
            "apply a.yaml --enable --json",
            "export flow",
            "export flow -o flow.yaml --draft",
            "export flow --version 3 --json",
            "enable flow --json",
            "disable flow --json",
            "deactivate flow --json",
            "sample flow --json",
            "start flow --json",
            "start flow --outcome received --data {}",
            "runs --workflow flow --status waiting --json",
            "run 0190 --watch",
            "cancel 0190 --json",
            "retry 0190 --json",
            "retry --all --workflow flow --created-before 2026-01-31T12:00:00Z --rate 10 --yes",
            "cancel --all --status waiting --dry-run",
            "replay --all --workflow flow --status failed --yes",
            "operations --json",
            "operation 0190 --stop",
            "replay 0190 --from ask --draft --json",
            "waiting --json",
            "links 0190 --json",
            "connections --json",
            "connections set core/smtp --name billing --from smtp.json",
            "connections set core/smtp --json",
            "connections remove core/smtp --name billing",
            "doctor --json",
        ] {
            let words = ["stepwell"].into_iter().chain(line.split_whitespace());
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_limit_is_at_least_one() {
        for wrong in ["0", "-1", "x", "1000001"] {
            let words = ["stepwell", "serve", &format!("--max-runs={wrong}")].map(str::to_owned);
            let error = Cli::try_parse_from(words).unwrap_err().to_string();
            assert!(error.contains("a number from 1 to 1000000"), "{error}");
        }
    }
}

//! `serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::limits::LimitOptions;
use super::{Done, Failure, doctor, output};
use crate::definition::read_duration;
use crate::driver::Retention;
use crate::store::postgres::LONGEST_LEASE;
use crate::{Engine, Options};

/// Run the engine and its API.
#[derive(Debug, clap::Args)]
pub(super) struct Serve {
    /// Where the database, the keys and the token live
    #[arg(long, env = "STEPWELL_DATA", default_value = "data")]
    data: PathBuf,
    /// A database that several engines may share, such as <postgres://stepwell@db.example.com/stepwell>, instead of one
    /// in the data directory
    #[arg(long, env = "STEPWELL_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// How many seconds an engine may be silent before the others of a shared database take its work over; the same
    /// for all of them
    #[arg(long, env = "STEPWELL_LEASE", default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..=LONGEST_LEASE.as_secs()))]
    lease: u64,
    /// Where to listen
    #[arg(long, env = "STEPWELL_LISTEN", default_value = "127.0.0.1:7400")]
    listen: SocketAddr,
    /// Where the outside reaches the engine, such as <https://stepwell.example.com>
    #[arg(long, env = "STEPWELL_PUBLIC_URL")]
    public_url: Option<String>,
    /// How long finished runs are kept, such as `30d`, or `forever`
    #[arg(long, env = "STEPWELL_KEEP_RUNS", default_value = "30d", value_parser = keep_runs)]
    keep_runs: KeepRuns,
    /// How many finished runs of each workflow are kept; all if it is not set
    #[arg(long, env = "STEPWELL_KEEP_RUNS_COUNT", value_name = "N")]
    keep_runs_count: Option<usize>,
    /// Let blocks connect to private addresses
    #[arg(long, env = "STEPWELL_ALLOW_PRIVATE_ADDRESSES")]
    allow_private_addresses: bool,
    #[command(flatten)]
    limits: LimitOptions,
}

/// How long finished runs are kept; `None` for ever.
#[derive(Debug, Clone, Copy)]
struct KeepRuns(Option<Duration>);

fn keep_runs(text: &str) -> Result<KeepRuns, String> {
    if text == "forever" {
        return Ok(KeepRuns(None));
    }
    read_duration(text).map(|age| KeepRuns(Some(age)))
}

impl Serve {
    pub(super) async fn run(self) -> Done {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
        let mut signals = Signals::new()?;
        let token = self.data.join("token");
        let starting = Engine::start(Options {
            data: self.data,
            database: self.database,
            lease: Duration::from_secs(self.lease),
            listen: self.listen,
            public_url: self.public_url,
            allow_private_addresses: self.allow_private_addresses,
            limits: self.limits.limits(),
            retention: Retention { age: self.keep_runs.0, number: self.keep_runs_count },
            ..Options::default()
        });
        let engine = tokio::select! {
            started = starting => started?,
            () = signals.stop() => return Ok(()),
        };
        output::line(&format!("Stepwell listens on {}", engine.url()));
        output::line(&format!("The API token is in {}", token.display()));
        let unfit = serde_json::to_value(engine.driver().unfit_blocks().await?)?;
        doctor::unfit_blocks(unfit.as_array().map_or(&[], Vec::as_slice));
        signals.stop().await;
        output::line("Stopping; running handlers may end. A second signal stops at once");
        tokio::select! {
            () = engine.shutdown() => Ok(()),
            () = signals.stop() => {
                Err(Failure("stopped at once; the next start goes on with what was under way".to_owned()))
            }
        }
    }
}

/// The signals that ask the process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// Returns when one of them comes.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

//! Connections and their settings.

use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::config::Host;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{Mode, Tls, advice};
use crate::store::migration::MigrationError;

/// How many connections read at once.
const READERS: usize = 8;
/// How many connections write: the committer's and the lease's.
const WRITERS: usize = 2;
/// Every statement finds its rows by an index. The database plans a statement once and keeps to it: one that was planned
/// while a table was small would go on reading all of it, until the table's statistics are made anew.
const BY_INDEX: &str = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off";
/// What is committed has no other plan for few rows than for many, so that it is not planned each time.
const PLANNED_ONCE: &str = "-c plan_cache_mode=force_generic_plan";
/// How long to wait for a connection before the operation fails.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many leases a statement of a reader may take before the database ends it.
const LONGEST_STATEMENT: u32 = 2;
/// How many leases a connection may be silent before it is given up: it can be dead without being closed.
const LONGEST_SILENCE: u32 = 3;

/// The connections of a store. Reads never keep a commit or the lease waiting.
pub(super) struct Connections {
    pub(super) readers: Pool,
    pub(super) writers: Pool,
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    mode: Mode,
}

/// Connections, each for one who asks at a time.
#[derive(Clone)]
pub(super) struct Pool {
    connections: deadpool_postgres::Pool,
    /// How long an answer may take: longer than the database itself waits for anything.
    patience: Duration,
}

/// Why there is no answer from the database. It says everything itself, since logs show it without its causes.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    #[error("the connection to the database failed: {0}")]
    Disconnected(String),
    #[error("the database has not answered within {0:?}")]
    Silent(Duration),
    #[error("the database answers: {0}")]
    Refused(String),
    #[error(transparent)]
    Migrations(#[from] MigrationError),
    #[error("this process has lost its lease; it commits nothing until it has a new one")]
    LeaseLost,
    #[error(
        "the database was made with other keys than those in the data directory; copy the file `keys` from an \
         engine that uses this database"
    )]
    OtherKeys,
    #[error("the database acknowledges what a crash may lose; set `{0}` to on for it")]
    NotDurable(String),
    #[error(
        "the database takes no writes; connect to the primary server, and set `default_transaction_read_only` to off \
         for this database and user"
    )]
    ReadOnly,
    #[error("a row of the database cannot be read: {0}")]
    Row(String),
}

impl From<PoolError> for QueryError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Unreachable(with_causes(&error)),
            error => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for QueryError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(database) if !ends_the_connection(database) => Self::Refused(database.to_string()),
            _ => Self::Disconnected(with_causes(&error)),
        }
    }
}

fn ends_the_connection(error: &DbError) -> bool {
    matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

pub(super) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = || std::iter::successors(Some(error), |error| error.source());
    let said = causes().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    match causes().find_map(advice) {
        Some(advice) => format!("{said}; {advice}"),
        None => said,
    }
}

impl Connections {
    /// Prepares the connections to the database at a `postgres://` URL. A transaction whose process has stopped
    /// in the middle of it is ended by the database after `lease`, so that it keeps no rows locked.
    pub(super) fn new(url: &str, lease: Duration) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let (tls, url) = Tls::take(url)?;
        let mut config = Config::from_str(&url)?;
        config.ssl_mode(tls.ssl_mode(config.get_hosts()));
        let mode = tls.mode;
        let tls = tls.connector()?;
        let patience = lease.as_millis();
        let session = format!(
            "{} {BY_INDEX} -c idle_in_transaction_session_timeout={patience} -c lock_timeout={patience}",
            config.get_options().unwrap_or_default()
        );
        config.options(&session).tcp_user_timeout(lease);
        if config.get_application_name().is_none() {
            config.application_name("stepwell");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        let mut reading = config.clone();
        // What is set in the URL comes later, and holds.
        reading
            .options(format!("-c statement_timeout={} {session}", (lease * LONGEST_STATEMENT).as_millis()));
        let pool = |config: &Config, size| {
            let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            let connections =
                deadpool_postgres::Pool::builder(Manager::from_config(config.clone(), tls.clone(), manager))
                    .max_size(size)
                    .runtime(Runtime::Tokio1)
                    .wait_timeout(Some(CONNECT_TIMEOUT))
                    .create_timeout(Some(CONNECT_TIMEOUT))
                    .build()?;
            Ok::<_, deadpool_postgres::BuildError>(Pool { connections, patience: lease * LONGEST_SILENCE })
        };
        let mut writing = config.clone();
        writing.options(format!("{session} {PLANNED_ONCE}"));
        Ok(Self { readers: pool(&reading, READERS)?, writers: pool(&writing, WRITERS)?, config, tls, mode })
    }

    /// Tells who runs the engine when others can read what passes, though nobody has said that they may.
    pub(super) async fn check_encryption(&self, client: &Client) -> Result<(), QueryError> {
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let encrypted = client.query_opt(sql, &[]).await?.map_or(Ok(false), |row| row.try_get(0))?;
        let mode = self.mode;
        tracing::info!(encrypted, ?mode, "the database is open");
        if !encrypted && mode == Mode::Prefer && self.config.get_hosts().iter().any(is_elsewhere) {
            tracing::warn!(
                "the connection to the database is not encrypted; turn TLS on at the server and use \
                 `sslmode=verify-full`, or use `sslmode=disable` where nobody else can listen"
            );
        }
        Ok(())
    }
}

impl Pool {
    /// A connection, given back when it is dropped.
    pub(super) async fn get(&self) -> Result<Object, QueryError> {
        Ok(self.connections.get().await?)
    }

    /// How many connections there may be.
    pub(super) fn most(&self) -> usize {
        self.connections.status().max_size
    }

    /// Asks on a connection. One that fails or stays silent is not used again: its session may be what is at fault, such
    /// as one that was begun while the database took no writes.
    pub(super) async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(&mut Object) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let mut client = self.get().await?;
        let answer = tokio::time::timeout(self.patience, ask(&mut client)).await;
        let answer = answer.unwrap_or(Err(QueryError::Silent(self.patience)));
        if answer.is_err() {
            drop(Object::take(client));
        }
        answer
    }
}

/// Whether a host may be another machine.
fn is_elsewhere(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name != "localhost" && !name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => false,
    }
}

/// Refuses a database that acknowledges a commit before it is durable.
pub(super) async fn check_durability(client: &Client) -> Result<(), QueryError> {
    let sql = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off' LIMIT 1";
    match client.query_opt(sql, &[]).await? {
        Some(setting) => Err(QueryError::NotDurable(setting.try_get(0)?)),
        None => Ok(()),
    }
}

/// Refuses a database that takes no writes.
pub(super) async fn check_writable(client: &Client) -> Result<(), QueryError> {
    let setting = client.query_one("SELECT current_setting('transaction_read_only')", &[]).await?;
    match setting.try_get(0)? {
        "on" => Err(QueryError::ReadOnly),
        _ => Ok(()),
    }
}

//! Connections and their settings.

use std::str::FromStr as _;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::{Client, Config, NoTls};

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

/// The connections of a store. Reads never keep a commit or the lease waiting.
pub(super) struct Connections {
    pub(super) readers: Pool,
    pub(super) writers: Pool,
    pub(super) config: Config,
}

/// Why there is no answer from the database. It says everything itself, since logs show it without its causes.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    #[error("the connection to the database failed: {0}")]
    Disconnected(String),
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

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Connections {
    /// Prepares the connections to the database at a `postgres://` URL. A transaction whose process has stopped
    /// in the middle of it is ended by the database after `lease`, so that it keeps no rows locked.
    pub(super) fn new(url: &str, lease: Duration) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut config = Config::from_str(url)?;
        let patience = lease.as_millis();
        let session = format!(
            "{} {BY_INDEX} -c idle_in_transaction_session_timeout={patience} -c lock_timeout={patience}",
            config.get_options().unwrap_or_default()
        );
        config.options(session.clone()).tcp_user_timeout(lease);
        if config.get_application_name().is_none() {
            config.application_name("stepwell");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        let pool = |config: Config, size| {
            let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            Pool::builder(Manager::from_config(config, NoTls, manager))
                .max_size(size)
                .runtime(Runtime::Tokio1)
                .wait_timeout(Some(CONNECT_TIMEOUT))
                .create_timeout(Some(CONNECT_TIMEOUT))
                .build()
        };
        let mut writing = config.clone();
        writing.options(format!("{session} {PLANNED_ONCE}"));
        Ok(Self { readers: pool(config.clone(), READERS)?, writers: pool(writing, WRITERS)?, config })
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

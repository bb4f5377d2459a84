//! The whole engine in one value: database, driver, HTTP server.

use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::connections::{ConnectionProvider, ProgramConnections};
use crate::driver::{Clock as _, Driver, Limits, Parts, Retention, StartError, SystemClock};
use crate::outgoing::{Guard, GuardedClient};
use crate::secrets::{Keys, KeysError, Urls, hash_token, local_token};
use crate::store::postgres::{self, PostgresStore};
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

/// How an engine is set up.
#[derive(Clone)]
pub struct Options {
    /// Where the database, the keys and the local token live; `./data` by default.
    pub data: PathBuf,
    /// A `PostgreSQL` database, `postgres://…`, that several engines may share; by default `SQLite` in the data directory.
    /// The engines of one database need the same key file.
    pub database: Option<String>,
    /// How long an engine may be silent before the others of a shared database take its work over; 10 s by default.
    pub lease: Duration,
    /// Where to listen; `127.0.0.1:7400` by default. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the outside reaches the engine, if not at the address that it listens on.
    pub public_url: Option<String>,
    /// Whether blocks may connect to private addresses.
    pub allow_private_addresses: bool,
    /// How much may be under way, and for how long.
    pub limits: Limits,
    /// What is kept of what has ended.
    pub retention: Retention,
    /// Where the credentials of connections come from; there are none by default.
    pub connections: Arc<dyn ConnectionProvider>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            database: None,
            lease: postgres::LEASE,
            listen: SocketAddr::from(([127, 0, 0, 1], 7400)),
            public_url: None,
            allow_private_addresses: false,
            limits: Limits::default(),
            retention: Retention::default(),
            connections: Arc::new(ProgramConnections::new()),
        }
    }
}

/// Why an engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The data directory cannot be made.
    #[error("the data directory {path} cannot be made; choose another with --data")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on; stop what uses it, or choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The public URL is not one.
    #[error("`{0}` is not a public URL; give one like https://stepwell.example.com")]
    PublicUrl(String),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The database failed.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// TLS cannot be set up for outgoing requests.
    #[error("outgoing requests cannot be set up")]
    Outgoing(#[from] reqwest::Error),
    /// The driver cannot start.
    #[error(transparent)]
    Driver(#[from] StartError),
}

/// A running engine. [`shutdown`](Self::shutdown) ends it gracefully; dropping it does not.
pub struct Engine {
    url: String,
    token: String,
    driver: Driver,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

impl Engine {
    /// Starts an engine with the blocks that were linked into this binary.
    ///
    /// # Errors
    ///
    /// When the data directory, the address or the blocks cannot be used.
    pub async fn start(options: Options) -> Result<Self, EngineError> {
        let Options {
            data,
            database,
            lease,
            listen,
            public_url,
            allow_private_addresses,
            limits,
            retention,
            connections,
        } = options;
        if let Some(public) = &public_url {
            check_public_url(public)?;
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&data);
        made.map_err(|source| EngineError::Directory { path: data.clone(), source })?;
        let keys = Arc::new(Keys::open(&data)?);
        let token = local_token(&data)?;
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|source| EngineError::Listen { address: listen, source })?;
        let address =
            listener.local_addr().map_err(|source| EngineError::Listen { address: listen, source })?;
        let url = format!("http://{address}");
        let urls = Urls::new(public_url.unwrap_or_else(|| url.clone()), Arc::clone(&keys));
        let store = open_store(&data, database.as_deref(), lease, &keys).await?;
        store.put_token(hash_token(&token), "local admin", SystemClock.now()).await?;
        let guard = Guard::new(allow_private_addresses);
        let parts = Parts {
            store,
            keys,
            urls,
            http: Arc::new(GuardedClient::new(guard)?),
            network: Arc::new(guard),
            connections,
            clock: Arc::new(SystemClock),
            limits,
            retention,
            blocks: stepwell::block::registered(),
        };
        let driver = Driver::launch(parts).await?;
        note_url(&data, &url);
        let stop = CancellationToken::new();
        let server = tokio::spawn(crate::http::serve(listener, driver.clone(), stop.clone()));
        Ok(Self { url, token, driver, stop, server })
    }

    /// Where the engine listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The local admin token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The driver.
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// Stops taking work, lets handlers and requests end within the grace period, and leaves the rest to the
    /// next start.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.driver.shutdown().await;
        // The server has its own limit; a panic in it has been logged.
        let _ = self.server.await;
        if let Err(error) = self.driver.store().leave().await {
            tracing::warn!(error = %error, source = %error.source, "other engines take over only when the lease has expired");
        }
    }
}

async fn open_store(
    data: &Path,
    database: Option<&str>,
    lease: Duration,
    keys: &Keys,
) -> Result<Arc<dyn Store>, StoreError> {
    let Some(database) = database else { return Ok(Arc::new(SqliteStore::open(data)?)) };
    let store = PostgresStore::open(database, lease).await?;
    store.check_keys(keys.fingerprint(), &keys.fingerprints()).await?;
    Ok(Arc::new(store))
}

fn check_public_url(public: &str) -> Result<(), EngineError> {
    match url::Url::parse(public) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() => {
            Ok(())
        }
        _ => Err(EngineError::PublicUrl(public.to_owned())),
    }
}

/// Leaves the address for the client commands that use this data directory.
fn note_url(data: &Path, url: &str) {
    if let Err(error) = std::fs::write(data.join("url"), url) {
        tracing::warn!(error = %error, "the address could not be noted in the data directory; client commands need STEPWELL_URL");
    }
}

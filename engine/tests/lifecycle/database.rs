//! Where the engines of a test keep their data: in `SQLite` in the test binary `lifecycle`, in `PostgreSQL` in
//! `lifecycle_postgres`, which is the same folder under another name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stepwell::block::BoxFuture;
use stepwell_engine::store::postgres::PostgresStore;
use stepwell_engine::store::{Store, StoreError};
use stepwell_engine::testing::{Database, Setup, TestEngine};
use tempfile::TempDir;

use crate::support::postgres::Server;

/// Long, since a test says itself when a process has died.
const LEASE: Duration = Duration::from_mins(1);

/// Databases that no test uses any more.
static UNUSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A `PostgreSQL` database of a test's own.
pub(crate) struct Shared {
    pub(crate) url: String,
    pub(crate) server: Arc<Server>,
    opened: AtomicBool,
}

impl Shared {
    pub(crate) async fn new() -> Self {
        let server = Server::shared();
        let unused = std::mem::take(&mut *UNUSED.lock().unwrap());
        for url in unused {
            server.remove(&url).await;
        }
        Self { url: server.database().await, server, opened: AtomicBool::new(false) }
    }

    /// A connection beside those of the engines.
    pub(crate) async fn connect(&self) -> tokio_postgres::Client {
        self.server.connect(self.url.rsplit('/').next().unwrap()).await
    }

    /// Opens it. The processes that had it open have died.
    pub(crate) async fn open(&self, lease: Duration) -> Result<PostgresStore, StoreError> {
        if self.opened.swap(true, Ordering::SeqCst) {
            self.server.bury_processes(&self.url).await;
        }
        PostgresStore::open(&self.url, lease).await
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        UNUSED.lock().unwrap().push(std::mem::take(&mut self.url));
    }
}

#[async_trait::async_trait]
impl Database for Shared {
    async fn open(&self) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(Self::open(self, LEASE).await?))
    }
}

/// Whether this binary tests on `PostgreSQL`.
pub(crate) fn is_shared() -> bool {
    env!("CARGO_CRATE_NAME") != "lifecycle"
}

/// What outlives an engine.
pub(crate) struct Data {
    pub(crate) directory: TempDir,
    /// Without it, the database is in the directory.
    pub(crate) shared: Option<Arc<Shared>>,
}

impl Data {
    pub(crate) async fn new() -> Self {
        let shared = if is_shared() { Some(Arc::new(Shared::new().await)) } else { None };
        Self { directory: tempfile::tempdir().unwrap(), shared }
    }

    /// The same, with a copy of the files as they are now.
    pub(crate) fn copy(&self) -> Self {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.directory.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        Self { directory: copy, shared: self.shared.clone() }
    }
}

/// The surroundings of an engine of the kit.
pub(crate) fn setup() -> Setup {
    let make = || -> BoxFuture<Arc<dyn Database>> {
        Box::pin(async { Arc::new(Shared::new().await) as Arc<dyn Database> })
    };
    if is_shared() { Setup::new().database(make) } else { Setup::new() }
}

/// An engine of the kit.
pub(crate) async fn engine() -> TestEngine {
    setup().start().await
}

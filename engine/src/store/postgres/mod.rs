//! `PostgreSQL`, for several processes at once: one committer per process, whose changes share transactions, and one
//! lease per process, on the database's clock, without which nothing is committed.

mod committer;
mod connection;
mod keys;
mod lease;
mod listener;
mod locks;
mod migrations;
mod plan;
mod read;
mod rows;
mod single;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use deadpool_postgres::Client;
use jiff::Timestamp;
use tokio::sync::{Mutex, broadcast};
use tokio_util::task::AbortOnDropHandle;

use super::change::{Answer, Change};
use super::{
    ActivationRow, Callback, CommitError, Draft, InboxEntry, News, Record, RunChange, RunFilter, RunRow,
    StartRun, Started, Store, StoreError, VersionRow, WorkflowChange, WorkflowRow,
};
use crate::model::{ActivationId, RecordId, RunId, VersionId, WorkflowId};
use committer::Queue;
use connection::{Connections, QueryError};
use lease::Lease;
use listener::Notice;

/// How long a process counts as alive after it was last heard of, by default.
pub const LEASE: Duration = Duration::from_secs(10);
/// How many of an id's bits count the records of a process: at 10,000 records a second they last for three years, and
/// leave room for eight million processes.
const RECORD_BITS: u32 = 40;
/// How much news a slow driver may lag behind before it is told to look for itself.
const BACKLOG: usize = 1024;

/// A store in a database that several processes share.
pub struct PostgresStore {
    queue: Queue,
    connections: Connections,
    lease: Arc<Lease>,
    next_record: AtomicI64,
    news: Mutex<broadcast::Receiver<News>>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl PostgresStore {
    /// Opens the database at a `postgres://` URL, sets it up if it is empty, and counts this process in. Without TLS.
    ///
    /// # Errors
    ///
    /// When the URL is not one, the database cannot be reached, or it was made by a newer engine.
    pub async fn open(url: &str, lease: Duration) -> Result<Self, StoreError> {
        let connections = Connections::new(url, lease).map_err(opening)?;
        let lease = Self::enter(&connections, lease).await.map_err(opening)?;
        let (sender, news) = broadcast::channel(BACKLOG);
        let keeper = Arc::clone(&lease).keep(connections.writers.clone(), sender.clone());
        let listener = listener::listen(connections.config.clone(), Arc::clone(&lease), sender);
        let tasks = [tokio::spawn(keeper), tokio::spawn(listener)].map(AbortOnDropHandle::new);
        Ok(Self {
            queue: Queue::start(connections.writers.clone(), Arc::clone(&lease)),
            next_record: AtomicI64::new(lease.epoch() << RECORD_BITS),
            connections,
            lease,
            news: Mutex::new(news),
            _tasks: tasks,
        })
    }

    async fn enter(connections: &Connections, lease: Duration) -> Result<Arc<Lease>, QueryError> {
        migrations::migrate(&mut *connections.writers.get().await?).await?;
        Ok(Arc::new(Lease::take(&connections.writers, lease).await?))
    }

    /// Checks that this process has the keys that the database's private values were made with. The first process
    /// leaves its own.
    ///
    /// # Errors
    ///
    /// When another key was used before, or the database fails.
    pub async fn check_keys(&self, current: [u8; 32], known: &[[u8; 32]]) -> Result<(), StoreError> {
        let operation = "checking the keys";
        let mut client = self.connections.writers.get().await.map_err(failed(operation))?;
        keys::check(&mut client, current, known).await.map_err(failed(operation))
    }

    /// Ends the lease of this process at once, as if it had been cut off: it commits nothing any more, and other
    /// processes take over what it worked on.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn give_up_lease(&self) -> Result<(), StoreError> {
        self.lease.give_up(&self.connections.writers).await.map_err(failed("giving the lease up"))
    }

    async fn read<T>(
        &self,
        operation: &'static str,
        read: impl AsyncFnOnce(&Client) -> Result<T, QueryError>,
    ) -> Result<T, StoreError> {
        let client = self.connections.readers.get().await.map_err(failed(operation))?;
        read(&client).await.map_err(failed(operation))
    }

    async fn guarded(&self, change: Change) -> Result<(), CommitError> {
        match self.queue.store(change).await? {
            Answer::Refused => Err(CommitError::Conflict),
            _ => Ok(()),
        }
    }

    async fn write(&self, change: Change) -> Result<(), StoreError> {
        self.queue.store(change).await.map(|_| ())
    }
}

#[async_trait]
impl Store for PostgresStore {
    fn next_record(&self) -> RecordId {
        RecordId(self.next_record.fetch_add(1, Ordering::Relaxed))
    }

    async fn put_draft(&self, draft: Draft) -> Result<WorkflowRow, StoreError> {
        let id = draft.id.clone();
        self.write(Change::Draft(draft)).await?;
        self.workflow(&id).await?.ok_or_else(|| StoreError {
            operation: "storing the draft",
            source: "the workflow was removed meanwhile".into(),
        })
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        self.read("reading the workflow", async |client| read::workflow(client, id).await).await
    }

    async fn workflows(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        self.read("listing the workflows", async |client| read::workflows(client).await).await
    }

    async fn commit_workflow(&self, change: WorkflowChange) -> Result<(), CommitError> {
        self.guarded(Change::Workflow(change)).await
    }

    async fn version(&self, id: VersionId) -> Result<Option<VersionRow>, StoreError> {
        self.read("reading the version", async |client| read::version(client, id).await).await
    }

    async fn versions(
        &self,
        workflow: &WorkflowId,
    ) -> Result<Vec<(VersionRow, Option<ActivationRow>)>, StoreError> {
        self.read("listing the versions", async |client| read::versions(client, workflow).await).await
    }

    async fn activation(&self, id: ActivationId) -> Result<Option<ActivationRow>, StoreError> {
        self.read("reading the activation", async |client| read::activation(client, id).await).await
    }

    async fn start_run(&self, start: StartRun) -> Result<Started, StoreError> {
        match self.queue.store(Change::Start(Box::new(start))).await? {
            Answer::Started(started) => Ok(started),
            _ => Err(StoreError { operation: "storing the new run", source: "no answer".into() }),
        }
    }

    async fn commit_run(&self, change: RunChange) -> Result<(), CommitError> {
        self.guarded(Change::Run(Box::new(change))).await
    }

    async fn append_callback(&self, callback: Callback) -> Result<(), CommitError> {
        self.guarded(Change::Callback(callback)).await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        self.read("reading the run", async |client| read::run(client, id).await).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.read("listing the runs", async |client| read::runs(client, filter).await).await
    }

    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError> {
        self.read("reading the journal", async |client| read::journal(client, run).await).await
    }

    async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>, StoreError> {
        self.read("reading journal records", async |client| read::records(client, ids).await).await
    }

    async fn inbox(&self, run: RunId) -> Result<Vec<InboxEntry>, StoreError> {
        self.read("reading the inbox", async |client| read::inbox(client, run).await).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.read("looking for due runs", async |client| read::due(client, now, limit).await).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read("looking for the next due run", async |client| read::next_due(client).await).await
    }

    async fn adopt_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        // Nearly always there are none, and then nothing is written.
        let orphaned = async |client: &Client| read::orphaned(client).await;
        if !self.read("looking for orphaned runs", orphaned).await? {
            return Ok(Vec::new());
        }
        match self.queue.store(Change::Adopt { limit }).await? {
            Answer::Adopted(runs) => Ok(runs),
            _ => Err(StoreError { operation: "taking runs over", source: "no answer".into() }),
        }
    }

    async fn adopt_workflows(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        let operation = "taking workflows over";
        let epoch = self.lease.epoch();
        let adopted = self.read(operation, async |client| single::adopt_workflows(client, epoch).await).await;
        if adopted.is_err() {
            // They may have been taken over all the same: this process starts anew, so that none is forgotten.
            self.lease.note_lost(epoch);
        }
        adopted
    }

    async fn once(&self, run: RunId, execution: u32, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = async |client: &Client| read::once(client, run, execution, name).await;
        self.read("reading a value of `once`", read).await
    }

    async fn record_once(
        &self,
        run: RunId,
        execution: u32,
        name: &str,
        value: Vec<u8>,
    ) -> Result<(), CommitError> {
        self.guarded(Change::Once { run, execution, name: name.to_owned(), value }).await
    }

    async fn put_token(&self, hash: [u8; 32], name: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(Change::Token { hash, name: name.to_owned(), now }).await
    }

    async fn has_token(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        self.read("looking for the token", async |client| read::has_token(client, hash).await).await
    }

    async fn news(&self) -> News {
        let mut news = self.news.lock().await;
        tokio::select! {
            biased;
            () = self.lease.lost() => News::LeaseLost,
            told = news.recv() => match told {
                Ok(told) => told,
                Err(broadcast::error::RecvError::Lagged(_)) => News::Missed,
                // Its senders end with this store.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            },
        }
    }

    async fn pass_on_cancel(&self, run: RunId) -> Result<bool, StoreError> {
        let notice = Notice { epoch: self.lease.epoch(), news: News::Cancel(run) };
        self.read("passing a cancellation on", async |client| single::tell(client, notice).await).await?;
        Ok(true)
    }

    async fn take_part_again(&self) -> Result<(), StoreError> {
        self.lease.take_again(&self.connections.writers).await.map_err(failed("taking part again"))
    }
}

fn opening(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError { operation: "opening the database", source: error.into() }
}

fn failed<E: Into<QueryError>>(operation: &'static str) -> impl Fn(E) -> StoreError {
    move |error| StoreError { operation, source: error.into().into() }
}

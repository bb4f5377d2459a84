//! `PostgreSQL`, for several processes at once: one committer per process, whose changes share transactions, and one
//! lease per process, on the database's clock, without which nothing is committed.

mod committer;
mod connection;
mod filter;
mod keys;
mod lease;
mod listener;
mod locks;
mod migrations;
mod places;
mod plan;
mod read;
mod rows;
mod single;
mod text;
mod tls;
mod upkeep;
mod vault;
mod write;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{Mutex, broadcast};
use tokio_util::task::AbortOnDropHandle;

use super::change::{Answer, Change};
use super::{
    ActivationRow, Addressee, AdoptedWorkflow, Callback, CommitError, Draft, InboxEntry, News, OnceValue,
    Record, RunChange, RunFilter, RunRow, StartRun, Started, Store, StoreError, VersionRow, Wanted,
    WorkflowChange, WorkflowRow,
};
use crate::model::{ActivationId, Epoch, ExecutionId, RecordId, RunId, VersionId, WorkflowId};
use committer::Queue;
use connection::{Connections, Pool, QueryError};
use lease::Lease;
use listener::Notice;

/// How long a process counts as alive after it was last heard of, by default.
pub const LEASE: Duration = Duration::from_secs(10);
/// The longest lease: one that holds for longer was given before the database's clock was set back.
pub const LONGEST_LEASE: Duration = Duration::from_mins(10);
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
    /// The versions whose runs are left to other processes.
    left: std::sync::Mutex<HashSet<VersionId>>,
    next_record: AtomicI64,
    news: Mutex<broadcast::Receiver<News>>,
    _tasks: [AbortOnDropHandle<()>; 2],
}

impl PostgresStore {
    /// Opens the database at a `postgres://` URL, sets it up if it is empty, and counts this process in. TLS is as
    /// the URL's `sslmode` and `sslrootcert` say.
    ///
    /// # Errors
    ///
    /// When the URL is not one, the lease is longer than [`LONGEST_LEASE`], or the database cannot be reached, was made
    /// by a newer engine, or acknowledges commits that are not durable.
    pub async fn open(url: &str, lease: Duration) -> Result<Self, StoreError> {
        if lease > LONGEST_LEASE {
            let longest = LONGEST_LEASE.as_secs();
            return Err(opening(format!("a lease holds for {longest} s at most; ask for a shorter one")));
        }
        let connections = Connections::new(url, lease).map_err(opening)?;
        let lease = Self::enter(&connections, lease).await.map_err(opening)?;
        let (sender, news) = broadcast::channel(BACKLOG);
        let keeper = Arc::clone(&lease).keep(connections.writers.clone(), sender.clone());
        let listener = listener::listen(
            (connections.config.clone(), connections.tls.clone()),
            Arc::clone(&lease),
            sender,
        );
        let tasks = [tokio::spawn(keeper), tokio::spawn(listener)].map(AbortOnDropHandle::new);
        Ok(Self {
            queue: Queue::start(connections.writers.clone(), Arc::clone(&lease)),
            next_record: AtomicI64::new(lease.epoch() << RECORD_BITS),
            connections,
            lease,
            left: std::sync::Mutex::default(),
            news: Mutex::new(news),
            _tasks: tasks,
        })
    }

    async fn enter(connections: &Connections, lease: Duration) -> Result<Arc<Lease>, QueryError> {
        let mut client = connections.writers.get().await?;
        connections.check_encryption(&client).await?;
        connection::check_durability(&client).await?;
        connection::check_writable(&client).await?;
        migrations::migrate(&mut client).await?;
        drop(client);
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

    fn readers(&self) -> &Pool {
        &self.connections.readers
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
    fn epoch(&self) -> Epoch {
        Epoch(self.lease.epoch())
    }

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
        read::workflow(self.readers(), id).await.map_err(failed("reading the workflow"))
    }

    async fn workflows(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        read::workflows(self.readers()).await.map_err(failed("listing the workflows"))
    }

    async fn commit_workflow(&self, change: WorkflowChange) -> Result<(), CommitError> {
        self.guarded(Change::Workflow(change)).await
    }

    async fn version(&self, id: VersionId) -> Result<Option<VersionRow>, StoreError> {
        read::version(self.readers(), id).await.map_err(failed("reading the version"))
    }

    async fn versions(
        &self,
        workflow: &WorkflowId,
    ) -> Result<Vec<(VersionRow, Option<ActivationRow>)>, StoreError> {
        read::versions(self.readers(), workflow).await.map_err(failed("listing the versions"))
    }

    async fn activation(&self, id: ActivationId) -> Result<Option<ActivationRow>, StoreError> {
        read::activation(self.readers(), id).await.map_err(failed("reading the activation"))
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

    async fn addressee(&self, run: RunId, wanted: Wanted) -> Result<Option<Addressee>, StoreError> {
        read::addressee(self.readers(), run, &wanted).await.map_err(failed("reading the run"))
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        read::run(self.readers(), id).await.map_err(failed("reading the run"))
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        read::runs(self.readers(), &filter).await.map_err(failed("listing the runs"))
    }

    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError> {
        read::journal(self.readers(), run).await.map_err(failed("reading the journal"))
    }

    async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>, StoreError> {
        read::records(self.readers(), ids).await.map_err(failed("reading journal records"))
    }

    async fn inbox(&self, run: RunId) -> Result<Vec<InboxEntry>, StoreError> {
        read::inbox(self.readers(), run).await.map_err(failed("reading the inbox"))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>, StoreError> {
        read::due(self.readers(), now, limit, &self.left_ids()).await.map_err(failed("looking for due runs"))
    }

    async fn has_place(&self, run: RunId) -> Result<bool, StoreError> {
        read::has_place(self.readers(), run).await.map_err(failed("looking for the run's place"))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        read::next_due(self.readers(), &self.left_ids()).await.map_err(failed("looking for the next due run"))
    }

    async fn adopt_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        // Nearly always there are none, and then nothing is written.
        let orphaned = read::orphaned(self.readers(), &self.left_ids()).await;
        if !orphaned.map_err(failed("looking for orphaned runs"))? {
            return Ok(Vec::new());
        }
        match self.queue.store(Change::Adopt { limit, left: self.left() }).await? {
            Answer::Adopted(runs) => Ok(runs),
            _ => Err(StoreError { operation: "taking runs over", source: "no answer".into() }),
        }
    }

    async fn adopt_workflows(&self) -> Result<Vec<AdoptedWorkflow>, StoreError> {
        let operation = "taking workflows over";
        if !read::orphaned_workflows(self.readers()).await.map_err(failed(operation))? {
            return Ok(Vec::new());
        }
        let epoch = self.lease.epoch();
        let adopted = single::adopt_workflows(self.readers(), epoch).await;
        if let Err(QueryError::Disconnected(_)) = adopted {
            // They may have been taken over all the same: this process starts anew, so that none is forgotten.
            self.lease.note_lost(epoch);
        }
        adopted.map_err(failed(operation))
    }

    async fn once(&self, execution: ExecutionId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let value = read::once(self.readers(), execution, name).await;
        value.map_err(failed("reading a value of `once`"))
    }

    async fn record_once(&self, value: OnceValue) -> Result<(), CommitError> {
        self.guarded(Change::Once(value)).await
    }

    async fn put_token(&self, hash: [u8; 32], name: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(Change::Token { hash, name: name.to_owned(), now }).await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        self.lease.check().map_err(failed("renewing the lease"))
    }

    async fn has_token(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        read::has_token(self.readers(), hash).await.map_err(failed("looking for the token"))
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
        let told = self.readers().ask(async |client| single::tell(client, notice).await).await;
        told.map_err(failed("passing a cancellation on"))?;
        Ok(true)
    }

    async fn leave(&self) -> Result<(), StoreError> {
        self.lease.give_up(&self.connections.writers).await.map_err(failed("giving the lease up"))
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

//! What a store does beside the work on runs: it removes what is no longer kept, counts and remembers operations on
//! many runs, and knows what the versions of workflows rely on.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{CommitError, RunFilter, RunRow, StoreError};
use crate::model::{OperationId, RunId, RunStatus, VersionId, WorkflowId};

/// The upkeep of a store.
///
/// Each call that removes something is one transaction of a bounded size. It may be made by several processes at once,
/// and a process that dies between two calls leaves nothing that a later call does not find.
#[async_trait]
pub trait Upkeep: Send + Sync + 'static {
    /// The last of the finished runs of a workflow that are not among the newest so many, ordered by their end.
    async fn finished_beyond(
        &self,
        workflow: &WorkflowId,
        newest: usize,
    ) -> Result<Option<Finished>, StoreError>;
    /// Removes at most `limit` finished runs of a version, oldest first, up to and including `until`. They are gone at
    /// once; their records are left to [`remove_records`](Self::remove_records). Says how many it has removed.
    async fn remove_runs(
        &self,
        version: VersionId,
        until: Finished,
        limit: usize,
    ) -> Result<usize, StoreError>;
    /// Removes at most `limit` records of runs that have been removed, and what `once` and inboxes hold of them.
    /// Whether any were left before.
    async fn remove_records(&self, limit: usize) -> Result<bool, StoreError>;
    /// Removes at most `limit` deduplication keys that are older than `before`. Says how many it has removed.
    async fn remove_keys(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
    /// Removes at most `limit` operations that ended before this. Says how many it has removed.
    async fn remove_operations(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
    /// Removes a version with its activation, unless a run is on it or its URL accepts requests.
    async fn remove_version(&self, id: VersionId) -> Result<bool, StoreError>;
    /// Gives a bounded part of the free space back to the file system. Whether there is more. Does nothing where the
    /// database does it by itself, or cannot.
    async fn give_back_space(&self) -> Result<bool, StoreError>;
    /// How large the database is.
    async fn size(&self) -> Result<Size, StoreError>;

    /// How many runs a filter selects, at most its limit.
    async fn count_runs(&self, filter: RunFilter) -> Result<usize, StoreError>;
    /// The run with this status that started first.
    async fn oldest(&self, status: RunStatus) -> Result<Option<RunRow>, StoreError>;

    /// Creates an operation that no process works on.
    async fn put_operation(&self, row: OperationRow) -> Result<(), StoreError>;
    /// Moves an operation to its next state, if it still is at the row's sequence and has not ended. Its process stays
    /// the same.
    async fn commit_operation(&self, row: OperationRow) -> Result<(), CommitError>;
    /// One operation.
    async fn operation(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError>;
    /// Operations, newest first.
    async fn operations(&self, limit: usize) -> Result<Vec<OperationRow>, StoreError>;
    /// Takes over the operations that no living process works on. Their sequence moves on, so that whoever worked on
    /// them before commits nothing.
    async fn adopt_operations(&self) -> Result<Vec<OperationRow>, StoreError>;

    /// Notes what a version relies on, from the moment at which this process first works with it.
    async fn rely(&self, version: VersionId, promises: Vec<Promise>) -> Result<(), StoreError>;
    /// What a version relies on.
    async fn promises_to(&self, version: VersionId) -> Result<Vec<Promise>, StoreError>;
    /// Everything that any version relies on.
    async fn promises(&self) -> Result<Vec<Promise>, StoreError>;
    /// The versions that rely on a promise, each with the number of its runs that have not ended, at most `limit`.
    async fn relying(&self, fingerprint: [u8; 32], limit: usize) -> Result<Vec<Relying>, StoreError>;
    /// Leaves the runs of a version to other processes: from now on they are neither due here nor taken over, and
    /// those that this process has taken over are left to the next.
    async fn leave_version(&self, id: VersionId) -> Result<(), StoreError>;

    /// Sets a run aside that is at this sequence and that no other process works on, since an engine that reads so much
    /// ([`READS`](crate::model::READS)) cannot read it: from now on it is neither due nor taken over, but by an engine
    /// that reads more. Whether it was set aside now.
    async fn set_aside(&self, run: RunId, sequence: i64, reads: u32) -> Result<bool, StoreError>;
    /// Lets all runs be taken over again that engines have set aside that read no more than this one.
    async fn take_back(&self) -> Result<(), StoreError>;
}

/// The end of a run: when, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finished {
    /// When it ended.
    pub at: Timestamp,
    /// The run.
    pub run: RunId,
}

impl Finished {
    /// After every run that ended by this time.
    pub const fn by(at: Timestamp) -> Self {
        Self { at, run: RunId(Uuid::max()) }
    }
}

/// How large a database is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// All of it.
    pub total: u64,
    /// What of it is free for new rows; `None` where only the database knows.
    pub free: Option<u64>,
    /// Whether free space is given back to the file system.
    pub gives_back: bool,
}

/// An operation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// Its id.
    pub id: OperationId,
    /// What it is to do and how far it has come, JSON.
    pub state: Vec<u8>,
    /// Counts the changes of the state.
    pub sequence: i64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What a block promised to the versions that use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// The SHA-256 hash of the rest.
    pub fingerprint: [u8; 32],
    /// The block's id.
    pub block: String,
    /// The block's manifest, JSON.
    pub manifest: String,
}

/// A version that relies on a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relying {
    /// The version.
    pub version: VersionId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// How many of its runs have not ended, at most as many as were asked for.
    pub runs: usize,
}

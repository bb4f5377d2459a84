//! Durable storage: one trait, one folder per database, one conformance suite.
//!
//! A store never interprets what it keeps: drafts, definitions, states and journal records are bytes to it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::model::{
    ActivationId, ActivationStatus, Epoch, ExecutionId, RecordId, RunId, RunStatus, VersionId, WorkflowId,
};

mod change;
mod columns;
#[doc(hidden)]
pub mod conformance;
mod migration;
pub mod postgres;
pub mod sqlite;
mod upkeep;
mod vault;

pub use upkeep::{Finished, OperationRow, Promise, Relying, Size, Upkeep};
pub use vault::{ConnectionRow, Vault};

/// What a store keeps and promises.
///
/// Every change is one transaction: all of it is durable when the call returns `Ok`, none of it if it returns
/// an error, and nothing in between after a crash at any point. Concurrent changes may share a commit; a change
/// whose guard fails is refused alone.
#[async_trait]
pub trait Store: Upkeep + Vault {
    /// The number that this process has under its lease.
    fn epoch(&self) -> Epoch;
    /// A record id, greater than every one given out before by this process.
    fn next_record(&self) -> RecordId;

    /// Creates a workflow (with an empty state at sequence 0), or replaces its title and draft.
    async fn put_draft(&self, draft: Draft) -> Result<WorkflowRow, StoreError>;
    /// One workflow.
    async fn workflow(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError>;
    /// All workflows, by id.
    async fn workflows(&self) -> Result<Vec<WorkflowRow>, StoreError>;
    /// Moves a workflow from one state to the next, with the versions and activations that this touches.
    async fn commit_workflow(&self, change: WorkflowChange) -> Result<(), CommitError>;
    /// One version.
    async fn version(&self, id: VersionId) -> Result<Option<VersionRow>, StoreError>;
    /// The versions of a workflow with their activations, newest first.
    async fn versions(
        &self,
        workflow: &WorkflowId,
    ) -> Result<Vec<(VersionRow, Option<ActivationRow>)>, StoreError>;
    /// One activation.
    async fn activation(&self, id: ActivationId) -> Result<Option<ActivationRow>, StoreError>;

    /// Creates a run with its first record, if its activation still accepts events and no event with the same
    /// deduplication key has started one.
    async fn start_run(&self, start: StartRun) -> Result<Started, StoreError>;
    /// Moves a run from one state to the next, unless another process works on it. Creates the runs that it calls, and
    /// tells others, in the same transaction; who works on those that are told hears of it.
    async fn commit_run(&self, change: RunChange) -> Result<(), CommitError>;
    /// Appends a callback to a run's inbox and journal, if the run still is at `sequence`. Leaves the run's
    /// state and sequence as they are.
    async fn append_callback(&self, callback: Callback) -> Result<(), CommitError>;
    /// The run that a callback has come for, read together with those of its records that `wanted` names.
    async fn addressee(&self, run: RunId, wanted: Wanted) -> Result<Option<Addressee>, StoreError>;
    /// One run.
    async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreError>;
    /// Runs, newest first.
    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>, StoreError>;
    /// The run's journal, oldest record first.
    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError>;
    /// These records, in any order; one that does not exist is left out.
    async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>, StoreError>;
    /// The callbacks that wait in the run's inbox, in order of arrival.
    async fn inbox(&self, run: RunId) -> Result<Vec<InboxEntry>, StoreError>;
    /// Runs that no process works on and that are due: their time has come, a callback waits for them that is not
    /// postponed, or they have a place that they have not taken up.
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>, StoreError>;
    /// Whether a run has a place in its lane.
    async fn has_place(&self, run: RunId) -> Result<bool, StoreError>;
    /// When the next run that no process works on falls due.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;
    /// Takes over at most `limit` runs that a process worked on which has died since: from now on this process
    /// works on them. No two processes take over the same run.
    async fn adopt_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError>;
    /// Takes over the workflows for which a process may have been making calls that has died since.
    async fn adopt_workflows(&self) -> Result<Vec<AdoptedWorkflow>, StoreError>;

    /// What `once` recorded, sealed.
    async fn once(&self, execution: ExecutionId, name: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Records a value of `once` if the run still is owned by this process. A name that is recorded
    /// already keeps its value.
    async fn record_once(&self, value: OnceValue) -> Result<(), CommitError>;

    /// Keeps an API token by its SHA-256 hash.
    async fn put_token(&self, hash: [u8; 32], name: &str, now: Timestamp) -> Result<(), StoreError>;
    /// Whether a token with this hash exists.
    async fn has_token(&self, hash: [u8; 32]) -> Result<bool, StoreError>;

    /// Fails while changes cannot be stored, as far as this process has found out: it finds out by itself, and this
    /// asks nobody.
    async fn check_writable(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Returns when there is news from other processes. A database for one process has none.
    async fn news(&self) -> News {
        std::future::pending().await
    }
    /// Asks the process that works on this run to cancel it; whether it does is seen from the run. `false` if there
    /// are no other processes.
    async fn pass_on_cancel(&self, _run: RunId) -> Result<bool, StoreError> {
        Ok(false)
    }
    /// Ends this process's part, as if it had died: it changes nothing any more, and others take over at once what
    /// it worked on.
    async fn leave(&self) -> Result<(), StoreError> {
        Ok(())
    }
    /// Takes part again under a new lease, after [`News::LeaseLost`]. Until then every change fails. What this
    /// process worked on is to be adopted like anything that is left behind.
    async fn take_part_again(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// News from outside this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Something has come for this run, which this process works on.
    Run(RunId),
    /// This run, which this process works on, is to be cancelled.
    Cancel(RunId),
    /// Another process has changed this workflow.
    Workflow(WorkflowId),
    /// It is time to look for what is due and for what dead processes have left.
    Look,
    /// News may have been missed: anything may have changed.
    Missed,
    /// This process counts as dead, and others take over what it worked on.
    LeaseLost,
}

/// A draft to store.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The workflow.
    pub id: WorkflowId,
    /// Its title.
    pub title: String,
    /// The definition, JSON.
    pub definition: String,
    /// When.
    pub now: Timestamp,
}

/// A workflow as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowRow {
    /// Its id.
    pub id: WorkflowId,
    /// The draft's title.
    pub title: String,
    /// The draft, JSON.
    pub draft: String,
    /// The core's state of its activations, JSON; empty if it has never been enabled.
    pub state: Vec<u8>,
    /// Counts the changes of the state.
    pub sequence: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the draft was last written.
    pub updated_at: Timestamp,
}

/// A workflow that was taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptedWorkflow {
    /// The workflow.
    pub row: WorkflowRow,
    /// The processes that live and may be making calls for it, without this one.
    pub others: Vec<Epoch>,
}

/// A workflow's move from one state to the next.
#[derive(Debug, Clone)]
pub struct WorkflowChange {
    /// The workflow.
    pub id: WorkflowId,
    /// The sequence that the change was decided on; the change is refused at any other.
    pub sequence: i64,
    /// The next state.
    pub state: Vec<u8>,
    /// A version that comes into being.
    pub version: Option<VersionRow>,
    /// Activations that come into being or change.
    pub activations: Vec<ActivationRow>,
}

/// A version as it is stored. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Its id.
    pub id: VersionId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// Counts the versions of the workflow, from 1.
    pub number: u32,
    /// The definition, JSON.
    pub definition: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An activation as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationRow {
    /// Its id.
    pub id: ActivationId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// Its version.
    pub version: VersionId,
    /// Where it stands.
    pub status: ActivationStatus,
    /// Whether its URL starts runs.
    pub accepts: bool,
    /// What `activate` returned, sealed; empty before.
    pub registration: Vec<u8>,
    /// The last error of `activate` or `deactivate`.
    pub error: Option<String>,
}

/// A run to create.
#[derive(Debug, Clone)]
pub struct StartRun {
    /// The run; its `sequence` is 0.
    pub run: RunRow,
    /// Its first record.
    pub record: Record,
    /// Whether this process works on it from the start.
    pub owned: bool,
    /// The activation that must still accept events.
    pub activation: Option<ActivationId>,
    /// The deduplication key, unique per workflow.
    pub dedupe: Option<String>,
    /// What answers every event with that key, sealed; none if the engine itself does.
    pub answer: Option<Vec<u8>>,
    /// The lane that it queues in, in the same transaction.
    pub lane: Option<Lane>,
    /// What other runs are told in the same transaction.
    pub messages: Vec<Message>,
}

/// Where runs of one workflow and key queue, so that a bounded number of them goes on at once.
///
/// A run has a place when all that came before it to its lane have one or have left, and fewer than `limit` have
/// a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// The key.
    pub key: String,
    /// How many runs of this lane may have a place.
    pub limit: u32,
}

/// What a change means for the place of its run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PlaceChange {
    /// Nothing.
    #[default]
    None,
    /// The run queues.
    Queue(Lane),
    /// The run takes its place up.
    TakeUp,
    /// The run leaves its lane, and others may have a place.
    Leave,
}

/// What became of a run to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It exists.
    Created,
    /// An event with this key has started that run before, with that answer; nothing was stored.
    Duplicate(RunId, Option<Vec<u8>>),
    /// The activation accepts no events any more; nothing was stored.
    Gone,
}

/// A run as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Its id.
    pub id: RunId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// The version that it stays on.
    pub version: VersionId,
    /// Where it stands.
    pub status: RunStatus,
    /// The core's state, JSON.
    pub state: Vec<u8>,
    /// Counts the changes of the state.
    pub sequence: i64,
    /// When it next has something to do by itself, if no process works on it.
    pub due_at: Option<Timestamp>,
    /// When it started.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The run that has called it.
    pub parent: Option<RunId>,
    /// Whether it was set aside, since an engine that reads no more than this one cannot read it.
    pub set_aside: bool,
}

/// A run's move from one state to the next.
#[derive(Debug, Clone)]
pub struct RunChange {
    /// The run.
    pub id: RunId,
    /// The sequence that the change was decided on; the change is refused at any other.
    pub sequence: i64,
    /// Where it stands now.
    pub status: RunStatus,
    /// The next state.
    pub state: Vec<u8>,
    /// When it next has something to do by itself.
    pub due_at: Option<Timestamp>,
    /// Whether this process goes on working on it.
    pub owned: bool,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// A callback that the change takes the moment it comes.
    pub arrival: Option<Arrival>,
    /// What happened.
    pub record: Option<Record>,
    /// The inbox entries that this change has taken.
    pub taken: Vec<RecordId>,
    /// The inbox entries that have to wait until the run moves on from the state that this change moves it to. Until
    /// then they make nothing due.
    pub postponed: Vec<RecordId>,
    /// What it means for the run's place in its lane.
    pub place: PlaceChange,
    /// The runs that it calls, which are created in the same transaction; without an activation or a deduplication key.
    pub called: Vec<StartRun>,
    /// What other runs are told in the same transaction, after those that it calls are created.
    pub messages: Vec<Message>,
}

/// A value of `once` to record.
#[derive(Debug, Clone)]
pub struct OnceValue {
    /// The execution that it belongs to.
    pub execution: ExecutionId,
    /// Its name, unique within the execution.
    pub name: String,
    /// The value, sealed.
    pub value: Vec<u8>,
}

/// What a run tells another. It is appended to the other's inbox and journal, at whatever sequence the other is, and
/// leaves its state and sequence as they are. If that run has ended or does not exist, the message is dropped.
#[derive(Debug, Clone)]
pub struct Message {
    /// The execution that it is for, of the run that it is told; 0 for the run itself.
    pub execution: u32,
    /// The message's record, of the run that it is told.
    pub record: Record,
}

/// A callback that is taken the moment it comes and never waits in the inbox. Its record stands before that of the
/// change which takes it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The newest record that the run had when its inbox was seen to be empty. The change is refused at any other: then
    /// something has come first.
    pub head: RecordId,
    /// The callback's record.
    pub record: Record,
}

/// Names the records that are to be read with a run, now that its row is known.
pub type Wanted = Arc<dyn Fn(&RunRow) -> Vec<RecordId> + Send + Sync>;

/// A run as a callback finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The run.
    pub run: RunRow,
    /// Its newest record.
    pub head: RecordId,
    /// Whether no callback waits in its inbox.
    pub inbox_empty: bool,
    /// The records that were wanted, in any order; one that does not exist is left out.
    pub records: Vec<Record>,
}

/// A journal record: what one commit did to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Its run.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
    /// The entries, JSON with their format.
    pub body: Vec<u8>,
}

/// A callback to append.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The execution's number within its run.
    pub execution: u32,
    /// The sequence of the run at which the execution was seen to be unresolved.
    pub sequence: i64,
    /// Whether it has to wait until the run moves on from there: it makes nothing due before.
    pub postponed: bool,
    /// The callback's record.
    pub record: Record,
}

/// A callback that waits in an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its record.
    pub record: RecordId,
    /// The execution's number within its run.
    pub execution: u32,
    /// When it came.
    pub at: Timestamp,
    /// Whether it has to wait until the run moves on.
    pub postponed: bool,
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only of this workflow.
    pub workflow: Option<WorkflowId>,
    /// Only with this status.
    pub status: Option<RunStatus>,
    /// Only those that have ended, or only those that have not.
    pub ended: Option<bool>,
    /// Only those that started at this time or later.
    pub created_after: Option<Timestamp>,
    /// Only those that started earlier.
    pub created_before: Option<Timestamp>,
    /// Only runs that are older than this one.
    pub before: Option<RunId>,
    /// Only those that were set aside since they cannot be read.
    pub unreadable: bool,
    /// At most so many.
    pub limit: usize,
}

/// Why a change was not stored.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The row has moved on since the change was decided; decide again.
    #[error("the state has changed meanwhile")]
    Conflict,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The database failed; nothing was stored.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed")]
pub struct StoreError {
    /// What was tried.
    pub operation: &'static str,
    /// Why it failed.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

//! A store in a process that dies at a chosen moment.

use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::model::{
    ActivationId, Epoch, ExecutionId, OperationId, RecordId, RunId, RunStatus, VersionId, WorkflowId,
};
use crate::store::{
    ActivationRow, Addressee, AdoptedWorkflow, Callback, CommitError, ConnectionRow, Draft, Finished,
    InboxEntry, News, OnceValue, OperationRow, Promise, Record, Relying, RunChange, RunFilter, RunRow, Size,
    StartRun, Started, Store, StoreError, Upkeep, Vault, VersionRow, Wanted, WorkflowChange, WorkflowRow,
};

/// When the process dies: at the n-th moment before or after a commit, counted over all processes of a test.
pub(super) struct Moments {
    passed: AtomicU64,
    /// 0 for never.
    fatal: u64,
}

impl Moments {
    pub(super) fn never() -> Self {
        Self::dying_at(0)
    }

    pub(super) fn dying_at(fatal: u64) -> Self {
        Self { passed: AtomicU64::new(0), fatal }
    }

    pub(super) fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }

    fn pass(&self) -> bool {
        self.passed.fetch_add(1, Ordering::SeqCst) + 1 == self.fatal
    }
}

/// Whether a process has died. What it still asks of its store is never answered.
#[derive(Clone)]
pub(super) struct Life(Arc<(AtomicBool, watch::Sender<bool>)>);

impl Life {
    pub(super) fn new() -> Self {
        Self(Arc::new((AtomicBool::new(false), watch::channel(false).0)))
    }

    pub(super) fn end(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.send_replace(true);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Returns when it has ended.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.0.1.subscribe();
        async move {
            // The sender lives as long as the process.
            let _ = ended.wait_for(|ended| *ended).await;
        }
    }
}

/// A store whose process dies before or after a commit.
pub(super) struct MortalStore {
    pub(super) inner: Arc<dyn Store>,
    pub(super) moments: Arc<Moments>,
    pub(super) life: Life,
    /// How many records were read, counted over all processes of a test.
    pub(super) records_read: Arc<AtomicU64>,
}

impl MortalStore {
    async fn commit<T>(&self, commit: impl Future<Output = T>) -> T {
        self.moment().await;
        let result = commit.await;
        self.moment().await;
        result
    }

    async fn moment(&self) {
        if !self.life.has_ended() && self.moments.pass() {
            self.life.end();
        }
        self.alive().await;
    }

    fn count(&self, read: &[Record]) {
        self.records_read.fetch_add(read.len() as u64, Ordering::SeqCst);
    }

    async fn alive(&self) {
        if self.life.has_ended() {
            pending::<()>().await;
        }
    }
}

macro_rules! reads {
    ($self:ident, $($call:tt)*) => {{
        $self.alive().await;
        $self.inner.$($call)*.await
    }};
}

#[async_trait]
impl Store for MortalStore {
    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    fn next_record(&self) -> RecordId {
        self.inner.next_record()
    }

    async fn put_draft(&self, draft: Draft) -> Result<WorkflowRow, StoreError> {
        self.commit(self.inner.put_draft(draft)).await
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        reads!(self, workflow(id))
    }

    async fn workflows(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        reads!(self, workflows())
    }

    async fn commit_workflow(&self, change: WorkflowChange) -> Result<(), CommitError> {
        self.commit(self.inner.commit_workflow(change)).await
    }

    async fn version(&self, id: VersionId) -> Result<Option<VersionRow>, StoreError> {
        reads!(self, version(id))
    }

    async fn versions(
        &self,
        workflow: &WorkflowId,
    ) -> Result<Vec<(VersionRow, Option<ActivationRow>)>, StoreError> {
        reads!(self, versions(workflow))
    }

    async fn activation(&self, id: ActivationId) -> Result<Option<ActivationRow>, StoreError> {
        reads!(self, activation(id))
    }

    async fn start_run(&self, start: StartRun) -> Result<Started, StoreError> {
        self.commit(self.inner.start_run(start)).await
    }

    async fn commit_run(&self, change: RunChange) -> Result<(), CommitError> {
        self.commit(self.inner.commit_run(change)).await
    }

    async fn append_callback(&self, callback: Callback) -> Result<(), CommitError> {
        self.commit(self.inner.append_callback(callback)).await
    }

    async fn addressee(&self, run: RunId, wanted: Wanted) -> Result<Option<Addressee>, StoreError> {
        let addressee = reads!(self, addressee(run, wanted));
        if let Ok(Some(Addressee { records, .. })) = &addressee {
            self.count(records);
        }
        addressee
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        reads!(self, run(id))
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        reads!(self, runs(filter))
    }

    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError> {
        reads!(self, journal(run))
    }

    async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>, StoreError> {
        let records = reads!(self, records(ids));
        if let Ok(records) = &records {
            self.count(records);
        }
        records
    }

    async fn inbox(&self, run: RunId) -> Result<Vec<InboxEntry>, StoreError> {
        reads!(self, inbox(run))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>, StoreError> {
        reads!(self, due(now, limit))
    }

    async fn has_place(&self, run: RunId) -> Result<bool, StoreError> {
        reads!(self, has_place(run))
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        reads!(self, next_due())
    }

    async fn adopt_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        reads!(self, adopt_runs(limit))
    }

    async fn adopt_workflows(&self) -> Result<Vec<AdoptedWorkflow>, StoreError> {
        reads!(self, adopt_workflows())
    }

    async fn once(&self, execution: ExecutionId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        reads!(self, once(execution, name))
    }

    async fn record_once(&self, value: OnceValue) -> Result<(), CommitError> {
        self.commit(self.inner.record_once(value)).await
    }

    async fn put_token(&self, hash: [u8; 32], name: &str, now: Timestamp) -> Result<(), StoreError> {
        self.commit(self.inner.put_token(hash, name, now)).await
    }

    async fn has_token(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        reads!(self, has_token(hash))
    }

    async fn news(&self) -> News {
        reads!(self, news())
    }

    async fn pass_on_cancel(&self, run: RunId) -> Result<bool, StoreError> {
        reads!(self, pass_on_cancel(run))
    }

    async fn leave(&self) -> Result<(), StoreError> {
        reads!(self, leave())
    }

    async fn take_part_again(&self) -> Result<(), StoreError> {
        reads!(self, take_part_again())
    }
}

#[async_trait]
impl Upkeep for MortalStore {
    async fn finished_beyond(
        &self,
        workflow: &WorkflowId,
        newest: usize,
    ) -> Result<Option<Finished>, StoreError> {
        reads!(self, finished_beyond(workflow, newest))
    }

    async fn remove_runs(
        &self,
        version: VersionId,
        until: Finished,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.commit(self.inner.remove_runs(version, until, limit)).await
    }

    async fn remove_records(&self, limit: usize) -> Result<bool, StoreError> {
        self.commit(self.inner.remove_records(limit)).await
    }

    async fn remove_keys(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.commit(self.inner.remove_keys(before, limit)).await
    }

    async fn remove_operations(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.commit(self.inner.remove_operations(before, limit)).await
    }

    async fn remove_version(&self, id: VersionId) -> Result<bool, StoreError> {
        self.commit(self.inner.remove_version(id)).await
    }

    async fn give_back_space(&self) -> Result<bool, StoreError> {
        reads!(self, give_back_space())
    }

    async fn size(&self) -> Result<Size, StoreError> {
        reads!(self, size())
    }

    async fn count_runs(&self, filter: RunFilter) -> Result<usize, StoreError> {
        reads!(self, count_runs(filter))
    }

    async fn oldest(&self, status: RunStatus) -> Result<Option<RunRow>, StoreError> {
        reads!(self, oldest(status))
    }

    async fn put_operation(&self, row: OperationRow) -> Result<(), StoreError> {
        self.commit(self.inner.put_operation(row)).await
    }

    async fn commit_operation(&self, row: OperationRow) -> Result<(), CommitError> {
        self.commit(self.inner.commit_operation(row)).await
    }

    async fn operation(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
        reads!(self, operation(id))
    }

    async fn operations(&self, limit: usize) -> Result<Vec<OperationRow>, StoreError> {
        reads!(self, operations(limit))
    }

    async fn adopt_operations(&self) -> Result<Vec<OperationRow>, StoreError> {
        reads!(self, adopt_operations())
    }

    async fn rely(&self, version: VersionId, promises: Vec<Promise>) -> Result<(), StoreError> {
        reads!(self, rely(version, promises))
    }

    async fn promises_to(&self, version: VersionId) -> Result<Vec<Promise>, StoreError> {
        reads!(self, promises_to(version))
    }

    async fn promises(&self) -> Result<Vec<Promise>, StoreError> {
        reads!(self, promises())
    }

    async fn relying(&self, fingerprint: [u8; 32], limit: usize) -> Result<Vec<Relying>, StoreError> {
        reads!(self, relying(fingerprint, limit))
    }

    async fn leave_version(&self, id: VersionId) -> Result<(), StoreError> {
        reads!(self, leave_version(id))
    }

    async fn set_aside(&self, run: RunId, sequence: i64, reads: u32) -> Result<bool, StoreError> {
        reads!(self, set_aside(run, sequence, reads))
    }

    async fn take_back(&self) -> Result<(), StoreError> {
        reads!(self, take_back())
    }
}

#[async_trait]
impl Vault for MortalStore {
    async fn put_connection(&self, row: ConnectionRow) -> Result<bool, StoreError> {
        self.commit(self.inner.put_connection(row)).await
    }

    async fn connection(&self, kind: &str, name: &str) -> Result<Option<ConnectionRow>, StoreError> {
        reads!(self, connection(kind, name))
    }

    async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError> {
        reads!(self, connections())
    }

    async fn remove_connection(&self, kind: &str, name: &str) -> Result<bool, StoreError> {
        self.commit(self.inner.remove_connection(kind, name)).await
    }
}

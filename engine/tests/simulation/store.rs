//! The store of a process: the real one, with what goes wrong between it and the process.

use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use jiff::Timestamp;
use stepwell_engine::model::{
    ActivationId, OperationId, RecordId, RunId, RunStatus, VersionId, WorkflowId, decode_entries,
};
use stepwell_engine::store::sqlite::{MemoryDatabase, SqliteStore};
use stepwell_engine::store::{
    ActivationRow, Addressee, Callback, CommitError, ConnectionRow, Draft, Finished, InboxEntry, News,
    OperationRow, Promise, Record, Relying, RunChange, RunFilter, RunRow, Size, StartRun, Started, Store,
    StoreError, Upkeep, Vault, VersionRow, Wanted, WorkflowChange, WorkflowRow,
};
use tokio::sync::Notify;

use crate::sim::{Sim, short};
use crate::words::{entries, messages, what_becomes};
use crate::world::Death;

/// How often a process may ask its database before it counts as going round in circles: many times what the longest
/// worlds need.
const MOST_ASKED: u32 = 50_000;

/// Whether a process lives.
#[derive(Clone, Default)]
pub(crate) struct Life(Arc<(AtomicBool, Notify)>);

impl Life {
    pub(crate) fn end(&self) {
        self.0.0.store(true, Ordering::Relaxed);
        self.0.1.notify_one();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.0.load(Ordering::Relaxed)
    }

    /// Returns when it has ended.
    pub(crate) async fn ended(&self) {
        while !self.has_ended() {
            self.0.1.notified().await;
        }
    }
}

/// The store of a process.
pub(crate) struct SimStore {
    /// `None` while the lease is lost.
    inner: Mutex<Option<Arc<SqliteStore>>>,
    database: Arc<MemoryDatabase>,
    lost: Notify,
    asked: AtomicU32,
    sim: Arc<Sim>,
    life: Life,
}

impl SimStore {
    pub(crate) fn new(sim: &Arc<Sim>, database: &Arc<MemoryDatabase>, life: Life) -> Self {
        let inner = Mutex::new(Some(open(database)));
        Self {
            inner,
            database: Arc::clone(database),
            lost: Notify::new(),
            asked: AtomicU32::new(0),
            sim: Arc::clone(sim),
            life,
        }
    }

    fn lease(&self) -> MutexGuard<'_, Option<Arc<SqliteStore>>> {
        self.inner.lock().expect("no holder panics")
    }

    fn inner(&self) -> Result<Arc<SqliteStore>, StoreError> {
        self.lease().clone().ok_or_else(failed)
    }

    async fn write<T, E: From<StoreError>>(
        &self,
        what: String,
        change: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.pause().await;
        let death = self.next_death();
        if death.is_some_and(|death| !death.stored) {
            self.die(&format!("before {what}")).await;
        }
        let probability = self.sim.faults().write_error;
        if self.sim.happens(probability) {
            self.sim.trace(format!("fails: {what}"));
            return Err(failed().into());
        }
        let result = change.await;
        let probability = self.sim.faults().lease_lost;
        if result.is_ok() && self.sim.happens(probability) {
            self.sim.trace(format!("stored, and the lease is lost: {what}"));
            *self.lease() = None;
            self.lost.notify_one();
            return Err(failed().into());
        }
        self.sim.trace(format!("{}: {what}", if result.is_ok() { "stored" } else { "refused" }));
        if death.is_some_and(|death| death.stored) {
            self.die(&format!("after {what}")).await;
        }
        self.pause().await;
        result
    }

    async fn read<T>(&self, read: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.pause().await;
        let probability = self.sim.faults().read_error;
        if self.sim.happens(probability) {
            self.sim.trace("a look into the database fails");
            return Err(failed());
        }
        let result = read.await;
        self.pause().await;
        result
    }

    /// Notes that a change has touched a run.
    async fn touching<T>(&self, run: RunId, change: impl Future<Output = T>) -> T {
        let result = change.await;
        self.sim.changed().runs.insert(run);
        result
    }

    /// Lets others go first, or time pass.
    async fn pause(&self) {
        if self.asked.fetch_add(1, Ordering::Relaxed) == MOST_ASKED {
            self.sim.broken("the process goes round in circles");
            self.life.end();
        }
        if self.life.has_ended() {
            pending::<()>().await;
        }
        let probability = self.sim.faults().slow;
        if self.sim.happens(probability) {
            let most = self.sim.choose(&[(4, 20), (1, 500)]);
            tokio::time::sleep(self.sim.millis(0..most)).await;
        }
        if self.life.has_ended() {
            pending::<()>().await;
        }
    }

    fn next_death(&self) -> Option<Death> {
        let mut faults = self.sim.faults();
        let death = faults.death.as_mut()?;
        if death.after == 0 {
            return faults.death.take();
        }
        death.after -= 1;
        None
    }

    async fn die(&self, when: &str) {
        self.sim.trace(format!("the process dies {when}"));
        self.life.end();
        pending::<()>().await;
    }
}

fn open(database: &MemoryDatabase) -> Arc<SqliteStore> {
    Arc::new(database.open_inline().expect("the database in memory works"))
}

fn failed() -> StoreError {
    StoreError { operation: "what chance has chosen", source: "told to fail".into() }
}

#[async_trait]
impl Store for SimStore {
    fn next_record(&self) -> RecordId {
        match &*self.lease() {
            Some(inner) => inner.next_record(),
            // Nothing is stored before there is a lease again.
            None => RecordId(i64::MAX),
        }
    }

    async fn put_draft(&self, draft: Draft) -> Result<WorkflowRow, StoreError> {
        self.write(format!("draft of {}", draft.id), async { self.inner()?.put_draft(draft).await }).await
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        self.read(async { self.inner()?.workflow(id).await }).await
    }

    async fn workflows(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        self.read(async { self.inner()?.workflows().await }).await
    }

    async fn commit_workflow(&self, change: WorkflowChange) -> Result<(), CommitError> {
        let activations: Vec<String> = change
            .activations
            .iter()
            .map(|row| {
                format!("{} {}{}", short(row.id.0), row.status, if row.accepts { " accepts" } else { "" })
            })
            .collect();
        let what = format!("{} with activations [{}]", change.id, activations.join(", "));
        let commit = async {
            let result = async { self.inner()?.commit_workflow(change).await }.await;
            self.sim.changed().workflows = true;
            result
        };
        self.write(what, commit).await
    }

    async fn version(&self, id: VersionId) -> Result<Option<VersionRow>, StoreError> {
        self.read(async { self.inner()?.version(id).await }).await
    }

    async fn versions(
        &self,
        workflow: &WorkflowId,
    ) -> Result<Vec<(VersionRow, Option<ActivationRow>)>, StoreError> {
        self.read(async { self.inner()?.versions(workflow).await }).await
    }

    async fn activation(&self, id: ActivationId) -> Result<Option<ActivationRow>, StoreError> {
        self.read(async { self.inner()?.activation(id).await }).await
    }

    async fn start_run(&self, start: StartRun) -> Result<Started, StoreError> {
        let (run, workflow) = (start.run.id, start.run.workflow.clone());
        let what = format!("run {} begins ({})", short(start.run.id.0), entries(&start.record));
        let begun = decode_entries(&start.record.body).unwrap_or_default();
        let started = async {
            let started = self.inner()?.start_run(start).await;
            if matches!(started, Ok(Started::Created)) {
                self.sim.ledger().lanes.started(&workflow, run, &begun);
            }
            started
        };
        self.write(what, self.touching(run, started)).await
    }

    async fn commit_run(&self, change: RunChange) -> Result<(), CommitError> {
        let run = change.id;
        let what = what_becomes(&change);
        let called: Vec<_> =
            change.called.iter().map(|start| (start.run.clone(), start.record.clone())).collect();
        let concerned: Vec<RunId> =
            messages(&change).map(|one| one.record.run).chain(called.iter().map(|(run, _)| run.id)).collect();
        let happened = change.record.as_ref().map(|record| decode_entries(&record.body).unwrap_or_default());
        let committed = async {
            let committed = self.inner()?.commit_run(change).await;
            if committed.is_ok() {
                for (run, record) in called {
                    let begun = decode_entries(&record.body).unwrap_or_default();
                    self.sim.ledger().lanes.started(&run.workflow, run.id, &begun);
                }
                self.sim.changed().runs.extend(concerned);
                let broken = self.sim.ledger().lanes.read(run, &happened.unwrap_or_default());
                for problem in broken {
                    self.sim.broken(problem);
                }
            }
            committed
        };
        self.write(what, self.touching(run, committed)).await
    }

    async fn append_callback(&self, callback: Callback) -> Result<(), CommitError> {
        let run = callback.record.run;
        let what = format!("a callback to run {}.{}", short(callback.record.run.0), callback.execution);
        self.write(what, self.touching(run, async { self.inner()?.append_callback(callback).await })).await
    }

    async fn addressee(&self, run: RunId, wanted: Wanted) -> Result<Option<Addressee>, StoreError> {
        self.read(async { self.inner()?.addressee(run, wanted).await }).await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        self.read(async { self.inner()?.run(id).await }).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.read(async { self.inner()?.runs(filter).await }).await
    }

    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError> {
        self.read(async { self.inner()?.journal(run).await }).await
    }

    async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>, StoreError> {
        self.read(async { self.inner()?.records(ids).await }).await
    }

    async fn inbox(&self, run: RunId) -> Result<Vec<InboxEntry>, StoreError> {
        self.read(async { self.inner()?.inbox(run).await }).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.read(async { self.inner()?.due(now, limit).await }).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(async { self.inner()?.next_due().await }).await
    }

    async fn adopt_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.read(async { self.inner()?.adopt_runs(limit).await }).await
    }

    async fn adopt_workflows(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        self.read(async { self.inner()?.adopt_workflows().await }).await
    }

    async fn has_place(&self, run: RunId) -> Result<bool, StoreError> {
        self.read(async { self.inner()?.has_place(run).await }).await
    }

    async fn once(&self, run: RunId, execution: u32, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(async { self.inner()?.once(run, execution, name).await }).await
    }

    async fn record_once(
        &self,
        run: RunId,
        execution: u32,
        name: &str,
        value: Vec<u8>,
    ) -> Result<(), CommitError> {
        let what = format!("`once` of run {}.{execution}", short(run.0));
        self.write(what, async { self.inner()?.record_once(run, execution, name, value).await }).await
    }

    async fn news(&self) -> News {
        self.lost.notified().await;
        News::LeaseLost
    }

    async fn take_part_again(&self) -> Result<(), StoreError> {
        self.read(async {
            *self.lease() = Some(open(&self.database));
            self.sim.begin_lease();
            self.sim.trace("there is a new lease");
            Ok(())
        })
        .await
    }

    async fn put_token(&self, hash: [u8; 32], name: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write("a token".to_owned(), async { self.inner()?.put_token(hash, name, now).await }).await
    }

    async fn has_token(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        self.read(async { self.inner()?.has_token(hash).await }).await
    }
}

#[async_trait]
impl Upkeep for SimStore {
    async fn finished_beyond(
        &self,
        workflow: &WorkflowId,
        newest: usize,
    ) -> Result<Option<Finished>, StoreError> {
        self.read(async { self.inner()?.finished_beyond(workflow, newest).await }).await
    }

    async fn remove_runs(
        &self,
        version: VersionId,
        until: Finished,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.write("runs are removed".to_owned(), async {
            self.inner()?.remove_runs(version, until, limit).await
        })
        .await
    }

    async fn remove_records(&self, limit: usize) -> Result<bool, StoreError> {
        self.write("records are removed".to_owned(), async { self.inner()?.remove_records(limit).await })
            .await
    }

    async fn remove_keys(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.write("keys are removed".to_owned(), async { self.inner()?.remove_keys(before, limit).await })
            .await
    }

    async fn remove_operations(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.write("operations are removed".to_owned(), async {
            self.inner()?.remove_operations(before, limit).await
        })
        .await
    }

    async fn remove_version(&self, id: VersionId) -> Result<bool, StoreError> {
        self.write("a version is removed".to_owned(), async { self.inner()?.remove_version(id).await }).await
    }

    async fn give_back_space(&self) -> Result<bool, StoreError> {
        self.read(async { self.inner()?.give_back_space().await }).await
    }

    async fn size(&self) -> Result<Size, StoreError> {
        self.read(async { self.inner()?.size().await }).await
    }

    async fn count_runs(&self, filter: RunFilter) -> Result<usize, StoreError> {
        self.read(async { self.inner()?.count_runs(filter).await }).await
    }

    async fn oldest(&self, status: RunStatus) -> Result<Option<RunRow>, StoreError> {
        self.read(async { self.inner()?.oldest(status).await }).await
    }

    async fn put_operation(&self, row: OperationRow) -> Result<(), StoreError> {
        self.write("an operation begins".to_owned(), async { self.inner()?.put_operation(row).await }).await
    }

    async fn commit_operation(&self, row: OperationRow) -> Result<(), CommitError> {
        self.write("an operation goes on".to_owned(), async { self.inner()?.commit_operation(row).await })
            .await
    }

    async fn operation(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
        self.read(async { self.inner()?.operation(id).await }).await
    }

    async fn operations(&self, limit: usize) -> Result<Vec<OperationRow>, StoreError> {
        self.read(async { self.inner()?.operations(limit).await }).await
    }

    async fn adopt_operations(&self) -> Result<Vec<OperationRow>, StoreError> {
        self.read(async { self.inner()?.adopt_operations().await }).await
    }

    async fn rely(&self, version: VersionId, promises: Vec<Promise>) -> Result<(), StoreError> {
        self.write("what a version relies on".to_owned(), async {
            self.inner()?.rely(version, promises).await
        })
        .await
    }

    async fn promises_to(&self, version: VersionId) -> Result<Vec<Promise>, StoreError> {
        self.read(async { self.inner()?.promises_to(version).await }).await
    }

    async fn promises(&self) -> Result<Vec<Promise>, StoreError> {
        self.read(async { self.inner()?.promises().await }).await
    }

    async fn relying(&self, fingerprint: [u8; 32], limit: usize) -> Result<Vec<Relying>, StoreError> {
        self.read(async { self.inner()?.relying(fingerprint, limit).await }).await
    }

    async fn leave_version(&self, id: VersionId) -> Result<(), StoreError> {
        self.read(async { self.inner()?.leave_version(id).await }).await
    }
}

#[async_trait]
impl Vault for SimStore {
    async fn put_connection(&self, row: ConnectionRow) -> Result<bool, StoreError> {
        self.write("a connection".to_owned(), async { self.inner()?.put_connection(row).await }).await
    }

    async fn connection(&self, kind: &str, name: &str) -> Result<Option<ConnectionRow>, StoreError> {
        self.read(async { self.inner()?.connection(kind, name).await }).await
    }

    async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError> {
        self.read(async { self.inner()?.connections().await }).await
    }

    async fn remove_connection(&self, kind: &str, name: &str) -> Result<bool, StoreError> {
        self.write("a connection is removed".to_owned(), async {
            self.inner()?.remove_connection(kind, name).await
        })
        .await
    }
}

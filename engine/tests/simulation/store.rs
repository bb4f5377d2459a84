//! The store of a process: the real one, with what goes wrong between it and the process.

mod below;
mod upkeep;

use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use stepwell_engine::driver::Clock as _;
use stepwell_engine::model::{
    ActivationId, AttemptResult, Entry, Epoch, ExecutionId, RecordId, RunId, VersionId, WorkflowId,
    decode_entries,
};
use stepwell_engine::store::{
    ActivationRow, Addressee, AdoptedWorkflow, Callback, CommitError, Draft, InboxEntry, News, OnceValue,
    Record, RunChange, RunFilter, RunRow, StartRun, Started, Store, StoreError, VersionRow, Wanted,
    WorkflowChange, WorkflowRow,
};
use tokio::sync::Notify;

use below::Below;
pub(crate) use below::Database;

use crate::blocks::name;
use crate::life::Life;
use crate::mutants::{self, Mutant};
use crate::shared::SharedStore;
use crate::sim::{Sim, short};
use crate::words::{entries, messages, what_becomes};
use crate::world::Death;

/// How often a process may ask its database before it counts as going round in circles: many times what the longest
/// worlds need.
const MOST_ASKED: u32 = 50_000;

/// The store of a process.
pub(crate) struct SimStore {
    below: Mutex<Below>,
    /// While the lease is lost.
    without_lease: AtomicBool,
    lost: Notify,
    asked: AtomicU32,
    sim: Arc<Sim>,
    life: Life,
}

impl SimStore {
    /// Opens the database. Called in the runtime of the process.
    pub(crate) fn open(sim: &Arc<Sim>, database: &Database, life: Life) -> Self {
        Self {
            below: Mutex::new(Below::open(database)),
            without_lease: AtomicBool::new(false),
            lost: Notify::new(),
            asked: AtomicU32::new(0),
            sim: Arc::clone(sim),
            life,
        }
    }

    fn below(&self) -> Below {
        self.below.lock().expect("no holder panics").clone()
    }

    /// What it shares with other processes, if it does.
    pub(crate) fn shared(&self) -> Option<Arc<SharedStore>> {
        match self.below() {
            Below::Own(..) => None,
            Below::Shared(store) => Some(store),
        }
    }

    fn inner(&self) -> Result<Arc<dyn Store>, StoreError> {
        if self.without_lease.load(Ordering::Relaxed) { Err(failed()) } else { Ok(self.below().store()) }
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
            self.without_lease.store(true, Ordering::Relaxed);
            self.lost.notify_one();
            return Err(failed().into());
        }
        if result.is_ok() && !self.sim.holds_lease() {
            self.sim.broken(format!("o4: a process without a lease has stored {what}"));
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

    /// Notes that this process has moved a run, and whether it goes on working on it (o4).
    fn works_on(&self, run: RunId, owned: bool) {
        let Some(shared) = self.shared() else { return };
        let epoch = shared.epoch();
        let before = self.sim.ledger().workers.remove(&run);
        if before.is_some_and(|before| before != epoch && shared.holds_lease(before)) {
            self.sim
                .broken(format!("o4: run {} is moved by a process while another works on it", short(run.0)));
        }
        if owned {
            self.sim.ledger().workers.insert(run, epoch);
        }
    }

    /// A change as a mutant has it that does not look at the sequence.
    async fn unguarded(&self, mut change: RunChange) -> Result<RunChange, StoreError> {
        if self.sim.mutant() == Some(Mutant::SequenceUnguarded)
            && let Some(row) = self.inner()?.run(change.id).await?
        {
            change.sequence = row.sequence;
        }
        Ok(change)
    }

    /// The ids of another run like the one of this record.
    fn another(&self, record: &Record) -> (RunId, Record) {
        let run = RunId(self.sim.id());
        (run, Record { id: self.next_record(), run, ..record.clone() })
    }

    /// A call that has returned in this process was not interrupted (s6). One whose process stood still may have
    /// returned beyond its time limit.
    fn check_interruptions(&self, change: &RunChange) {
        if self.sim.shared().is_some() {
            return;
        }
        let entries =
            change.record.iter().flat_map(|record| decode_entries(&record.body).unwrap_or_default());
        for entry in entries {
            let Entry::AttemptEnded {
                execution: number,
                attempt,
                result: AttemptResult::Interrupted { .. },
                ..
            } = entry
            else {
                continue;
            };
            let id = ExecutionId { run: change.id, number };
            let here = self.life.number();
            let ledger = self.sim.ledger();
            let call = ledger.calls.get(&(id, attempt)).filter(|call| call.process == here);
            let end = call.and_then(|call| call.end);
            drop(ledger);
            if let Some(end) = end {
                self.sim.broken(format!("s6: {} has returned {end:?} and counts as interrupted", name(id)));
            }
        }
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

fn failed() -> StoreError {
    StoreError { operation: "what chance has chosen", source: "told to fail".into() }
}

#[async_trait]
impl Store for SimStore {
    fn epoch(&self) -> Epoch {
        self.below().store().epoch()
    }

    fn next_record(&self) -> RecordId {
        self.below().store().next_record()
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
        let change = mutants::of_workflow(self.sim.mutant(), change);
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
        let start = mutants::of_start(self.sim.mutant(), start);
        let (run, workflow, owned) = (start.run.id, start.run.workflow.clone(), start.owned);
        let what = format!("run {} begins ({})", short(start.run.id.0), entries(&start.record));
        let begun = decode_entries(&start.record.body).unwrap_or_default();
        let started = async {
            let inner = self.inner()?;
            let second = mutants::doubled(self.sim.mutant(), &start, || self.another(&start.record));
            let started = inner.start_run(start).await;
            if matches!(started, Ok(Started::Created)) {
                self.sim.ledger().lanes.started(&workflow, run, &begun);
                self.works_on(run, owned);
                if let Some(second) = second {
                    self.sim.changed().runs.insert(second.run.id);
                    inner.start_run(second).await?;
                }
            }
            started
        };
        self.write(what, self.touching(run, started)).await
    }

    async fn commit_run(&self, change: RunChange) -> Result<(), CommitError> {
        let change = self.unguarded(change).await?;
        let (run, owned) = (change.id, change.owned);
        self.check_interruptions(&change);
        let what = what_becomes(&change);
        let called: Vec<_> =
            change.called.iter().map(|start| (start.run.clone(), start.record.clone())).collect();
        let concerned: Vec<RunId> =
            messages(&change).map(|one| one.record.run).chain(called.iter().map(|(run, _)| run.id)).collect();
        let happened = change.record.as_ref().map(|record| decode_entries(&record.body).unwrap_or_default());
        let committed = async {
            let committed = self.inner()?.commit_run(change).await;
            if committed.is_ok() {
                let happened = happened.unwrap_or_default();
                self.works_on(run, owned);
                self.sim.ledger().note_ends(run, &happened);
                for (run, record) in called {
                    let begun = decode_entries(&record.body).unwrap_or_default();
                    self.sim.ledger().lanes.started(&run.workflow, run.id, &begun);
                }
                self.sim.changed().runs.extend(concerned);
                let broken = self.sim.ledger().lanes.read(run, &happened);
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
        let append = async {
            match self.sim.mutant() {
                Some(Mutant::CallbackLost) => Ok(()),
                _ => self.inner()?.append_callback(callback).await,
            }
        };
        self.write(what, self.touching(run, append)).await
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
        let inbox = self.read(async { self.inner()?.inbox(run).await }).await?;
        Ok(mutants::of_inbox(self.sim.mutant(), inbox))
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.read(async { self.inner()?.due(now, limit).await }).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(async { self.inner()?.next_due().await }).await
    }

    async fn adopt_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        if self.sim.mutant() == Some(Mutant::OrphansLeft) {
            return Ok(Vec::new());
        }
        let adopted = self.read(async { self.inner()?.adopt_runs(limit).await }).await?;
        for run in &adopted {
            self.works_on(*run, true);
        }
        Ok(adopted)
    }

    async fn adopt_workflows(&self) -> Result<Vec<AdoptedWorkflow>, StoreError> {
        self.read(async { self.inner()?.adopt_workflows().await }).await
    }

    async fn has_place(&self, run: RunId) -> Result<bool, StoreError> {
        self.read(async { self.inner()?.has_place(run).await }).await
    }

    async fn once(&self, execution: ExecutionId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if self.sim.mutant() == Some(Mutant::OnceForgotten) {
            return Ok(None);
        }
        self.read(async { self.inner()?.once(execution, name).await }).await
    }

    async fn record_once(&self, value: OnceValue) -> Result<(), CommitError> {
        let what = format!("`once` of {}", name(value.execution));
        self.write(what, async { self.inner()?.record_once(value).await }).await
    }

    async fn news(&self) -> News {
        let below = self.below().store();
        tokio::select! {
            biased;
            () = self.lost.notified() => News::LeaseLost,
            news = below.news() => news,
        }
    }

    async fn pass_on_cancel(&self, run: RunId) -> Result<bool, StoreError> {
        self.read(async { self.inner()?.pass_on_cancel(run).await }).await
    }

    async fn take_part_again(&self) -> Result<(), StoreError> {
        self.read(async {
            let again = self.below().again().await?;
            *self.below.lock().expect("no holder panics") = again;
            self.without_lease.store(false, Ordering::Relaxed);
            self.life.begin_lease(&self.sim);
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

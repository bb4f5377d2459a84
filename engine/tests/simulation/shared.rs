//! A database that several processes share, in memory: one `SQLite` store keeps the rows and takes all processes for
//! one; their leases, what each works on, and their news are kept here, by the contract of [`Store`].
//!
//! It is for one thread, on which nothing comes between a guard and its change. A version that one process leaves is
//! left by all, and what operates on many runs is not taken over: no world has either.

mod conforms;
mod lease;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use stepwell_engine::driver::Clock;
use stepwell_engine::model::{ActivationId, Epoch, ExecutionId, RecordId, RunId, VersionId, WorkflowId};
use stepwell_engine::store::sqlite::SqliteStore;
use stepwell_engine::store::{
    ActivationRow, Addressee, AdoptedWorkflow, Callback, CommitError, Draft, InboxEntry, Message, News,
    OnceValue, Record, RunChange, RunFilter, RunRow, StartRun, Started, Store, StoreError, VersionRow,
    Wanted, WorkflowChange, WorkflowRow,
};
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use conforms::check;
use lease::{Member, keep};

/// The database.
pub(crate) struct SharedDatabase {
    rows: SqliteStore,
    clock: Arc<dyn Clock>,
    lease: Duration,
    guards: Guards,
    held: Mutex<Held>,
}

/// What is looked at before something is changed; mutants do without.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guards {
    /// A process without its lease is refused.
    pub(crate) lease: bool,
    /// A run is moved by the process alone that works on it.
    pub(crate) owner: bool,
}

/// What the processes hold.
#[derive(Default)]
struct Held {
    /// The latest time that the database has seen: its clock is never set back.
    now: Timestamp,
    /// Until when each epoch's lease holds.
    leases: BTreeMap<Epoch, Timestamp>,
    runs: BTreeMap<RunId, Epoch>,
    /// Who may be making calls for a workflow.
    workflows: BTreeMap<WorkflowId, BTreeSet<Epoch>>,
    members: Vec<std::sync::Weak<Member>>,
}

impl Held {
    fn is_alive(&self, epoch: Epoch) -> bool {
        self.leases.get(&epoch).is_some_and(|expiry| *expiry > self.now)
    }

    /// Tells the other processes.
    fn tell(&self, from: Epoch, news: &News) {
        for member in self.members.iter().filter_map(std::sync::Weak::upgrade) {
            member.hear(from, news);
        }
    }
}

impl SharedDatabase {
    pub(crate) fn new(
        rows: SqliteStore,
        clock: Arc<dyn Clock>,
        lease: Duration,
        guards: Guards,
    ) -> Arc<Self> {
        Arc::new(Self { rows, clock, lease, guards, held: Mutex::default() })
    }

    /// Counts a process in. Called in its runtime, where its lease is renewed.
    pub(crate) fn open(self: &Arc<Self>) -> SharedStore {
        let (sender, heard) = unbounded_channel();
        let member = Arc::new(Member::new(self.enter(), sender));
        self.held().members.push(Arc::downgrade(&member));
        let keeper = AbortOnDropHandle::new(tokio::spawn(keep(Arc::clone(self), Arc::clone(&member))));
        SharedStore { database: Arc::clone(self), member, heard: AsyncMutex::new(heard), _keeper: keeper }
    }

    /// What its process has left for so long that another should have taken it over.
    pub(crate) fn left_for(&self, time: Duration) -> Vec<RunId> {
        let held = self.held();
        let left = |epoch: Epoch| {
            held.leases
                .get(&epoch)
                .and_then(|expiry| expiry.checked_add(time).ok())
                .is_some_and(|at| at <= held.now)
        };
        held.runs.iter().filter(|(_, epoch)| left(**epoch)).map(|(run, _)| *run).collect()
    }

    /// The workflows for which dead processes may have been making calls: from now on it is this one in their place.
    /// Each with the others that live.
    fn adopt_workflows(&self, epoch: Epoch) -> Vec<(WorkflowId, Vec<Epoch>)> {
        let mut held = self.held();
        let Held { now, leases, workflows, .. } = &mut *held;
        let is_alive = |owner: &Epoch| leases.get(owner).is_some_and(|expiry| expiry > now);
        let mut adopted = Vec::new();
        for (id, owners) in workflows {
            let known = owners.len();
            owners.retain(is_alive);
            if owners.len() < known {
                owners.insert(epoch);
                let others = owners.iter().copied().filter(|owner| *owner != epoch);
                adopted.push((id.clone(), others.collect()));
            }
        }
        adopted
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        let now = self.clock.now();
        let mut held = self.held.lock().expect("no holder panics");
        held.now = held.now.max(now);
        held
    }
}

/// The store of one process.
pub(crate) struct SharedStore {
    database: Arc<SharedDatabase>,
    member: Arc<Member>,
    heard: AsyncMutex<UnboundedReceiver<News>>,
    _keeper: AbortOnDropHandle<()>,
}

impl SharedStore {
    /// Whether the lease with this number holds.
    pub(crate) fn holds_lease(&self, epoch: Epoch) -> bool {
        self.database.held().is_alive(epoch)
    }

    /// The epoch, if its lease holds.
    fn fence(&self) -> Result<Epoch, StoreError> {
        let epoch = self.epoch();
        if !self.database.guards.lease || self.holds_lease(epoch) {
            return Ok(epoch);
        }
        self.member.lose(epoch);
        Err(StoreError { operation: "changing the database", source: "the lease was lost".into() })
    }

    fn rows(&self) -> &SqliteStore {
        &self.database.rows
    }

    fn may_move(&self, run: RunId, epoch: Epoch) -> bool {
        !self.database.guards.owner || self.database.held().runs.get(&run).is_none_or(|owner| *owner == epoch)
    }

    fn hold(&self, run: RunId, owned: bool, epoch: Epoch) {
        let mut held = self.database.held();
        if owned {
            held.runs.insert(run, epoch);
        } else {
            held.runs.remove(&run);
        }
    }

    /// Who works on these runs hears of it.
    fn tell(&self, runs: impl IntoIterator<Item = RunId>, epoch: Epoch) {
        let held = self.database.held();
        for run in runs {
            if held.runs.get(&run).is_some_and(|owner| *owner != epoch) {
                held.tell(epoch, &News::Run(run));
            }
        }
    }
}

fn told(messages: &[Message]) -> Vec<RunId> {
    messages.iter().map(|message| message.record.run).collect()
}

#[async_trait]
impl Store for SharedStore {
    fn epoch(&self) -> Epoch {
        self.member.epoch()
    }

    fn next_record(&self) -> RecordId {
        self.rows().next_record()
    }

    async fn put_draft(&self, draft: Draft) -> Result<WorkflowRow, StoreError> {
        self.fence()?;
        self.rows().put_draft(draft).await
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        self.rows().workflow(id).await
    }

    async fn workflows(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        self.rows().workflows().await
    }

    async fn commit_workflow(&self, change: WorkflowChange) -> Result<(), CommitError> {
        let epoch = self.fence()?;
        let id = change.id.clone();
        self.rows().commit_workflow(change).await?;
        let mut held = self.database.held();
        held.workflows.entry(id.clone()).or_default().insert(epoch);
        held.tell(epoch, &News::Workflow(id));
        Ok(())
    }

    async fn version(&self, id: VersionId) -> Result<Option<VersionRow>, StoreError> {
        self.rows().version(id).await
    }

    async fn versions(
        &self,
        workflow: &WorkflowId,
    ) -> Result<Vec<(VersionRow, Option<ActivationRow>)>, StoreError> {
        self.rows().versions(workflow).await
    }

    async fn activation(&self, id: ActivationId) -> Result<Option<ActivationRow>, StoreError> {
        self.rows().activation(id).await
    }

    async fn start_run(&self, start: StartRun) -> Result<Started, StoreError> {
        let epoch = self.fence()?;
        let (run, owned, told) = (start.run.id, start.owned, told(&start.messages));
        let started = self.rows().start_run(start).await?;
        if started == Started::Created {
            self.hold(run, owned, epoch);
            self.tell(told, epoch);
        }
        Ok(started)
    }

    async fn commit_run(&self, change: RunChange) -> Result<(), CommitError> {
        let epoch = self.fence()?;
        if !self.may_move(change.id, epoch) {
            return Err(CommitError::Conflict);
        }
        let mut holds = vec![(change.id, change.owned)];
        holds.extend(change.called.iter().map(|start| (start.run.id, start.owned)));
        let mut heard = told(&change.messages);
        heard.extend(change.called.iter().flat_map(|start| told(&start.messages)));
        self.rows().commit_run(change).await?;
        for (run, owned) in holds {
            self.hold(run, owned, epoch);
        }
        self.tell(heard, epoch);
        Ok(())
    }

    async fn append_callback(&self, callback: Callback) -> Result<(), CommitError> {
        let epoch = self.fence()?;
        let run = callback.record.run;
        self.rows().append_callback(callback).await?;
        self.tell([run], epoch);
        Ok(())
    }

    async fn addressee(&self, run: RunId, wanted: Wanted) -> Result<Option<Addressee>, StoreError> {
        self.rows().addressee(run, wanted).await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        self.rows().run(id).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.rows().runs(filter).await
    }

    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError> {
        self.rows().journal(run).await
    }

    async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>, StoreError> {
        self.rows().records(ids).await
    }

    async fn inbox(&self, run: RunId) -> Result<Vec<InboxEntry>, StoreError> {
        self.rows().inbox(run).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>, StoreError> {
        self.rows().due(now, limit).await
    }

    async fn has_place(&self, run: RunId) -> Result<bool, StoreError> {
        self.rows().has_place(run).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.rows().next_due().await
    }

    async fn adopt_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let epoch = self.fence()?;
        // For the one store all processes are one, so what it finds are runs that were set aside.
        let mut adopted = self.rows().adopt_runs(limit).await?;
        let mut held = self.database.held();
        let left = held.runs.iter().filter(|(_, owner)| **owner > Epoch(0) && !held.is_alive(**owner));
        adopted.extend(left.map(|(run, _)| *run).take(limit - adopted.len()));
        held.runs.extend(adopted.iter().map(|run| (*run, epoch)));
        Ok(adopted)
    }

    async fn adopt_workflows(&self) -> Result<Vec<AdoptedWorkflow>, StoreError> {
        let epoch = self.fence()?;
        let mut adopted = Vec::new();
        for (id, others) in self.database.adopt_workflows(epoch) {
            let row = self.rows().workflow(&id).await?;
            adopted.extend(row.map(|row| AdoptedWorkflow { row, others }));
        }
        Ok(adopted)
    }

    async fn once(&self, execution: ExecutionId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.rows().once(execution, name).await
    }

    async fn record_once(&self, value: OnceValue) -> Result<(), CommitError> {
        let epoch = self.fence()?;
        if self.database.held().runs.get(&value.execution.run) != Some(&epoch) {
            return Err(CommitError::Conflict);
        }
        self.rows().record_once(value).await
    }

    async fn put_token(&self, hash: [u8; 32], name: &str, now: Timestamp) -> Result<(), StoreError> {
        self.fence()?;
        self.rows().put_token(hash, name, now).await
    }

    async fn has_token(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        self.rows().has_token(hash).await
    }

    async fn news(&self) -> News {
        let mut heard = self.heard.lock().await;
        tokio::select! {
            biased;
            () = self.member.lost() => News::LeaseLost,
            Some(news) = heard.recv() => news,
        }
    }

    async fn pass_on_cancel(&self, run: RunId) -> Result<bool, StoreError> {
        self.database.held().tell(self.epoch(), &News::Cancel(run));
        Ok(true)
    }

    async fn leave(&self) -> Result<(), StoreError> {
        self.database.give_up(self.epoch());
        self.member.lose(self.epoch());
        Ok(())
    }

    async fn take_part_again(&self) -> Result<(), StoreError> {
        self.leave().await?;
        self.member.begin(self.database.enter());
        Ok(())
    }
}

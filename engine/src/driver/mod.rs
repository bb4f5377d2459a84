//! The driver: claims work, calls handlers, feeds the core, commits what it decides.

mod activation;
mod answer;
mod blocks;
mod busy;
mod call;
mod called;
mod callee;
mod changes;
mod clock;
mod connections;
mod draft;
mod first_answer;
mod inbound;
mod index_key;
mod limits;
mod making;
mod needed;
mod news;
mod operations;
mod options;
mod question;
mod refused;
mod replay;
mod request;
mod retention;
mod room;
mod run;
mod sample;
mod services;
mod slots;
mod start;
mod stop;
mod stored_configs;
mod timer;
mod trigger_call;
mod unreadable;
mod values;
mod version;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use stepwell::block::BlockDefinition;
use stepwell::http_client::HttpTransport;
use stepwell::manifest::Manifest;
use stepwell::network::Network;
use stepwell::request::Request;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use activation::decode_workflow;
pub use answer::{CallbackAnswer, Refusal, TriggerAnswer};
pub use blocks::Unfit;
pub use changes::{Change, Heard, Listener};
pub use clock::{Clock, SystemClock};
pub use draft::Drafted;
pub use limits::Limits;
pub use operations::{Action, HIGHEST_RATE, Operation, OperationStatus, RATE, Selection};
pub use options::OptionsRequest;
pub use question::{Asked, OpenQuestion};
pub use refused::{Unstarted, UnstartedRequest};
pub use replay::ReplayOn;
pub use retention::{Removed, Retention};
pub use sample::Sample;
pub use unreadable::{Unreadable, UnreadableRun};

use crate::connections::ConnectionProvider;
use crate::core::run::Event;
use crate::definition::{Catalog, Problem};
use crate::model::{ActivationId, ExecutionId, RunId, RunStatus, VersionId, WorkflowId};
use crate::secrets::{Keys, Urls};
use crate::store::{Store, StoreError, VersionRow};
use changes::Changes;
use run::{Nudge, RunTask};
use slots::Slots;
use version::Version;

/// What a driver works with.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The keys for tokens and private values.
    pub keys: Arc<Keys>,
    /// The addresses that are told outside.
    pub urls: Urls,
    /// How outgoing requests are sent.
    pub http: Arc<dyn HttpTransport>,
    /// How the hosts of other connections are looked up.
    pub network: Arc<dyn Network>,
    /// Where the credentials of connections come from, before the database is asked.
    pub connections: Arc<dyn ConnectionProvider>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The limits.
    pub limits: Limits,
    /// What is kept of what has ended.
    pub retention: Retention,
    /// The blocks.
    pub blocks: Vec<&'static BlockDefinition>,
}

/// Runs the lifecycles of all workflows of a store. Cheap to clone.
#[derive(Clone)]
pub struct Driver {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    keys: Arc<Keys>,
    urls: Urls,
    http: Arc<dyn HttpTransport>,
    network: Arc<dyn Network>,
    connections: Arc<dyn ConnectionProvider>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    retention: Retention,
    blocks: HashMap<String, &'static BlockDefinition>,
    manifest: Manifest,
    catalog: Arc<Catalog>,
    /// The versions that were used, or why this binary cannot run them.
    versions: Mutex<HashMap<VersionId, Result<Arc<Version>, String>>>,
    tasks: Mutex<HashMap<RunId, mpsc::UnboundedSender<Nudge>>>,
    /// How many runs are about to be started.
    starting: AtomicUsize,
    workflow_timers: Mutex<HashMap<WorkflowId, timer::WorkflowTimer>>,
    making: Mutex<making::Calls>,
    slots: Arc<Slots>,
    /// The versions that the last pass of retention has found out of use. Held during a pass.
    unused: tokio::sync::Mutex<HashSet<VersionId>>,
    unstarted: refused::UnstartedRequests,
    changes: Changes,
    timer: Notify,
    /// Cancelled when the lease that this process has now is lost.
    lease: Mutex<CancellationToken>,
    /// Shared by what moves a workflow on under a lease, and held alone until all that was under way is taken up under
    /// a new one.
    takes_part: tokio::sync::RwLock<()>,
    stopping: CancellationToken,
    tracker: TaskTracker,
    busy: busy::Busy,
}

/// Why a driver cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The registered blocks contradict each other.
    #[error("the registered blocks have {} problem(s): {}", .0.len(), describe(.0))]
    Blocks(Vec<Problem>),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
}

fn describe(problems: &[Problem]) -> String {
    let problems: Vec<_> =
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    problems.join("; ")
}

impl Driver {
    /// Starts the driver and goes on with what was under way when the last one stopped.
    ///
    /// # Errors
    ///
    /// When two blocks have the same id, or the database fails.
    pub async fn launch(parts: Parts) -> Result<Self, StartError> {
        let Parts { store, keys, urls, http, network, connections, clock, limits, retention, blocks } = parts;
        let manifest =
            Manifest::of(&blocks, &stepwell::connection::registered(), &stepwell::options::registered());
        let catalog = Catalog::new(&manifest).map_err(StartError::Blocks)?;
        let catalog = Arc::new(catalog.checked_by(blocks.iter().copied()));
        let inner = Arc::new(Inner {
            store,
            keys,
            urls,
            http,
            network,
            connections,
            clock,
            limits,
            slots: Arc::new(Slots::new(limits.attempts, blocks.iter().copied())),
            retention,
            blocks: blocks.into_iter().map(|block| (block.id(), block)).collect(),
            manifest,
            catalog,
            versions: Mutex::default(),
            tasks: Mutex::default(),
            starting: AtomicUsize::new(0),
            workflow_timers: Mutex::default(),
            making: Mutex::default(),
            unused: tokio::sync::Mutex::default(),
            unstarted: refused::UnstartedRequests::default(),
            changes: Changes::new(),
            timer: Notify::new(),
            lease: Mutex::default(),
            takes_part: tokio::sync::RwLock::default(),
            stopping: CancellationToken::new(),
            tracker: TaskTracker::new(),
            busy: busy::Busy::new(),
        });
        inner.leave_unfit_versions().await?;
        inner.store.take_back().await?;
        inner.recover_workflows(&inner.lease()).await?;
        inner.tracker.spawn(Arc::clone(&inner).keep_time());
        inner.tracker.spawn(Arc::clone(&inner).hear_news());
        inner.tracker.spawn(Arc::clone(&inner).keep_retention());
        Ok(Self { inner })
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.inner.store
    }

    /// The registered blocks.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// The registered blocks as data.
    pub fn manifest(&self) -> &Manifest {
        &self.inner.manifest
    }

    /// The addresses that are told outside.
    pub fn urls(&self) -> &Urls {
        &self.inner.urls
    }

    /// How much may be under way, and for how long.
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Publishes the draft as a new version. Returns when its activation has settled.
    ///
    /// # Errors
    ///
    /// When the draft has problems, `activate` fails, or it takes longer than 30 s.
    pub async fn enable(&self, id: &WorkflowId) -> Result<VersionRow, Refusal> {
        self.inner.enable(id).await
    }

    /// Stops the workflow's URLs in one transaction, and deactivates its trigger.
    ///
    /// # Errors
    ///
    /// When the workflow does not exist or is not enabled.
    pub async fn disable(&self, id: &WorkflowId) -> Result<(), Refusal> {
        self.inner.disable(id).await
    }

    /// Calls `deactivate` again at once for every trigger of the workflow for which it has failed, be it given up or
    /// to be called again later (t8). Returns when that is durable.
    ///
    /// # Errors
    ///
    /// When the workflow does not exist, or there is no such trigger.
    pub async fn deactivate_again(&self, id: &WorkflowId) -> Result<(), Refusal> {
        self.inner.deactivate_again(id).await
    }

    /// Starts a run of the enabled version by hand.
    ///
    /// # Errors
    ///
    /// When the workflow is not enabled, the outcome or its data does not fit the trigger, or as many runs are under
    /// way as there may be.
    pub async fn start_run(
        &self,
        id: &WorkflowId,
        outcome: Option<String>,
        data: Value,
    ) -> Result<RunId, Refusal> {
        self.inner.start_by_hand(id, outcome, data).await
    }

    /// Handles a request to an activation's URL.
    pub async fn trigger(&self, activation: ActivationId, request: Request) -> TriggerAnswer {
        let answer = self.inner.receive_event(activation, request).await;
        self.inner.unstarted.count(activation, &answer, self.inner.clock.now());
        answer
    }

    /// What came to an activation's URL and started no run, since this process started.
    pub fn unstarted(&self, activation: ActivationId) -> Unstarted {
        self.inner.unstarted.of(activation)
    }

    /// Handles a request to an execution's URL.
    pub async fn callback(&self, execution: ExecutionId, request: Request) -> CallbackAnswer {
        self.inner.receive_callback(execution, request).await
    }

    /// Goes on with a failed run from the steps that failed.
    ///
    /// # Errors
    ///
    /// When the run does not exist or has not failed.
    pub async fn retry(&self, run: RunId) -> Result<(), Refusal> {
        self.ask_here(run, Event::Retry).await?.ok_or_else(elsewhere)?
    }

    /// Asks the task of a run in this process. There is no answer if the run is worked on elsewhere.
    async fn ask_here(&self, run: RunId, event: Event) -> Result<Option<Result<(), Refusal>>, Refusal> {
        let row = self.inner.store.run(run).await?;
        let row = row.ok_or_else(|| Refusal::NotFound(format!("There is no run `{run}`")))?;
        if let Err(version::Unrunnable::Unfit { problem, .. }) = self.inner.version(row.version).await {
            let message = format!("the run waits for a binary with its blocks: {problem}");
            return Err(Refusal::Conflict(message));
        }
        let (answer, answered) = oneshot::channel();
        self.inner.nudge(run, Nudge::Ask(event, answer));
        Ok(answered.await.ok())
    }

    /// Hears of every change from now on.
    pub fn listen(&self) -> Listener {
        self.inner.changes.subscribe()
    }

    /// Returns when the engine has begun to stop.
    pub async fn stopping(&self) {
        self.inner.stopping.cancelled().await;
    }

    /// Returns when the run may have changed, at the latest after `timeout`.
    pub async fn changed(&self, run: RunId, timeout: Duration) {
        let mut listener = self.inner.changes.subscribe();
        // Running out of time is an answer too.
        let _ = tokio::time::timeout(timeout, listener.changed_run(run)).await;
    }

    /// Returns when `done` holds of the run's row, at the latest after `timeout`; the row as it is then.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn run_when(
        &self,
        run: RunId,
        timeout: Duration,
        done: impl Fn(&crate::store::RunRow) -> bool,
    ) -> Result<Option<crate::store::RunRow>, StoreError> {
        let until = tokio::time::Instant::now() + timeout;
        loop {
            let mut listener = self.inner.changes.subscribe();
            let row = self.inner.store.run(run).await?;
            if row.as_ref().is_none_or(&done)
                || tokio::time::timeout_at(until, listener.changed_run(run)).await.is_err()
            {
                return Ok(row);
            }
        }
    }

    /// Stops taking work and lets the handlers end within the grace period. What is left is recovered by the
    /// next start, or by another engine on the same database.
    pub async fn shutdown(&self) {
        self.inner.stopping.cancel();
        self.inner.tracker.close();
        if tokio::time::timeout(self.inner.limits.grace, self.inner.tracker.wait()).await.is_err() {
            tracing::warn!(
                "handlers are still running after the grace period; the next start recovers their runs"
            );
        }
    }
}

impl Inner {
    /// Takes over a run whose process has died.
    fn adopt(self: &Arc<Self>, run: RunId) {
        self.nudge(run, Nudge::Adopted);
    }

    /// Tells the task of a run; false if there is none.
    fn tell(&self, run: RunId, nudge: Nudge) -> bool {
        let tasks = self.tasks.lock().expect("no holder panics");
        // The receiver lives as long as its entry in the map.
        tasks.get(&run).is_some_and(|task| task.send(nudge).is_ok())
    }

    /// Wakes the task of a run, or starts it.
    fn nudge(self: &Arc<Self>, run: RunId, nudge: Nudge) {
        if self.stopping.is_cancelled() || self.lease().is_cancelled() {
            return;
        }
        let mut tasks = self.tasks.lock().expect("no holder panics");
        if let Some(task) = tasks.get(&run) {
            // The receiver lives as long as its entry in the map.
            let _ = task.send(nudge);
            return;
        }
        if tasks.len() >= room::most_awake(self.limits.runs) && matches!(nudge, Nudge::Look) {
            drop(tasks);
            return self.timer.notify_one();
        }
        let (sender, nudges) = mpsc::unbounded_channel();
        let orphaned = matches!(nudge, Nudge::Adopted);
        if !orphaned {
            // Its receiver is at hand.
            let _ = sender.send(nudge);
        }
        tasks.insert(run, sender);
        self.work(RunTask::resume(Arc::clone(self), run, orphaned, nudges));
    }

    /// Takes a run out of memory.
    fn forget(&self, run: RunId) {
        self.tasks.lock().expect("no holder panics").remove(&run);
    }

    /// Takes a run out of memory unless it was nudged meanwhile.
    fn forget_idle(&self, run: RunId, nudges: &mpsc::UnboundedReceiver<Nudge>) -> bool {
        let mut tasks = self.tasks.lock().expect("no holder panics");
        let idle = nudges.is_empty();
        if idle {
            tasks.remove(&run);
        }
        idle
    }

    fn run_changed(&self, run: RunId, status: Option<RunStatus>) {
        self.changes.tell(Change::Run(run, status));
    }

    fn workflow_changed(&self, id: &WorkflowId) {
        self.changes.tell(Change::Workflow(id.clone()));
    }
}

/// The answer where a run that somebody asks for is not worked on here.
fn elsewhere() -> Refusal {
    Refusal::Conflict("the run cannot be worked on now; see the log".into())
}

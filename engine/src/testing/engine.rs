//! The engine under test.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use stepwell::block::BlockDefinition;
use stepwell::config::Config;
use stepwell::connection::Connection;
use stepwell::http_client::HttpTransport;
use stepwell::outcome::Outcome;
use stepwell::request::Request;
use stepwell::response::Response;
use tokio::sync::{Mutex, OwnedSemaphorePermit};

use super::clock::TestClock;
use super::crash::Setup;
use super::database::{Database, in_memory};
use super::faults::Moments;
use super::process::{PUBLIC_URL, Process};
use super::start::{definition, of_step, of_trigger};
use super::{TestRun, TestTrigger};
use crate::connections::ProgramConnections;
use crate::definition::Definition;
use crate::driver::{
    Action, Clock as _, HIGHEST_RATE, Limits, Refusal, Removed, Retention, Selection, Unfit,
};
use crate::model::{Entry, OperationId, RunId, WorkflowId, decode_entries};
use crate::secrets::Keys;
use crate::store::{ActivationRow, RunFilter, VersionRow};

/// How long the engine may be busy, in real time, before a test that waits for it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The real engine with the blocks of this binary, on a database in memory. Clones are the same engine.
///
/// The clock stands at 2026-01-01T00:00:00Z until [`advance`](Self::advance) moves it. Outgoing HTTP is refused
/// and there are no connections, unless the [`Setup`] gives them.
#[derive(Clone)]
pub struct TestEngine(pub(super) Arc<Shared>);

/// What outlives a process.
pub(super) struct Shared {
    pub(super) setup: Setup,
    pub(super) clock: TestClock,
    pub(super) database: Arc<dyn Database>,
    pub(super) keys: Arc<Keys>,
    pub(super) moments: Arc<Moments>,
    pub(super) records_read: Arc<AtomicU64>,
    /// The blocks of the next process, if not those of this binary.
    pub(super) blocks: std::sync::Mutex<Option<Vec<&'static BlockDefinition>>>,
    /// The connections of the next process.
    pub(super) connections: std::sync::Mutex<ProgramConnections>,
    pub(super) process: Mutex<Option<Process>>,
}

/// Lets no handler of a step start as long as it lives.
#[must_use]
pub struct Held {
    _slots: OwnedSemaphorePermit,
}

impl TestEngine {
    /// An engine without connections whose blocks send no HTTP.
    pub async fn new() -> Self {
        Setup::new().start().await
    }

    /// An engine whose blocks receive this connection.
    pub async fn with_connection<C: Connection>(connection: &C) -> Self {
        Setup::new().connection(connection).start().await
    }

    /// An engine whose outgoing HTTP this answers.
    pub async fn with_http(http: Arc<dyn HttpTransport>) -> Self {
        Setup::new().http(http).start().await
    }

    pub(super) async fn start(setup: Setup, moments: Arc<Moments>) -> Self {
        let database = (setup.database)().await;
        let engine = Self(Arc::new(Shared {
            connections: std::sync::Mutex::new(setup.connections.clone()),
            setup,
            clock: TestClock::new(),
            database,
            keys: Arc::new(Keys::ephemeral()),
            moments,
            records_read: Arc::default(),
            blocks: std::sync::Mutex::default(),
            process: Mutex::new(None),
        }));
        engine.settle().await;
        engine
    }

    /// The engine's time.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Moves the clock. What falls due on the way is done at its time, one after the other.
    ///
    /// # Panics
    ///
    /// When the engine is still busy after 20 s of real time.
    pub async fn advance(&self, by: Duration) {
        let until = self.now().checked_add(by).expect("the time is within the calendar");
        loop {
            self.settle().await;
            let next = self.call(|driver| async move { driver.next_due().await }).await;
            let Ok(next) = next else { continue };
            match next.expect("the database works").filter(|next| *next <= until) {
                Some(next) => self.0.clock.set(next.max(self.now())),
                None if self.now() == until => return,
                None => self.0.clock.set(until),
            }
        }
    }

    /// Sets the clock at one go, forward or back, as an operator or a time server does. What falls due by that is
    /// done when this returns.
    ///
    /// # Panics
    ///
    /// When the engine is still busy after 20 s of real time.
    pub async fn set_clock(&self, now: Timestamp) {
        self.settle().await;
        self.0.clock.set(now);
        self.settle().await;
    }

    /// Waits until nothing is under way and nothing is due: every run has ended, waits, or is to be retried later.
    ///
    /// # Panics
    ///
    /// When the engine is still busy after 20 s of real time.
    pub async fn settle(&self) {
        loop {
            if let Ok(idle) = self.call(|driver| async move { driver.idle(PATIENCE).await }).await {
                let idle = idle.expect("the database works");
                assert!(
                    idle,
                    "the engine is still busy after {} s; does a handler hang?",
                    PATIENCE.as_secs()
                );
                return;
            }
        }
    }

    /// How many records of the journal have been read from the database so far: what it costs to wake a run.
    pub fn records_read(&self) -> u64 {
        self.0.records_read.load(Ordering::SeqCst)
    }

    /// Kills the process where it stands and starts another on the same data.
    pub async fn crash(&self) {
        if let Some(process) = self.0.process.lock().await.as_ref() {
            process.life.end();
        }
        self.settle().await;
    }

    /// Kills the process and starts another on the same data, with these blocks only: another release of the binary.
    pub async fn restart_with(&self, blocks: Vec<&'static BlockDefinition>) {
        *self.0.blocks.lock().expect("no holder panics") = Some(blocks);
        self.crash().await;
    }

    /// Kills the process and starts another on the same data that has no connections.
    #[doc(hidden)]
    pub async fn restart_without_connections(&self) {
        *self.0.connections.lock().expect("no holder panics") = ProgramConnections::new();
        self.crash().await;
    }

    /// The blocks that are missing in this process or no longer accept what is stored.
    pub async fn unfit_blocks(&self) -> Vec<Unfit> {
        self.read(|driver| async move { driver.unfit_blocks().await }).await
    }

    /// Kills the process, lets time pass while none runs, and starts another on the same data.
    pub async fn down_for(&self, time: Duration) {
        if let Some(process) = self.0.process.lock().await.as_ref() {
            process.life.end();
        }
        self.0.clock.set(self.now().checked_add(time).expect("the time is within the calendar"));
        self.settle().await;
    }

    /// Lets no handler of a step start until what this returns is dropped, for instance to send a callback before
    /// `execute` is called. Returns when none is running; a crash lets go as well.
    pub async fn hold(&self) -> Held {
        loop {
            if let Ok(permit) = self.call(|driver| async move { driver.hold().await }).await {
                return Held { _slots: permit };
            }
        }
    }

    /// Runs a workflow of this one step and waits until it ends or waits.
    ///
    /// # Panics
    ///
    /// When the function is no `#[step]`, or the config does not fit.
    pub async fn run<C, X, F, Fut>(&self, step: F, config: C) -> TestRun
    where
        F: Fn(C, X) -> Fut,
        C: Config + Serialize,
    {
        let run = self.start_run(step, config).await;
        self.settle().await;
        run
    }

    /// As [`run`](Self::run), without waiting.
    ///
    /// # Panics
    ///
    /// When the function is no `#[step]`, or the config does not fit.
    pub async fn start_run<C, X, F, Fut>(&self, step: F, config: C) -> TestRun
    where
        F: Fn(C, X) -> Fut,
        C: Config + Serialize,
    {
        let workflow = self.next_workflow().await;
        let one_step = of_step(definition(&step), &config, &self.connections());
        self.enable(&workflow, &one_step).await.expect("a workflow of one step is enabled");
        self.start_workflow(&workflow, Value::Null).await
    }

    /// The connections of the next process.
    pub(super) fn connections(&self) -> ProgramConnections {
        self.0.connections.lock().expect("no holder panics").clone()
    }

    /// Enables a workflow of this trigger alone.
    ///
    /// # Errors
    ///
    /// The message of `activate`, or what is wrong with the config.
    ///
    /// # Panics
    ///
    /// When the function is no `#[trigger]`.
    pub async fn trigger<C, X, F, Fut>(&self, trigger: F, config: C) -> Result<TestTrigger, String>
    where
        F: Fn(Request, C, X) -> Fut,
        C: Config + Serialize,
    {
        let workflow = self.next_workflow().await;
        let trigger = TestTrigger::new(self.clone(), workflow, definition(&trigger));
        trigger.enable(&of_trigger(trigger.block(), &config, &self.connections())).await?;
        Ok(trigger)
    }

    /// Enables a whole workflow, as a file defines it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, or the message of `activate`.
    pub async fn enable(&self, workflow: &str, definition: &Value) -> Result<(), String> {
        let parsed = Definition::from_value(definition).map_err(|problems| format!("{problems:?}"))?;
        let id = WorkflowId(workflow.to_owned());
        let before = self.versions(&id).await.len();
        loop {
            let (workflow, draft) = (id.clone(), parsed.definition.clone());
            let enabled = self.call(|driver| async move {
                driver.put_draft(&workflow, &draft).await?;
                driver.enable(&workflow).await
            });
            if let Ok(result) = enabled.await {
                return result.map(|_: VersionRow| ()).map_err(|refusal: Refusal| match refusal {
                    Refusal::Problems(problems) => format!("{problems:?}"),
                    refusal => refusal.to_string(),
                });
            }
            // Who enables looks again after a crash.
            self.settle().await;
            if self.versions(&id).await.len() > before {
                return Ok(());
            }
        }
    }

    /// Disables a workflow and waits until its trigger is deactivated, or to be tried again later.
    ///
    /// # Errors
    ///
    /// When it is not enabled.
    pub async fn disable(&self, workflow: &str) -> Result<(), String> {
        let id = WorkflowId(workflow.to_owned());
        loop {
            let asked = id.clone();
            let disabled = self.call(|driver| async move { driver.disable(&asked).await }).await;
            let accepts = async || {
                self.versions(&id).await.iter().any(|(_, it)| it.as_ref().is_some_and(|it| it.accepts))
            };
            match disabled {
                // Who disables looks again after a crash.
                Err(_) if accepts().await => {}
                Ok(Err(refusal)) => return Err(refusal.to_string()),
                Ok(Ok(())) | Err(_) => break,
            }
        }
        self.settle().await;
        Ok(())
    }

    /// Starts a run of an enabled workflow by hand, with the only outcome of its trigger.
    ///
    /// # Panics
    ///
    /// When the workflow is not enabled, or the data does not fit the outcome.
    pub async fn start_workflow(&self, workflow: &str, data: Value) -> TestRun {
        let id = WorkflowId(workflow.to_owned());
        let before = self.runs(&id).await;
        loop {
            let (id, data) = (id.clone(), data.clone());
            let started = self.call(|driver| async move { driver.start_run(&id, None, data).await }).await;
            if let Ok(run) = started {
                return TestRun::new(self.clone(), run.expect("the workflow is enabled"));
            }
            let id = WorkflowId(workflow.to_owned());
            if let Some(run) = self.runs(&id).await.into_iter().find(|run| !before.contains(run)) {
                return TestRun::new(self.clone(), run);
            }
        }
    }

    /// Where the newest version of a workflow receives its requests.
    ///
    /// # Panics
    ///
    /// When the workflow was never enabled.
    pub async fn trigger_callback_url(&self, workflow: &str) -> String {
        let versions = self.versions(&WorkflowId(workflow.to_owned())).await;
        let activation = versions.into_iter().next().and_then(|(_, activation)| activation);
        let id = activation.expect("the workflow was enabled").id;
        self.read(move |driver| async move { Ok::<_, String>(driver.urls().trigger_callback_url(id)) }).await
    }

    /// The outcomes of a workflow's trigger that have started runs, oldest first.
    pub async fn started(&self, workflow: &str) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for run in self.runs(&WorkflowId(workflow.to_owned())).await {
            let journal = self.read(move |driver| async move { driver.store().journal(run).await }).await;
            let entries = journal.first().map(|record| decode_entries(&record.body));
            match entries.and_then(|entries| entries.ok()?.into_iter().next()) {
                Some(Entry::RunStarted { outcome, data, .. }) => outcomes.push(Outcome { id: outcome, data }),
                other => panic!("a run begins with its outcome, not with {other:?}"),
            }
        }
        outcomes
    }

    /// Sends a request to the engine, as a provider does: again if the process dies before it has answered.
    pub async fn request(&self, url: &str, request: Request) -> Response {
        loop {
            let target = url.strip_prefix(PUBLIC_URL).unwrap_or(url).to_owned();
            let request = request.clone();
            let answered =
                self.call(|driver| async move { crate::http::answer(driver, &target, &request).await });
            if let Ok(response) = answered.await {
                return response;
            }
        }
    }

    /// Removes what is no longer kept, as the engine does every minute by itself; after a crash again.
    pub async fn apply_retention(&self) -> Removed {
        self.read(|driver| async move { driver.apply_retention().await }).await
    }

    /// Begins to apply an action to all runs that a filter selects, fast; [`settle`](Self::settle) waits for its end.
    pub async fn start_operation(&self, action: Action, filter: Selection) -> OperationId {
        loop {
            let wanted = filter.clone();
            let started =
                self.call(|driver| async move { driver.start_operation(action, wanted, HIGHEST_RATE).await });
            if let Ok(id) = started.await {
                return id.expect("the database in memory works");
            }
            // Who asks looks again after a crash.
            let started = self.read(|driver| async move { driver.store().operations(1).await }).await;
            if let Some(operation) = started.first() {
                return operation.id;
            }
        }
    }

    /// The runs of a workflow, oldest first.
    pub(super) async fn runs(&self, workflow: &WorkflowId) -> Vec<RunId> {
        let filter = RunFilter { workflow: Some(workflow.clone()), limit: 1000, ..RunFilter::default() };
        let rows = self.read(move |driver| {
            let filter = filter.clone();
            async move { driver.store().runs(filter).await }
        });
        let mut runs: Vec<RunId> = rows.await.into_iter().map(|row| row.id).collect();
        runs.reverse();
        runs
    }

    /// The versions of a workflow with their activations, newest first.
    pub async fn versions(&self, workflow: &WorkflowId) -> Vec<(VersionRow, Option<ActivationRow>)> {
        let workflow = workflow.clone();
        self.read(move |driver| {
            let workflow = workflow.clone();
            async move { driver.store().versions(&workflow).await }
        })
        .await
    }

    async fn next_workflow(&self) -> String {
        let workflows = self.read(|driver| async move { driver.store().workflows().await }).await;
        format!("test-{}", workflows.len() + 1)
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            database: in_memory,
            http: None,
            connections: ProgramConnections::new(),
            limits: Limits::default(),
            retention: Retention::default(),
        }
    }
}

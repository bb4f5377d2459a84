//! An engine under test, that can be killed and started again on its data.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use stepwell::block::{BlockDefinition, registered};
use stepwell::request::Request;
use stepwell_engine::connections::ProgramConnections;
use stepwell_engine::definition::Definition;
use stepwell_engine::driver::{
    CallbackAnswer, Driver, Limits, Parts, Refusal, Retention, SystemClock, TriggerAnswer,
};
use stepwell_engine::model::{
    ActivationId, AttemptResult, Entry, ExecutionId, RunId, RunStatus, WorkflowId, decode_entries,
};
use stepwell_engine::outgoing::{Guard, GuardedClient};
use stepwell_engine::secrets::{Keys, Urls};
use stepwell_engine::store::sqlite::SqliteStore;
use stepwell_engine::store::{Draft, Store, VersionRow};
use tokio::runtime::Runtime;

use crate::database::Data;

/// Long enough for any state that will ever come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Short, so that a test of a lost lease is over soon.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// A running engine.
pub(crate) struct Engine {
    pub(crate) driver: Driver,
    pub(crate) data: Data,
    pub(crate) runtime: Option<Runtime>,
}

/// A driver whose keys lie in this directory.
pub(crate) fn driver(
    store: Arc<dyn Store>,
    directory: &Path,
    limits: Limits,
    blocks: Vec<&'static BlockDefinition>,
) -> impl Future<Output = Driver> + use<> {
    let keys = Arc::new(Keys::open(directory).unwrap());
    let urls = Urls::new("http://stepwell.test".to_owned(), Arc::clone(&keys));
    let guard = Guard::new(false);
    let parts = Parts {
        store,
        keys,
        urls,
        http: Arc::new(GuardedClient::new(guard).unwrap()),
        network: Arc::new(guard),
        connections: Arc::new(ProgramConnections::new()),
        clock: Arc::new(SystemClock),
        limits,
        retention: Retention::default(),
        blocks,
    };
    async move { Driver::launch(parts).await.unwrap() }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

impl Engine {
    pub(crate) fn start() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let runtime = runtime();
        let data = runtime.block_on(Data::new());
        Self::on(data, limits, runtime)
    }

    /// With all tasks on one thread, so that those that are started one after the other begin in this order.
    pub(crate) fn in_order(limits: Limits) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let data = runtime.block_on(Data::new());
        Self::on(data, limits, runtime)
    }

    fn on(data: Data, limits: Limits, runtime: Runtime) -> Self {
        let directory = data.directory.path();
        let driver = runtime.block_on(async {
            let store: Arc<dyn Store> = match &data.shared {
                None => Arc::new(SqliteStore::open(directory).unwrap()),
                Some(shared) => Arc::new(shared.open(LEASE).await.unwrap()),
            };
            driver(store, directory, limits, registered()).await
        });
        Self { driver, data, runtime: Some(runtime) }
    }

    /// Runs a test's body on the engine's runtime.
    pub(crate) fn block_on<T>(&self, body: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(body)
    }

    /// Ends every task where it stands and starts another engine on the data as they were then.
    pub(crate) fn kill(mut self) -> Self {
        let data = self.data.copy();
        self.runtime.take().unwrap().shutdown_background();
        Self::on(data, Limits::default(), runtime())
    }

    pub(crate) async fn draft(&self, id: &str, definition: &Value) -> WorkflowId {
        let parsed = Definition::from_value(definition).unwrap();
        let id = WorkflowId(id.to_owned());
        let draft = Draft {
            id: id.clone(),
            title: parsed.definition.title.clone(),
            definition: definition.to_string(),
            now: Timestamp::now(),
        };
        self.driver.store().put_draft(draft).await.unwrap();
        id
    }

    pub(crate) async fn enable(&self, id: &str, definition: &Value) -> Result<VersionRow, Refusal> {
        let id = self.draft(id, definition).await;
        self.driver.enable(&id).await
    }

    /// The newest activation.
    pub(crate) async fn activation(&self, id: &str) -> ActivationId {
        let versions = self.driver.store().versions(&WorkflowId(id.to_owned())).await.unwrap();
        versions.iter().find_map(|(_, activation)| activation.as_ref()).unwrap().id
    }

    pub(crate) async fn event(&self, activation: ActivationId, value: i64) -> TriggerAnswer {
        self.driver.trigger(activation, signed(&json!({ "value": value }).to_string())).await
    }

    /// Starts a run by an event.
    pub(crate) async fn run(&self, id: &str) -> RunId {
        match self.event(self.activation(id).await, 1).await {
            TriggerAnswer::Started(run, _) => run,
            other => panic!("the event started no run: {other:?}"),
        }
    }

    pub(crate) async fn callback(&self, run: RunId, number: u32, body: &str) -> CallbackAnswer {
        self.driver.callback(ExecutionId { run, number }, Request::new(Method::POST, body.to_owned())).await
    }

    pub(crate) async fn finish(&self, run: RunId, number: u32, doing: &str) -> CallbackAnswer {
        self.callback(run, number, &json!({ "doing": doing }).to_string()).await
    }

    /// Waits until the run has this status.
    #[track_caller]
    pub(crate) fn reaches(&self, run: RunId, status: RunStatus) -> impl Future<Output = ()> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let row = self.driver.run_when(run, PATIENCE, |row| row.status == status).await.unwrap().unwrap();
            assert_eq!(row.status, status, "at {caller}; the journal: {:#?}", self.entries(run).await);
        }
    }

    /// Waits until the journal of the run satisfies `done`.
    #[track_caller]
    pub(crate) fn sees(
        &self,
        run: RunId,
        done: impl Fn(&[Entry]) -> bool,
    ) -> impl Future<Output = Vec<Entry>> {
        let caller = std::panic::Location::caller();
        async move {
            let until = tokio::time::Instant::now() + PATIENCE;
            loop {
                let entries = self.entries(run).await;
                if done(&entries) {
                    return entries;
                }
                assert!(tokio::time::Instant::now() < until, "at {caller}; the journal: {entries:#?}");
                self.driver.changed(run, Duration::from_millis(50)).await;
            }
        }
    }

    pub(crate) async fn entries(&self, run: RunId) -> Vec<Entry> {
        let journal = self.driver.store().journal(run).await.unwrap();
        journal.iter().flat_map(|record| decode_entries(&record.body).unwrap()).collect()
    }

    pub(crate) async fn results(&self, run: RunId) -> Vec<AttemptResult> {
        results(&self.entries(run).await)
    }
}

pub(crate) fn results(entries: &[Entry]) -> Vec<AttemptResult> {
    entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::AttemptEnded { result, .. } => Some(result.clone()),
            _ => None,
        })
        .collect()
}

/// A request with the secret that `activate` has left.
pub(crate) fn signed(body: &str) -> Request {
    let mut headers = http::HeaderMap::new();
    headers.insert("x-secret", "s3cret".parse().unwrap());
    headers.insert("authorization", "Bearer private".parse().unwrap());
    Request::new(Method::POST, body.to_owned()).with_headers(headers)
}

/// A workflow of one step that does as it is told, attempt by attempt, and another that follows it.
pub(crate) fn workflow(key: &str, doing: &[&str]) -> Value {
    json!({
        "title": "Test",
        "trigger": { "block": "stepwell-engine/event", "config": { "key": key }, "on": { "happened": "first" } },
        "steps": {
            "first": {
                "block": "stepwell-engine/act",
                "config": { "key": key, "doing": doing },
                "on": { "done": "second" },
            },
            "second": {
                "block": "stepwell-engine/act",
                "config": { "key": format!("{key}-{{{{ first.by }}}}"), "doing": ["done"] },
                "on": { "done": "end" },
            },
        },
    })
}

/// Waits until a condition holds.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    let until = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < until, "it never came to hold");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

//! Contexts for unit tests: a block's handlers are plain functions, call them with one of these.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;

use crate::connection::NoConnection;
use crate::context::{
    ActivateContext, CancelContext, DeactivateContext, ExecuteContext, FinishContext, HandshakeContext,
    RenewContext, StepCall, StepMetadata, TickContext, TickTime, TriggerCall, TriggerContext,
    TriggerMetadata, WakeContext,
};
use crate::error::StepError;
use crate::http_client::{HttpError, HttpRequest, HttpResponse, HttpTransport};
use crate::network::{Network, NetworkError};
use crate::options::OptionsContext;
use crate::services::{Services, StepServices};

/// 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// The surroundings of a handler under test. `C` is the connection that it receives.
pub struct Testing<C = NoConnection> {
    /// What the handlers of a step are told.
    pub step: StepMetadata,
    /// What the handlers of a trigger are told.
    pub trigger: TriggerMetadata,
    /// Where the trigger receives its requests.
    pub trigger_callback_url: String,
    /// What answers outgoing requests; by default each is refused.
    pub http: Arc<dyn HttpTransport>,
    /// What looks up the hosts of other connections; by default [`loopback`].
    pub network: Arc<dyn Network>,
    /// The connection.
    pub connection: C,
    /// The time that `cx.now()` tells; the start of 2026 by default.
    pub now: Timestamp,
    recorded: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl Testing {
    /// Surroundings without a connection.
    pub fn new() -> Self {
        Self::with_connection(NoConnection)
    }
}

impl Default for Testing {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Clone> Testing<C> {
    /// Surroundings with this connection.
    pub fn with_connection(connection: C) -> Self {
        let workflow_url = "https://stepwell.test/workflows/test".to_owned();
        Self {
            step: StepMetadata {
                workflow_id: "test".into(),
                workflow_version_id: "test-version".into(),
                workflow_block_id: "step".into(),
                workflow_run_id: "test-run".into(),
                unique_execution_id: "test-run-1".into(),
                workflow_title: "Test".into(),
                workflow_url: workflow_url.clone(),
                run_url: "https://stepwell.test/runs/test-run".into(),
                finish_callback_url: "https://stepwell.test/callbacks/finish/test".into(),
                attempt: 1,
            },
            trigger: TriggerMetadata {
                workflow_id: "test".into(),
                workflow_version_id: "test-version".into(),
                workflow_block_id: "trigger".into(),
                unique_activation_id: "test-activation".into(),
                workflow_title: "Test".into(),
                workflow_url,
            },
            trigger_callback_url: "https://stepwell.test/callbacks/trigger/test".into(),
            http: Arc::new(NoHttp),
            network: loopback(),
            connection,
            now: START,
            recorded: Arc::default(),
        }
    }

    /// A context for `execute`. Values that `once` has recorded stay recorded for the next context.
    pub fn execute(&self) -> ExecuteContext<C> {
        ExecuteContext::new(self.step_call())
    }

    /// A context for `finish`.
    pub fn finish<S>(&self, state: S) -> FinishContext<S, C> {
        FinishContext::new(self.step_call(), state)
    }

    /// A context for `wake`.
    pub fn wake<S>(&self, state: S) -> WakeContext<S, C> {
        WakeContext::new(self.step_call(), state)
    }

    /// A context for `cancel`.
    pub fn cancel<S>(&self, state: S) -> CancelContext<S, C> {
        CancelContext::new(self.step_call(), state)
    }

    /// A context for `trigger`.
    pub fn trigger<R>(&self, registration: R) -> TriggerContext<R, C> {
        TriggerContext::new(self.trigger_call(), self.trigger_callback_url.clone(), registration)
    }

    /// A context for `activate`.
    pub fn activate(&self) -> ActivateContext<C> {
        ActivateContext::new(self.trigger_call(), self.trigger_callback_url.clone())
    }

    /// A context for `renew`.
    pub fn renew<R>(&self, registration: R) -> RenewContext<R, C> {
        RenewContext::new(self.trigger_call(), self.trigger_callback_url.clone(), registration)
    }

    /// A context for a `tick` that is due at this time, and was not missed; the next is to follow it.
    pub fn tick<R>(&self, time: Timestamp, registration: R) -> TickContext<R, C> {
        let tick = TickTime { time, following: time, missed: false };
        TickContext::new(self.trigger_call(), self.trigger_callback_url.clone(), registration, tick)
    }

    /// A context for `deactivate`.
    pub fn deactivate<R>(&self, registration: R) -> DeactivateContext<R, C> {
        DeactivateContext::new(self.trigger_call(), registration)
    }

    /// A context for `handshake`.
    pub fn handshake(&self) -> HandshakeContext<C> {
        HandshakeContext::new(self.trigger_call(), self.trigger_callback_url.clone())
    }

    /// A context for a function that looks options up.
    pub fn options(&self) -> OptionsContext<C> {
        OptionsContext::new(self.services(), self.connection.clone())
    }

    fn step_call(&self) -> StepCall<C> {
        StepCall::new(self.step.clone(), self.services(), self.connection.clone())
    }

    fn trigger_call(&self) -> TriggerCall<C> {
        TriggerCall {
            metadata: self.trigger.clone(),
            services: self.services(),
            connection: self.connection.clone(),
        }
    }

    fn services(&self) -> Arc<TestServices> {
        Arc::new(TestServices {
            http: Arc::clone(&self.http),
            network: Arc::clone(&self.network),
            now: self.now,
            finish_callback_url: self.step.finish_callback_url.clone(),
            recorded: Arc::clone(&self.recorded),
        })
    }
}

struct TestServices {
    http: Arc<dyn HttpTransport>,
    network: Arc<dyn Network>,
    now: Timestamp,
    finish_callback_url: String,
    recorded: Arc<Mutex<BTreeMap<String, Value>>>,
}

impl Services for TestServices {
    fn http(&self) -> Arc<dyn HttpTransport> {
        Arc::clone(&self.http)
    }

    fn network(&self) -> Arc<dyn Network> {
        Arc::clone(&self.network)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

#[async_trait]
impl StepServices for TestServices {
    fn finish_link(&self, person: u32) -> String {
        format!("{}-{person}", self.finish_callback_url)
    }

    async fn recorded(&self, name: &str) -> Result<Option<Value>, StepError> {
        Ok(self.recorded.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    async fn record(&self, name: &str, value: Value) -> Result<(), StepError> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value);
        Ok(())
    }
}

/// Answers outgoing requests with a function, for [`Testing::http`] and the engine's testing kit.
///
/// ```
/// use stepwell::http_client::HttpResponse;
/// use stepwell::testing::{Testing, answering};
///
/// let mut testing = Testing::new();
/// testing.http = answering(async |request| {
///     assert_eq!(request.url, "https://provider.example/jobs");
///     Ok(HttpResponse::of_json(201, &serde_json::json!({ "id": "job-1" })))
/// });
/// ```
pub fn answering<F, A>(answer: F) -> Arc<dyn HttpTransport>
where
    F: Fn(HttpRequest) -> A + Send + Sync + 'static,
    A: Future<Output = Result<HttpResponse, HttpError>> + Send + 'static,
{
    Arc::new(Answering(answer))
}

struct Answering<F>(F);

#[async_trait]
impl<F, A> HttpTransport for Answering<F>
where
    F: Fn(HttpRequest) -> A + Send + Sync,
    A: Future<Output = Result<HttpResponse, HttpError>> + Send,
{
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        (self.0)(request).await
    }
}

/// Knows this machine alone, `localhost` and its addresses, so that a test can run a server for a block, and reaches no
/// other.
pub fn loopback() -> Arc<dyn Network> {
    Arc::new(Loopback)
}

struct Loopback;

#[async_trait]
impl Network for Loopback {
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NetworkError> {
        let address = if host == "localhost" { Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)) } else { host.parse() };
        match address {
            Ok(address) if address.is_loopback() => Ok(vec![SocketAddr::new(address, port)]),
            _ => Err(NetworkError::refused(format!(
                "this test reaches no other machine, but the handler connects to {host}; run a server on `localhost`"
            ))),
        }
    }
}

/// Refuses every request.
struct NoHttp;

#[async_trait]
impl HttpTransport for NoHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        Err(HttpError::invalid(format!(
            "this test answers no HTTP, but the handler sent {} {}; set `Testing::http`",
            request.method, request.url
        )))
    }
}

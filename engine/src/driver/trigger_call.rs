//! The calls of a trigger's handlers that an activation makes: `activate`, `renew`, `tick` and `deactivate`.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use stepwell::block::{BoxFuture, MissedTicks, TriggerHandlers, TriggerInvocation};
use stepwell::context::{TickTime, TriggerMetadata};
use stepwell::error::ActivationError;
use stepwell::trigger::{Activated, Tick};
use stepwell::when::When;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::answer::Refusal;
use super::call::{Ended, contained, private};
use super::connections::NoCredentials;
use super::making::Making;
use super::services::TriggerServices;
use super::start::Start;
use super::stop::{Stop, patiently};
use super::version::{Unrunnable, Version};
use crate::core::run::Sealed;
use crate::core::workflow::{Call, Event, Registered};
use crate::definition::TriggerInstance;
use crate::model::{ActivationId, WorkflowId};
use crate::secrets::Place;
use crate::store::{ActivationRow, StoreError};

/// How late a tick may be called and still count as on time: an engine that is busy has not missed it.
const ON_TIME: SignedDuration = SignedDuration::from_mins(1);

/// What a handler of an activation is called with.
struct Prepared {
    handlers: &'static TriggerHandlers,
    invocation: TriggerInvocation,
    version: Arc<Version>,
    registration: Value,
}

impl Inner {
    /// Calls a handler and reports what came of it. Boxed, since what comes of it may be another call.
    pub(super) fn make_call(self: Arc<Self>, id: WorkflowId, making: Making) -> BoxFuture<()> {
        Box::pin(self.call_and_report(id, making))
    }

    async fn call_and_report(self: Arc<Self>, id: WorkflowId, making: Making) {
        let (call, lease) = (making.call, making.lease.clone());
        // Under another lease the call counts as interrupted and is made again; what comes of this one comes too late.
        let event = tokio::select! {
            biased;
            () = lease.cancelled() => return,
            event = self.call(call, &lease) => event,
        };
        if let Some(event) = event {
            self.report(id, event, lease).await;
        }
    }

    /// Commits what came of a call, again and again while the database fails: it must not be lost. What another lease
    /// has taken over is not reported any more: it may be called again by then.
    pub(super) async fn report(self: Arc<Self>, id: WorkflowId, event: Event, lease: CancellationToken) {
        let mut waited = Duration::from_millis(200);
        loop {
            let reported = tokio::select! {
                biased;
                () = lease.cancelled() => return,
                reported = self.transition(&id, &event, None) => reported,
            };
            let error = match reported {
                Ok(_) => return,
                Err(Refusal::Store(error)) => error,
                Err(refusal) => {
                    tracing::error!(workflow = %id, error = %refusal, "the result of an activation call did not fit");
                    return;
                }
            };
            tracing::error!(workflow = %id, error = %error, source = %error.source, "the commit failed and is tried again");
            tokio::select! {
                biased;
                () = tokio::time::sleep(waited) => waited = (waited * 2).min(Duration::from_secs(5)),
                () = lease.cancelled() => return,
                () = self.stopping.cancelled() => return,
            }
        }
    }

    /// `None` if the engine stops before it is known what came of the call.
    async fn call(self: &Arc<Self>, call: Call, lease: &CancellationToken) -> Option<Event> {
        let (Call::Activate(id) | Call::Renew(id) | Call::Tick(id, _) | Call::Deactivate(id)) = call;
        let prepared = self.prepare(id, lease).await.ok()?;
        Some(match call {
            Call::Activate(id) => {
                let handler = prepared.and_then(|prepared| {
                    let activate = prepared.handlers.activate.ok_or_else(|| missing("activate"))?;
                    Ok(activate(prepared.invocation))
                });
                self.register(call, handler, |result| Event::Activated(id, result)).await
            }
            Call::Renew(id) => {
                let handler = prepared.and_then(|prepared| {
                    let renew = prepared.handlers.renew.ok_or_else(|| missing("renew"))?;
                    Ok(renew(prepared.invocation, prepared.registration))
                });
                self.register(call, handler, |result| Event::Renewed(id, result)).await
            }
            Call::Tick(id, time) => return self.call_tick(id, time, prepared).await,
            Call::Deactivate(id) => {
                let handler = prepared.and_then(|prepared| {
                    let deactivate = prepared.handlers.deactivate.ok_or_else(|| missing("deactivate"))?;
                    Ok(deactivate(prepared.invocation, prepared.registration))
                });
                match self.ended(call, handler).await {
                    Ok(result) => Event::Deactivated(id, result),
                    Err(interrupted) => interrupted,
                }
            }
        })
    }

    /// Waits for `activate` or `renew` and seals the registration.
    async fn register(
        &self,
        call: Call,
        handler: Result<BoxFuture<Result<Activated<Value>, ActivationError>>, String>,
        event: impl FnOnce(Result<Registered, String>) -> Event,
    ) -> Event {
        let (Call::Activate(id) | Call::Renew(id) | Call::Tick(id, _) | Call::Deactivate(id)) = call;
        match self.ended(call, handler).await {
            Ok(result) => event(result.and_then(|Activated { registration, expires, tick }| {
                let plain = private("the registration", &registration)?;
                let sealed = self.keys.seal(&purpose(id), &plain);
                Ok(Registered { registration: Sealed(sealed), expires, tick })
            })),
            Err(interrupted) => interrupted,
        }
    }

    /// Waits for a handler. An error is an interruption.
    async fn ended<T: Send + 'static>(
        &self,
        call: Call,
        handler: Result<BoxFuture<Result<T, ActivationError>>, String>,
    ) -> Result<Result<T, String>, Event> {
        let handler = match handler {
            Ok(handler) => handler,
            Err(message) => return Ok(Err(message)),
        };
        let limit = self.limits.step;
        match contained(limit, handler).await {
            Ended::Returned(result) => Ok(result.map_err(|error| error.to_string())),
            Ended::Panicked(message) => Ok(Err(format!("the handler panicked: {message}"))),
            Ended::TimedOut => {
                let message = format!("the handler did not return within {} s", limit.as_secs());
                Err(Event::Interrupted(call, message))
            }
        }
    }

    async fn call_tick(
        self: &Arc<Self>,
        id: ActivationId,
        time: Timestamp,
        prepared: Result<Prepared, String>,
    ) -> Option<Event> {
        let now = self.clock.now();
        match self.take_tick(id, time, now, prepared).await {
            Ok(next) => Some(Event::Ticked(id, Ok(next))),
            Err(TickFailed::Handler(message)) => Some(Event::Ticked(id, Err(message))),
            Err(TickFailed::Stopping) => None,
        }
    }

    /// Calls `tick` and starts the run of its outcome. Returns the next tick.
    async fn take_tick(
        self: &Arc<Self>,
        id: ActivationId,
        time: Timestamp,
        now: Timestamp,
        prepared: Result<Prepared, String>,
    ) -> Result<Option<When>, TickFailed> {
        let Prepared { handlers, invocation, version, registration } = prepared?;
        let tick = handlers.tick.ok_or_else(|| missing("tick"))?;
        let missed = now.duration_since(time) > ON_TIME;
        let following = if missed && handlers.missed != MissedTicks::All { now } else { time };
        let call = tick(invocation, TickTime { time, following, missed }, registration);
        let limit = self.limits.step;
        let Tick { outcome, next } = match contained(limit, call).await {
            Ended::Returned(Ok(tick)) => tick,
            Ended::Returned(Err(error)) => return Err(TickFailed::Handler(error.to_string())),
            Ended::Panicked(message) => {
                return Err(TickFailed::Handler(format!("the handler panicked: {message}")));
            }
            Ended::TimedOut => {
                let message = format!("the handler did not return within {} s", limit.as_secs());
                return Err(TickFailed::Handler(message));
            }
        };
        let Some((outcome, key)) = outcome.filter(|_| !(missed && handlers.missed == MissedTicks::Skip))
        else {
            return Ok(next);
        };
        // A tick that is called again after a crash starts its run only once. No block's key begins like this.
        let dedupe = key.unwrap_or_else(|| format!("\u{0}tick:{id}:{}", time.as_microsecond()));
        loop {
            let start = Start {
                activation: Some(id),
                outcome: outcome.clone(),
                dedupe: Some(dedupe.clone()),
                response: None,
                replayed: None,
            };
            match self.start_run(version.row.id, start).await {
                Ok(_) => return Ok(next),
                Err(Refusal::Store(error)) => {
                    tracing::error!(activation = %id, error = %error, source = %error.source, "the run of a tick could not be started and is tried again");
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(Duration::from_secs(1)) => {}
                        () = self.stopping.cancelled() => return Err(TickFailed::Stopping),
                    }
                }
                Err(refusal) => return Err(TickFailed::Handler(refusal.to_string())),
            }
        }
    }

    /// Reads what a handler is called with, again and again while the database fails: that is no failure of the block.
    async fn prepare(
        self: &Arc<Self>,
        id: ActivationId,
        lease: &CancellationToken,
    ) -> Result<Result<Prepared, String>, Stop> {
        let row = patiently!(self, lease, self.store.activation(id).await);
        let Some(row) = row else { return Ok(Err("the activation does not exist".to_owned())) };
        let version = patiently!(
            self,
            lease,
            match self.version(row.version).await {
                Err(Unrunnable::Store(error)) => Err(error),
                version => Ok(version),
            }
        );
        let version = match version {
            Ok(version) => version,
            Err(error) => return Ok(Err(error.to_string())),
        };
        Ok(patiently!(
            self,
            lease,
            match self.prepared(row.clone(), Arc::clone(&version)).await {
                Err(Uncallable::Store(error)) => Err(error),
                Err(Uncallable::Block(message)) => Ok(Err(message)),
                Ok(prepared) => Ok(Ok(prepared)),
            }
        ))
    }

    async fn prepared(
        self: &Arc<Self>,
        row: ActivationRow,
        version: Arc<Version>,
    ) -> Result<Prepared, Uncallable> {
        let handlers = self.trigger_handlers(&version.definition.trigger.block)?;
        let registration = open_registration(self, &row)?;
        let invocation = invocation(self, &version, row.id).await?;
        Ok(Prepared { handlers, invocation, version, registration })
    }
}

/// Why a handler of a trigger cannot be called.
pub(super) enum Uncallable {
    /// The database failed.
    Store(StoreError),
    /// It cannot be called as things are.
    Block(String),
}

impl From<String> for Uncallable {
    fn from(message: String) -> Self {
        Self::Block(message)
    }
}

impl From<NoCredentials> for Uncallable {
    fn from(error: NoCredentials) -> Self {
        match error {
            NoCredentials::Store(error) => Self::Store(error),
            error @ NoCredentials::Connection(_) => Self::Block(error.to_string()),
        }
    }
}

/// Why a tick has to be taken again.
enum TickFailed {
    Handler(String),
    Stopping,
}

impl From<String> for TickFailed {
    fn from(message: String) -> Self {
        Self::Handler(message)
    }
}

fn missing(handler: &str) -> String {
    format!("the block has no `{handler}` handler in this binary")
}

/// What a handler of a trigger is passed.
pub(super) async fn invocation(
    inner: &Arc<Inner>,
    version: &Version,
    id: ActivationId,
) -> Result<TriggerInvocation, Uncallable> {
    let workflow = &version.row.workflow;
    let TriggerInstance { block, connection, .. } = &version.definition.trigger;
    let credentials = inner.credentials(block, connection.as_deref()).await?;
    let mut config = version.definition.trigger.config.clone();
    let place = Place { workflow: &workflow.0, block };
    inner.keys.open_config(place, &mut config).map_err(|error| error.to_string())?;
    Ok(TriggerInvocation {
        config,
        metadata: TriggerMetadata {
            workflow_id: workflow.to_string(),
            workflow_version_id: version.row.id.to_string(),
            workflow_block_id: "trigger".to_owned(),
            unique_activation_id: id.to_string(),
            workflow_title: version.definition.title.clone(),
            workflow_url: inner.urls.workflow_url(workflow),
        },
        trigger_callback_url: inner.urls.trigger_callback_url(id),
        services: Arc::new(TriggerServices(Arc::clone(inner))),
        credentials,
    })
}

/// The registration that `activate` returned; `null` where the trigger has none.
pub(super) fn open_registration(inner: &Inner, row: &ActivationRow) -> Result<Value, String> {
    if row.registration.is_empty() {
        return Ok(Value::Null);
    }
    let plain = inner.keys.unseal(&purpose(row.id), &row.registration).map_err(|error| error.to_string())?;
    serde_json::from_slice(&plain).map_err(|_| "the stored registration is damaged".to_owned())
}

/// What the registration of an activation is sealed for.
fn purpose(id: ActivationId) -> String {
    format!("registration:{id}")
}

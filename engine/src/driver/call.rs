//! Calls of handlers. Those of a trigger run in a task of their own, within a time limit, panics contained; those of a
//! step, the attempts of a run see to that (`run/attempts.rs`).

use std::any::Any;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stepwell::block::StepInvocation;
use stepwell::context::StepMetadata;
use stepwell::error::{StepError, StepErrorKind};
use stepwell::question::Question;
use stepwell::request::Request;
use stepwell::step::{Deferral, Execution, Finish, Wake};
use stepwell::when::When;
use tokio_util::task::AbortOnDropHandle;

use super::Inner;
use super::connections::NoCredentials;
use super::services::ExecutionServices;
use super::version::Version;
use crate::connections::ConnectionError;
use crate::core::limits::checked_size;
use crate::core::run::{Attempt, Call, Event, Returned, Sealed};
use crate::model::ExecutionId;
use crate::secrets::Place;

/// How a call went.
pub(super) enum Ended<T> {
    /// It returned.
    Returned(T),
    /// It panicked with this message.
    Panicked(String),
    /// It did not return within its limit.
    TimedOut,
}

impl<T> Ended<T> {
    /// The same with what it returned changed.
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Ended<U> {
        match self {
            Self::Returned(returned) => Ended::Returned(change(returned)),
            Self::Panicked(message) => Ended::Panicked(message),
            Self::TimedOut => Ended::TimedOut,
        }
    }
}

/// Runs a handler in a task of its own, at most for `limit`.
pub(super) async fn contained<T: Send + 'static>(
    limit: Duration,
    handler: impl Future<Output = T> + Send + 'static,
) -> Ended<T> {
    let task = AbortOnDropHandle::new(tokio::spawn(handler));
    match tokio::time::timeout(limit, task).await {
        Ok(Ok(returned)) => Ended::Returned(returned),
        Ok(Err(error)) => Ended::Panicked(match error.try_into_panic() {
            Ok(panic) => panic_message(panic.as_ref()),
            Err(_) => "the handler was aborted".to_owned(),
        }),
        Err(_) => Ended::TimedOut,
    }
}

/// What a panic says.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

/// One attempt, ready to be called.
pub(super) struct StepCall {
    pub(super) inner: Arc<Inner>,
    pub(super) version: Arc<Version>,
    pub(super) execution: ExecutionId,
    pub(super) attempt: Attempt,
    pub(super) config: Value,
    /// The callback that `finish` receives.
    pub(super) request: Option<Request>,
}

impl StepCall {
    /// Calls the handler and says what happened, as an event for the core. Whoever awaits it contains its panics and
    /// its time.
    pub(super) async fn run(self) -> Event {
        let execution = self.execution.number;
        let purpose = state_purpose(self.execution);
        let inner = Arc::clone(&self.inner);
        let finishing = matches!(self.attempt.call, Call::Finish { .. });
        let returned = match self.credentials().await {
            Err(error) => Err(error),
            Ok(credentials) => match self.prepare(&purpose, credentials) {
                Err(message) => Err(StepError::permanent(message)),
                Ok(call) => call.await,
            },
        };
        let returned = match returned {
            Ok(Handled::Defer(Deferral { state, waiting_for, wake, question })) => {
                match sealed(&inner, &purpose, &state) {
                    Ok(state) => Returned::Defer { state, waiting_for, wake, question },
                    Err(message) => Returned::Error { message, retry: None },
                }
            }
            Ok(Handled::NextState { state, wake }) => match sealed(&inner, &purpose, &state) {
                Ok(state) => Returned::NoOp { state: Some(state), wake },
                // What a callback brings ends no run (d12).
                Err(message) => Returned::Rejected(message),
            },
            Ok(Handled::Other(returned)) => returned,
            Err(error) => failed(error),
        };
        let returned = match returned {
            // Only a callback can be rejected.
            Returned::Rejected(message) if !finishing => Returned::Error { message, retry: None },
            returned => returned,
        };
        Event::Returned { execution, returned }
    }

    /// How long it may take.
    pub(super) fn time_limit(&self) -> Duration {
        let step = self.version.definition.steps.get(&self.attempt.step);
        let block = step.and_then(|step| self.inner.blocks.get(&step.block));
        block.and_then(|block| block.time_limit).unwrap_or(self.inner.limits.step)
    }

    /// Resolved for each attempt (s8).
    async fn credentials(&self) -> Result<Value, StepError> {
        let Some(step) = self.version.definition.steps.get(&self.attempt.step) else {
            return Ok(Value::Null);
        };
        self.inner.credentials(&step.block, step.connection.as_deref()).await.map_err(|error| match error {
            NoCredentials::Connection(ConnectionError::Missing { .. }) => {
                StepError::permanent(error.to_string())
            }
            NoCredentials::Connection(ConnectionError::Unavailable { .. }) | NoCredentials::Store(_) => {
                StepError::retryable(error.to_string())
            }
        })
    }

    fn prepare(
        self,
        purpose: &str,
        credentials: Value,
    ) -> Result<impl Future<Output = Result<Handled, StepError>> + Send + 'static, String> {
        let step = self.version.definition.steps.get(&self.attempt.step);
        let step = step.ok_or_else(|| format!("the version has no step `{}`", self.attempt.step))?;
        let block = step.block.clone();
        let handlers = self.inner.step_handlers(&block)?;
        let state = match &self.attempt.state {
            Some(sealed) => {
                let plain = self.inner.keys.unseal(purpose, &sealed.0).map_err(|error| error.to_string())?;
                serde_json::from_slice(&plain).map_err(|_| "the stored state is damaged".to_owned())?
            }
            None => Value::Null,
        };
        let call = self.attempt.call;
        let request = self.request.clone();
        let invocation = self.invocation(&block, credentials)?;
        let missing =
            |handler: &str| format!("the block `{block}` has no `{handler}` handler in this binary");
        let finish = handlers.finish;
        let (wake, cancel) = (handlers.wake, handlers.cancel);
        match call {
            Call::Wake if wake.is_none() => return Err(missing("wake")),
            Call::Finish { .. } if finish.is_none() => return Err(missing("finish")),
            Call::Cancel if cancel.is_none() => return Err(missing("cancel")),
            _ => {}
        }
        let execute = handlers.execute;
        Ok(async move {
            match (call, finish, cancel, request) {
                (Call::Execute, ..) => {
                    deferral_ends(execute(invocation).await?, finish.is_some(), wake.is_some())
                }
                (Call::Wake, ..) => match wake {
                    Some(wake) => wake(invocation, state).await.map(Handled::from),
                    None => Err(StepError::permanent("the block has no `wake` handler")),
                },
                (Call::Finish { .. }, Some(finish), _, Some(request)) => {
                    finish(invocation, request, state).await.map(Handled::from)
                }
                (Call::Cancel, _, Some(cancel), _) => {
                    cancel(invocation, state).await.map(|()| Handled::Other(Returned::Cancelled))
                }
                (call, ..) => Err(StepError::permanent(format!("`{:?}` cannot be called", call.handler()))),
            }
        })
    }

    fn invocation(self, block: &str, credentials: Value) -> Result<StepInvocation, String> {
        let Self { inner, version, execution, attempt, mut config, .. } = self;
        let workflow = &version.row.workflow;
        let place = Place { workflow: &workflow.0, block };
        inner.keys.open_config(place, &mut config).map_err(|error| error.to_string())?;
        Ok(StepInvocation {
            config,
            metadata: StepMetadata {
                workflow_id: workflow.to_string(),
                workflow_version_id: version.row.id.to_string(),
                workflow_block_id: attempt.step,
                workflow_run_id: execution.run.to_string(),
                unique_execution_id: execution.to_string(),
                workflow_title: version.definition.title.clone(),
                workflow_url: inner.urls.workflow_url(workflow),
                run_url: inner.urls.run_url(execution.run),
                finish_callback_url: inner.urls.finish_callback_url(execution),
                attempt: attempt.attempt,
            },
            services: Arc::new(ExecutionServices { inner, execution }),
            credentials,
        })
    }
}

/// A private value that is to be sealed, if it may be kept.
pub(super) fn private(what: &'static str, value: &Value) -> Result<Vec<u8>, String> {
    checked_size(what, value).map_err(|error| error.to_string())?;
    serde_json::to_vec(value).map_err(|error| error.to_string())
}

/// A state, sealed for its execution.
fn sealed(inner: &Inner, purpose: &str, state: &Value) -> Result<Sealed, String> {
    Ok(Sealed(inner.keys.seal(purpose, &private("the state", state)?)))
}

/// What the state of an execution is sealed for.
fn state_purpose(execution: ExecutionId) -> String {
    format!("state:{execution}")
}

/// What a handler returned, with the state still in the clear.
enum Handled {
    Defer(Deferral<Value>),
    NextState { state: Value, wake: Option<When> },
    Other(Returned),
}

impl From<Execution<stepwell::outcome::Outcome, Value>> for Handled {
    fn from(execution: Execution<stepwell::outcome::Outcome, Value>) -> Self {
        match execution {
            Execution::Outcome(outcome) => Self::Other(Returned::Outcome(outcome)),
            Execution::Exit => Self::Other(Returned::Exit),
            Execution::Defer(deferral) => Self::Defer(deferral),
        }
    }
}

impl From<Finish<stepwell::outcome::Outcome, Value>> for Handled {
    fn from(finish: Finish<stepwell::outcome::Outcome, Value>) -> Self {
        match finish {
            Finish::Outcome(outcome) => Self::Other(Returned::Outcome(outcome)),
            Finish::Exit => Self::Other(Returned::Exit),
            Finish::NoOp => Self::Other(Returned::NoOp { state: None, wake: None }),
            Finish::NextState(state) => Self::NextState { state, wake: None },
        }
    }
}

impl From<Wake<stepwell::outcome::Outcome, Value>> for Handled {
    fn from(wake: Wake<stepwell::outcome::Outcome, Value>) -> Self {
        match wake {
            Wake::Outcome(outcome) => Self::Other(Returned::Outcome(outcome)),
            Wake::Exit => Self::Other(Returned::Exit),
            Wake::NoOp { next } => Self::Other(Returned::NoOp { state: None, wake: next }),
            Wake::NextState { state, next } => Self::NextState { state, wake: next },
        }
    }
}

/// Refuses a deferral that nothing could end, or that names a time which nobody takes.
fn deferral_ends(
    execution: Execution<stepwell::outcome::Outcome, Value>,
    finishes: bool,
    wakes: bool,
) -> Result<Handled, StepError> {
    if let Execution::Defer(deferral) = &execution {
        if deferral.wake.is_some() && !wakes {
            return Err(StepError::permanent(
                "the step defers with a wake time but has no `wake` handler; name one in `#[step(wake = …)]`",
            ));
        }
        if deferral.wake.is_none() && !finishes {
            return Err(StepError::permanent(
                "the step has no `finish` handler and defers without a wake time, so nothing could end the wait; call `.wake_at(…)`",
            ));
        }
        if let Some(question) = &deferral.question {
            answerable(question, finishes).map_err(StepError::permanent)?;
        }
    }
    Ok(Handled::from(execution))
}

/// Refuses a question that nobody could answer, or that is too large to be kept.
fn answerable(question: &Question, finishes: bool) -> Result<(), String> {
    if !finishes {
        return Err("the step asks a question but has no `finish` handler to take the answer; name one in `#[step(finish = …)]`".into());
    }
    if question.buttons.is_empty() {
        return Err("the step asks a question without answers; add one with `.button(…)`".into());
    }
    let value = serde_json::to_value(question).map_err(|error| error.to_string())?;
    checked_size("the question", &value).map(drop).map_err(|error| error.to_string())
}

fn failed(error: StepError) -> Returned {
    match error.into_kind() {
        StepErrorKind::Permanent { message } => Returned::Error { message, retry: None },
        StepErrorKind::Retryable { message, retry_after } => {
            Returned::Error { message, retry: Some(retry_after.unwrap_or_default()) }
        }
        StepErrorKind::Rejected(rejected) => Returned::Rejected(rejected.message().to_owned()),
    }
}

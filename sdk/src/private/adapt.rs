//! Adapters between an author's typed handlers and the erased ones of a [`BlockDefinition`](crate::block).

use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::{
    MayDefer, NeverDefers, SameConfig, SameConnection, SameOutcomes, SameRegistration, SameState, StepTypes,
    TriggerTypes,
};
use crate::block::{StepInvocation, TriggerInvocation};
use crate::config::Config;
use crate::connection::Connection;
use crate::context::{
    ActivateContext, CancelContext, DeactivateContext, ExecuteContext, FinishContext, HandshakeContext,
    StepCall, TriggerCall, TriggerContext,
};
use crate::data::Data;
use crate::error::{ActivationError, StepError, TriggerError};
use crate::outcome::{Outcome, Outcomes};
use crate::request::Request;
use crate::response::Response;
use crate::step::{Deferral, Execution, Finish, StepResult};
use crate::trigger::{Deduplication, Event, Trigger, TriggerResult};

/// The state as JSON, for a step that may defer.
pub fn store_state<S: MayDefer>(state: &S) -> Result<Value, StepError> {
    serde_json::to_value(state)
        .map_err(|error| StepError::permanent(format!("the state to defer with has no JSON form: {error}")))
}

/// The state as JSON, for a step that cannot defer.
pub fn no_state<S: NeverDefers>(state: &S) -> Result<Value, StepError> {
    state.store()
}

/// Calls `execute`.
pub async fn execute<H, F, C, K, R>(
    invocation: StepInvocation,
    handler: H,
    store: fn(&R::State) -> Result<Value, StepError>,
) -> Result<Execution<Outcome, Value>, StepError>
where
    H: FnOnce(C, ExecuteContext<K>) -> F,
    F: Future<Output = Result<R, StepError>> + Send,
    C: Config,
    K: Connection,
    R: StepResult,
{
    let (config, call) = open_step(invocation)?;
    Ok(match handler(config, ExecuteContext::new(call)).await?.into_execution() {
        Execution::Outcome(outcome) => Execution::Outcome(step_outcome(outcome)?),
        Execution::Exit => Execution::Exit,
        Execution::Defer(Deferral { state, waiting_for }) => {
            Execution::Defer(Deferral { state: store(&state)?, waiting_for })
        }
    })
}

/// Calls `finish`.
pub async fn finish<H, F, C, K, S, O, C0, K0, S0, O0>(
    invocation: StepInvocation,
    request: Request,
    state: Value,
    _types: StepTypes<C0, K0, S0, O0>,
    handler: H,
) -> Result<Finish<Outcome>, StepError>
where
    H: FnOnce(Request, C, FinishContext<S, K>) -> F,
    F: Future<Output = Result<Finish<O>, StepError>> + Send,
    C: Config + SameConfig<C0>,
    K: Connection + SameConnection<K0>,
    S: Data + SameState<S0>,
    O: Outcomes + SameOutcomes<O0>,
{
    let (config, call) = open_step(invocation)?;
    let cx = FinishContext::new(call, read(state, "the stored state")?);
    Ok(match handler(request, config, cx).await? {
        Finish::Outcome(outcome) => Finish::Outcome(step_outcome(outcome)?),
        Finish::Exit => Finish::Exit,
        Finish::NoOp => Finish::NoOp,
    })
}

/// Calls `cancel`.
pub async fn cancel<H, F, C, K, S, C0, K0, S0, O0>(
    invocation: StepInvocation,
    state: Value,
    _types: StepTypes<C0, K0, S0, O0>,
    handler: H,
) -> Result<(), StepError>
where
    H: FnOnce(C, CancelContext<S, K>) -> F,
    F: Future<Output = Result<(), StepError>> + Send,
    C: Config + SameConfig<C0>,
    K: Connection + SameConnection<K0>,
    S: Data + SameState<S0>,
{
    let (config, call) = open_step(invocation)?;
    handler(config, CancelContext::new(call, read(state, "the stored state")?)).await
}

/// Calls `trigger`.
pub async fn trigger<H, F, C, K, R, T>(
    invocation: TriggerInvocation,
    request: Request,
    registration: Value,
    handler: H,
) -> Result<Trigger<Outcome, Option<String>>, TriggerError>
where
    H: FnOnce(Request, C, TriggerContext<R, K>) -> F,
    F: Future<Output = Result<T, TriggerError>> + Send,
    C: Config,
    K: Connection,
    R: Data,
    T: TriggerResult,
{
    let (config, callback_url, call) = open_trigger(invocation).map_err(TriggerError::failed)?;
    let registration = read(registration, "the stored registration").map_err(TriggerError::failed)?;
    let cx = TriggerContext::new(call, callback_url, registration);
    Ok(match handler(request, config, cx).await?.into_trigger() {
        Trigger::Outcome(Event { outcome, dedupe, response }) => {
            let outcome = outcome.into_outcome().map_err(|error| {
                TriggerError::failed(format!("the outcome's data has no JSON form: {error}"))
            })?;
            Trigger::Outcome(Event { outcome, dedupe: dedupe.into_key(), response })
        }
        Trigger::NoOp => Trigger::NoOp,
        Trigger::Respond(response) => Trigger::Respond(response),
    })
}

/// Calls `activate`.
pub async fn activate<H, F, C, K, R, C0, K0, R0>(
    invocation: TriggerInvocation,
    _types: TriggerTypes<C0, K0, R0>,
    handler: H,
) -> Result<Value, ActivationError>
where
    H: FnOnce(C, ActivateContext<K>) -> F,
    F: Future<Output = Result<R, ActivationError>> + Send,
    C: Config + SameConfig<C0>,
    K: Connection + SameConnection<K0>,
    R: Data + SameRegistration<R0>,
{
    let (config, callback_url, call) = open_trigger(invocation).map_err(ActivationError::new)?;
    let registration = handler(config, ActivateContext::new(call, callback_url)).await?;
    serde_json::to_value(registration)
        .map_err(|error| ActivationError::new(format!("the registration has no JSON form: {error}")))
}

/// Calls `deactivate`.
pub async fn deactivate<H, F, C, K, R, C0, K0, R0>(
    invocation: TriggerInvocation,
    registration: Value,
    _types: TriggerTypes<C0, K0, R0>,
    handler: H,
) -> Result<(), ActivationError>
where
    H: FnOnce(C, DeactivateContext<R, K>) -> F,
    F: Future<Output = Result<(), ActivationError>> + Send,
    C: Config + SameConfig<C0>,
    K: Connection + SameConnection<K0>,
    R: Data + SameRegistration<R0>,
{
    let (config, _, call) = open_trigger(invocation).map_err(ActivationError::new)?;
    let registration = read(registration, "the stored registration").map_err(ActivationError::new)?;
    handler(config, DeactivateContext::new(call, registration)).await
}

/// Calls `handshake`.
pub async fn handshake<H, F, C, K, C0, K0, R0>(
    invocation: TriggerInvocation,
    request: Request,
    _types: TriggerTypes<C0, K0, R0>,
    handler: H,
) -> Result<Response, TriggerError>
where
    H: FnOnce(Request, C, HandshakeContext<K>) -> F,
    F: Future<Output = Result<Response, TriggerError>> + Send,
    C: Config + SameConfig<C0>,
    K: Connection + SameConnection<K0>,
{
    let (config, callback_url, call) = open_trigger(invocation).map_err(TriggerError::failed)?;
    handler(request, config, HandshakeContext::new(call, callback_url)).await
}

fn open_step<C: Config, K: Connection>(invocation: StepInvocation) -> Result<(C, StepCall<K>), StepError> {
    let StepInvocation { config, metadata, services, credentials } = invocation;
    let config = read(config, "the config")?;
    let connection = K::from_credentials(credentials)
        .map_err(|error| StepError::permanent(format!("the connection does not fit the block: {error}")))?;
    Ok((config, StepCall::new(metadata, services, connection)))
}

fn open_trigger<C: Config, K: Connection>(
    invocation: TriggerInvocation,
) -> Result<(C, String, TriggerCall<K>), String> {
    let TriggerInvocation { config, metadata, trigger_callback_url, services, credentials } = invocation;
    let config = read(config, "the config").map_err(|error| error.to_string())?;
    let connection = K::from_credentials(credentials)
        .map_err(|error| format!("the connection does not fit the block: {error}"))?;
    Ok((config, trigger_callback_url, TriggerCall { metadata, services, connection }))
}

fn step_outcome(outcome: impl Outcomes) -> Result<Outcome, StepError> {
    outcome
        .into_outcome()
        .map_err(|error| StepError::permanent(format!("the outcome's data has no JSON form: {error}")))
}

/// Reads a stored value. A value that does not fit says so without quoting it, since it may be private.
fn read<T: DeserializeOwned>(value: Value, what: &str) -> Result<T, Misfit> {
    serde_json::from_value(value).map_err(|error| Misfit(format!("{what} does not fit its type: {error}")))
}

/// A stored value that does not fit its type.
#[derive(Debug)]
struct Misfit(String);

impl std::fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl From<Misfit> for String {
    fn from(misfit: Misfit) -> Self {
        misfit.0
    }
}

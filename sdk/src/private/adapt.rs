//! Adapters between an author's typed handlers and the erased ones of a [`BlockDefinition`](crate::block).
//!
//! The expansion names the block's own types (`C0`, `K0`, …) with the author's tokens, so that a bound which they
//! miss is reported there, once. The types of the other handlers are inferred, and `Same…` compares them.

use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::check::{
    Choices, FitsSwitch, LookUpContext, NeverDefers, QueryArgument, ReceiveContext, SameConfig,
    SameConnection, SameOutcomes, SameRegistration, SameState, StepContext, StoredState,
};
use crate::block::{BoxFuture, StepInvocation, TriggerInvocation};
use crate::config::Config;
use crate::connection::Connection;
use crate::context::{
    ActivateContext, CancelContext, DeactivateContext, FinishContext, HandshakeContext, RenewContext,
    StepCall, TickContext, TickTime, TriggerCall, WakeContext,
};
use crate::data::Data;
use crate::error::{ActivationError, StepError, TriggerError};
use crate::options::{Choice, OptionsInvocation};
use crate::outcome::{Outcome, Outcomes};
use crate::request::Request;
use crate::response::Response;
use crate::step::{Deferral, Execution, Finish, StepResult, Wake};
use crate::trigger::{ActivateResult, Activated, Deduplication, Event, Tick, Trigger, TriggerResult};

/// The state as JSON, for a step that may defer.
pub fn store_state<S: StoredState>(state: &S) -> Result<Value, StepError> {
    state
        .store()
        .map_err(|error| StepError::permanent(format!("the state to defer with has no JSON form: {error}")))
}

/// The state as JSON, for a step that cannot defer.
pub fn no_state<S: NeverDefers>(state: &S) -> Result<Value, StepError> {
    state.store()
}

/// Calls `execute`.
pub fn execute<C, X, R, H, F>(
    invocation: StepInvocation,
    handler: H,
    store: fn(&R::State) -> Result<Value, StepError>,
) -> BoxFuture<Result<Execution<Outcome, Value>, StepError>>
where
    C: Config,
    X: StepContext,
    R: StepResult,
    H: FnOnce(C, X) -> F + Send + 'static,
    F: Future<Output = Result<R, StepError>> + Send + 'static,
{
    Box::pin(async move {
        let (config, call) = open_step(invocation)?;
        let cx = X::open(call.metadata, call.services, call.connection);
        Ok(match handler(config, cx).await?.into_execution() {
            Execution::Outcome(outcome) => Execution::Outcome(step_outcome(outcome)?),
            Execution::Exit => Execution::Exit,
            Execution::Defer(Deferral { state, waiting_for, wake }) => {
                Execution::Defer(Deferral { state: store(&state)?, waiting_for, wake })
            }
        })
    })
}

/// Calls `finish`.
pub fn finish<C0, K0, S0, O0, H, F, C, K, S, O>(
    invocation: StepInvocation,
    request: Request,
    state: Value,
    handler: H,
) -> BoxFuture<Result<Finish<Outcome>, StepError>>
where
    C0: Config,
    K0: Connection,
    S0: StoredState,
    O0: Outcomes,
    H: FnOnce(Request, C, FinishContext<S, K>) -> F + Send + 'static,
    F: Future<Output = Result<Finish<O>, StepError>> + Send + 'static,
    C: SameConfig<C0>,
    K: SameConnection<K0>,
    S: SameState<S0>,
    O: SameOutcomes<O0>,
{
    Box::pin(async move {
        let (config, call) = open_step::<C0, K0>(invocation)?;
        let state = S::same(S0::restore(state).map_err(state_misfit)?);
        let cx = FinishContext::new(same_connection(call), state);
        Ok(match handler(request, C::same(config), cx).await? {
            Finish::Outcome(outcome) => Finish::Outcome(step_outcome(outcome.same())?),
            Finish::Exit => Finish::Exit,
            Finish::NoOp => Finish::NoOp,
        })
    })
}

/// Calls `wake`.
pub fn wake<C0, K0, S0, O0, H, F, C, K, S, O>(
    invocation: StepInvocation,
    state: Value,
    handler: H,
) -> BoxFuture<Result<Wake<Outcome>, StepError>>
where
    C0: Config,
    K0: Connection,
    S0: StoredState,
    O0: Outcomes,
    H: FnOnce(C, WakeContext<S, K>) -> F + Send + 'static,
    F: Future<Output = Result<Wake<O>, StepError>> + Send + 'static,
    C: SameConfig<C0>,
    K: SameConnection<K0>,
    S: SameState<S0>,
    O: SameOutcomes<O0>,
{
    Box::pin(async move {
        let (config, call) = open_step::<C0, K0>(invocation)?;
        let state = S::same(S0::restore(state).map_err(state_misfit)?);
        let cx = WakeContext::new(same_connection(call), state);
        Ok(match handler(C::same(config), cx).await? {
            Wake::Outcome(outcome) => Wake::Outcome(step_outcome(outcome.same())?),
            Wake::Exit => Wake::Exit,
            Wake::NoOp { next } => Wake::NoOp { next },
        })
    })
}

/// Calls `cancel`.
pub fn cancel<C0, K0, S0, H, F, C, K, S>(
    invocation: StepInvocation,
    state: Value,
    handler: H,
) -> BoxFuture<Result<(), StepError>>
where
    C0: Config,
    K0: Connection,
    S0: StoredState,
    H: FnOnce(C, CancelContext<S, K>) -> F + Send + 'static,
    F: Future<Output = Result<(), StepError>> + Send + 'static,
    C: SameConfig<C0>,
    K: SameConnection<K0>,
    S: SameState<S0>,
{
    Box::pin(async move {
        let (config, call) = open_step::<C0, K0>(invocation)?;
        let state = S::same(S0::restore(state).map_err(state_misfit)?);
        handler(C::same(config), CancelContext::new(same_connection(call), state)).await
    })
}

/// Calls `trigger`.
pub fn trigger<C, X, T, W, H, F>(
    invocation: TriggerInvocation,
    request: Request,
    registration: Value,
    handler: H,
) -> BoxFuture<Result<Trigger<Outcome, Option<String>>, TriggerError>>
where
    C: Config,
    X: ReceiveContext,
    T: TriggerResult<Deduplication: FitsSwitch<W>>,
    H: FnOnce(Request, C, X) -> F + Send + 'static,
    F: Future<Output = Result<T, TriggerError>> + Send + 'static,
{
    Box::pin(async move {
        let (config, callback_url, call) = open_trigger(invocation).map_err(TriggerError::failed)?;
        let registration = read(registration, "the stored registration").map_err(TriggerError::failed)?;
        let cx = X::open(call.metadata, call.services, call.connection, callback_url, registration);
        Ok(match handler(request, config, cx).await?.into_trigger() {
            Trigger::Outcome(Event { outcome, dedupe, response }) => {
                let outcome = trigger_outcome(outcome)?;
                Trigger::Outcome(Event { outcome, dedupe: dedupe.into_key(), response })
            }
            Trigger::NoOp => Trigger::NoOp,
            Trigger::Respond(response) => Trigger::Respond(response),
        })
    })
}

/// Calls `activate`.
pub fn activate<C0, K0, R0, H, F, C, K, A>(
    invocation: TriggerInvocation,
    handler: H,
) -> BoxFuture<Result<Activated<Value>, ActivationError>>
where
    C0: Config,
    K0: Connection,
    R0: Data,
    H: FnOnce(C, ActivateContext<K>) -> F + Send + 'static,
    F: Future<Output = Result<A, ActivationError>> + Send + 'static,
    C: SameConfig<C0>,
    K: SameConnection<K0>,
    A: ActivateResult<Registration: SameRegistration<R0>>,
{
    Box::pin(async move {
        let (config, callback_url, call) =
            open_trigger::<C0, K0>(invocation).map_err(ActivationError::new)?;
        let cx = ActivateContext::new(same_trigger_connection(call), callback_url);
        store_registration::<R0, A>(handler(C::same(config), cx).await?)
    })
}

/// Calls `renew`.
pub fn renew<C0, K0, R0, H, F, C, K, R, A>(
    invocation: TriggerInvocation,
    registration: Value,
    handler: H,
) -> BoxFuture<Result<Activated<Value>, ActivationError>>
where
    C0: Config,
    K0: Connection,
    R0: Data,
    H: FnOnce(C, RenewContext<R, K>) -> F + Send + 'static,
    F: Future<Output = Result<A, ActivationError>> + Send + 'static,
    C: SameConfig<C0>,
    K: SameConnection<K0>,
    R: SameRegistration<R0>,
    A: ActivateResult<Registration: SameRegistration<R0>>,
{
    Box::pin(async move {
        let (config, callback_url, call) =
            open_trigger::<C0, K0>(invocation).map_err(ActivationError::new)?;
        let registration: R0 = read(registration, "the stored registration").map_err(ActivationError::new)?;
        let cx = RenewContext::new(same_trigger_connection(call), callback_url, R::from_block(registration));
        store_registration::<R0, A>(handler(C::same(config), cx).await?)
    })
}

fn store_registration<R0, A>(result: A) -> Result<Activated<Value>, ActivationError>
where
    R0: Data,
    A: ActivateResult<Registration: SameRegistration<R0>>,
{
    let Activated { registration, expires, tick } = result.into_activated();
    let registration = serde_json::to_value(registration.into_block())
        .map_err(|error| ActivationError::new(format!("the registration has no JSON form: {error}")))?;
    Ok(Activated { registration, expires, tick })
}

/// Calls `tick`.
pub fn tick<C0, K0, R0, O0, W, H, F, C, K, R, O, D>(
    invocation: TriggerInvocation,
    time: TickTime,
    registration: Value,
    handler: H,
) -> BoxFuture<Result<Tick<Outcome, Option<String>>, TriggerError>>
where
    C0: Config,
    K0: Connection,
    R0: Data,
    O0: Outcomes,
    H: FnOnce(C, TickContext<R, K>) -> F + Send + 'static,
    F: Future<Output = Result<Tick<O, D>, TriggerError>> + Send + 'static,
    C: SameConfig<C0>,
    K: SameConnection<K0>,
    R: SameRegistration<R0>,
    O: SameOutcomes<O0>,
    D: FitsSwitch<W>,
{
    Box::pin(async move {
        let (config, callback_url, call) =
            open_trigger::<C0, K0>(invocation).map_err(TriggerError::failed)?;
        let registration: R0 = read(registration, "the stored registration").map_err(TriggerError::failed)?;
        let registration = R::from_block(registration);
        let cx = TickContext::new(same_trigger_connection(call), callback_url, registration, time);
        let Tick { outcome, next } = handler(C::same(config), cx).await?;
        let outcome = outcome
            .map(|(outcome, dedupe)| {
                Ok::<_, TriggerError>((trigger_outcome(outcome.same())?, dedupe.into_key()))
            })
            .transpose()?;
        Ok(Tick { outcome, next })
    })
}

/// Calls `deactivate`.
pub fn deactivate<C0, K0, R0, H, F, C, K, R>(
    invocation: TriggerInvocation,
    registration: Value,
    handler: H,
) -> BoxFuture<Result<(), ActivationError>>
where
    C0: Config,
    K0: Connection,
    R0: Data,
    H: FnOnce(C, DeactivateContext<R, K>) -> F + Send + 'static,
    F: Future<Output = Result<(), ActivationError>> + Send + 'static,
    C: SameConfig<C0>,
    K: SameConnection<K0>,
    R: SameRegistration<R0>,
{
    Box::pin(async move {
        let (config, _, call) = open_trigger::<C0, K0>(invocation).map_err(ActivationError::new)?;
        let registration: R0 = read(registration, "the stored registration").map_err(ActivationError::new)?;
        let cx = DeactivateContext::new(same_trigger_connection(call), R::from_block(registration));
        handler(C::same(config), cx).await
    })
}

/// Calls `handshake`.
pub fn handshake<C0, K0, H, F, C, K>(
    invocation: TriggerInvocation,
    request: Request,
    handler: H,
) -> BoxFuture<Result<Response, TriggerError>>
where
    C0: Config,
    K0: Connection,
    H: FnOnce(Request, C, HandshakeContext<K>) -> F + Send + 'static,
    F: Future<Output = Result<Response, TriggerError>> + Send + 'static,
    C: SameConfig<C0>,
    K: SameConnection<K0>,
{
    Box::pin(async move {
        let (config, callback_url, call) =
            open_trigger::<C0, K0>(invocation).map_err(TriggerError::failed)?;
        let cx = HandshakeContext::new(same_trigger_connection(call), callback_url);
        handler(request, C::same(config), cx).await
    })
}

/// Calls a function that looks options up.
pub fn options<Q, X, R, H, F>(
    invocation: OptionsInvocation,
    handler: H,
) -> BoxFuture<Result<Vec<Choice>, StepError>>
where
    Q: QueryArgument,
    X: LookUpContext,
    R: Choices,
    H: FnOnce(Q, X) -> F + Send + 'static,
    F: Future<Output = Result<R, StepError>> + Send + 'static,
{
    Box::pin(async move {
        let OptionsInvocation { query, services, credentials } = invocation;
        let connection = X::Connection::from_credentials(credentials).map_err(|error| {
            StepError::permanent(format!("the connection does not fit the function: {error}"))
        })?;
        Ok(handler(Q::of(query), X::open(services, connection)).await?.choices())
    })
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

fn same_connection<K0, K: SameConnection<K0>>(call: StepCall<K0>) -> StepCall<K> {
    StepCall::new(call.metadata, call.services, K::same(call.connection))
}

fn same_trigger_connection<K0, K: SameConnection<K0>>(call: TriggerCall<K0>) -> TriggerCall<K> {
    TriggerCall { metadata: call.metadata, services: call.services, connection: K::same(call.connection) }
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to `map_err`")]
fn state_misfit(error: serde_json::Error) -> StepError {
    Misfit(format!("the stored state does not fit its type: {error}")).into()
}

fn step_outcome(outcome: impl Outcomes) -> Result<Outcome, StepError> {
    outcome
        .into_outcome()
        .map_err(|error| StepError::permanent(format!("the outcome's data has no JSON form: {error}")))
}

fn trigger_outcome(outcome: impl Outcomes) -> Result<Outcome, TriggerError> {
    outcome
        .into_outcome()
        .map_err(|error| TriggerError::failed(format!("the outcome's data has no JSON form: {error}")))
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

//! The handlers of a trigger.

use std::future::Future;

use serde_json::Value;

use super::{Misfit, read};
use crate::__private::check::{
    FitsSwitch, ReceiveContext, SameConfig, SameConnection, SameOutcomes, SameRegistration,
};
use crate::__private::handler::trigger::{
    ActivateArguments, ActivateResult, DeactivateArguments, DeactivateResult, HandshakeArguments,
    HandshakeResult, ReceiveResult, ReceivedRequest, RenewArguments, RenewResult, TickArguments, TickResult,
};
use crate::__private::handler::{Asynchronous, Handler, Named};
use crate::block::{BoxFuture, TriggerInvocation};
use crate::config::Config;
use crate::connection::Connection;
use crate::context::{TickTime, TriggerCall};
use crate::data::Data;
use crate::error::{ActivationError, TriggerError};
use crate::outcome::{Outcome, Outcomes};
use crate::request::Request;
use crate::response::Response;
use crate::trigger as result;
use crate::trigger::{Activated, Deduplication, Event, Tick, Trigger, TriggerResult};

/// Calls `trigger`.
pub fn trigger<Q, C, X, R, W, T, H, F>(
    invocation: TriggerInvocation,
    request: Request,
    registration: Value,
    handler: H,
) -> BoxFuture<Result<Trigger<Outcome, Option<String>>, TriggerError>>
where
    Q: ReceivedRequest,
    C: Config,
    X: ReceiveContext,
    R: TriggerResult<Deduplication: FitsSwitch<W>>,
    T: ReceiveResult<R>,
    H: FnOnce(Q, C, X) -> F + Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    Box::pin(async move {
        let request = Q::of(request)?;
        let Opened { config, callback_url, call } = open(invocation).map_err(TriggerError::failed)?;
        let registration = restore(registration).map_err(TriggerError::failed)?;
        let cx = X::open(call.metadata, call.services, call.connection, callback_url, registration);
        Ok(match handler(request, config, cx).await.into_result()?.into_trigger() {
            Trigger::Outcome(Event { outcome, dedupe, response }) => {
                let outcome = outcome_of(outcome)?;
                Trigger::Outcome(Event { outcome, dedupe: dedupe.into_key(), response })
            }
            Trigger::NoOp => Trigger::NoOp,
            Trigger::Respond(response) => Trigger::Respond(response),
        })
    })
}

/// Calls `activate`.
pub fn activate<C, K, R, H, A, T>(
    invocation: TriggerInvocation,
    handler: Named<H, A>,
) -> BoxFuture<Result<Activated<Value>, ActivationError>>
where
    C: Config,
    K: Connection,
    R: Data,
    H: Handler<A> + Send + 'static,
    A: ActivateArguments<C, K, R>,
    A::Config: SameConfig<C>,
    A::Connection: SameConnection<K>,
    H::Returned: Asynchronous<Output = T, Future: Send>,
    T: ActivateResult<C, K, R>,
    T::Activated: result::ActivateResult<Registration: SameRegistration<R>>,
{
    Box::pin(async move {
        let Opened { config, callback_url, call } = open::<C, K>(invocation).map_err(ActivationError::new)?;
        let arguments = A::of(A::Config::from_config(config), callback_url, call.same());
        store::<R>(handler.call(arguments).future().await.into_activated()?)
    })
}

/// Calls `renew`.
pub fn renew<C, K, R, H, A, T>(
    invocation: TriggerInvocation,
    registration: Value,
    handler: Named<H, A>,
) -> BoxFuture<Result<Activated<Value>, ActivationError>>
where
    C: Config,
    K: Connection,
    R: Data,
    H: Handler<A> + Send + 'static,
    A: RenewArguments<C, K, R>,
    A::Config: SameConfig<C>,
    A::Registration: SameRegistration<R>,
    A::Connection: SameConnection<K>,
    H::Returned: Asynchronous<Output = T, Future: Send>,
    T: RenewResult<C, K, R>,
    T::Activated: result::ActivateResult<Registration: SameRegistration<R>>,
{
    Box::pin(async move {
        let Opened { config, callback_url, call } = open::<C, K>(invocation).map_err(ActivationError::new)?;
        let registration = restore::<R>(registration).map_err(ActivationError::new)?;
        let arguments = A::of(
            A::Config::from_config(config),
            callback_url,
            A::Registration::from_registration(registration),
            call.same(),
        );
        store::<R>(handler.call(arguments).future().await.into_activated()?)
    })
}

/// Calls `tick`.
pub fn tick<C, K, R, O, W, H, A, T>(
    invocation: TriggerInvocation,
    time: TickTime,
    registration: Value,
    handler: Named<H, A>,
) -> BoxFuture<Result<Tick<Outcome, Option<String>>, TriggerError>>
where
    C: Config,
    K: Connection,
    R: Data,
    O: Outcomes,
    H: Handler<A> + Send + 'static,
    A: TickArguments<C, K, R, O>,
    A::Config: SameConfig<C>,
    A::Registration: SameRegistration<R>,
    A::Connection: SameConnection<K>,
    H::Returned: Asynchronous<Output = T, Future: Send>,
    T: TickResult<C, K, R, O>,
    T::Outcomes: SameOutcomes<O>,
    T::Deduplication: FitsSwitch<W>,
{
    Box::pin(async move {
        let Opened { config, callback_url, call } = open::<C, K>(invocation).map_err(TriggerError::failed)?;
        let registration = restore::<R>(registration).map_err(TriggerError::failed)?;
        let arguments = A::of(
            A::Config::from_config(config),
            callback_url,
            A::Registration::from_registration(registration),
            time,
            call.same(),
        );
        let Tick { outcome, next } = handler.call(arguments).future().await.into_tick()?;
        let outcome = outcome
            .map(|(outcome, dedupe)| {
                Ok::<_, TriggerError>((outcome_of(outcome.into_outcomes())?, dedupe.into_key()))
            })
            .transpose()?;
        Ok(Tick { outcome, next })
    })
}

/// Calls `deactivate`.
pub fn deactivate<C, K, R, H, A, T>(
    invocation: TriggerInvocation,
    registration: Value,
    handler: Named<H, A>,
) -> BoxFuture<Result<(), ActivationError>>
where
    C: Config,
    K: Connection,
    R: Data,
    H: Handler<A> + Send + 'static,
    A: DeactivateArguments<C, K, R>,
    A::Config: SameConfig<C>,
    A::Registration: SameRegistration<R>,
    A::Connection: SameConnection<K>,
    H::Returned: Asynchronous<Output = T, Future: Send>,
    T: DeactivateResult<C, K, R>,
{
    Box::pin(async move {
        let Opened { config, call, .. } = open::<C, K>(invocation).map_err(ActivationError::new)?;
        let registration = restore::<R>(registration).map_err(ActivationError::new)?;
        let arguments = A::of(
            A::Config::from_config(config),
            A::Registration::from_registration(registration),
            call.same(),
        );
        handler.call(arguments).future().await.into_deactivated()
    })
}

/// Calls `handshake`.
pub fn handshake<C, K, H, A, T>(
    invocation: TriggerInvocation,
    request: Request,
    handler: Named<H, A>,
) -> BoxFuture<Result<Response, TriggerError>>
where
    C: Config,
    K: Connection,
    H: Handler<A> + Send + 'static,
    A: HandshakeArguments<C, K>,
    A::Config: SameConfig<C>,
    A::Connection: SameConnection<K>,
    H::Returned: Asynchronous<Output = T, Future: Send>,
    T: HandshakeResult<C, K>,
{
    Box::pin(async move {
        let Opened { config, callback_url, call } = open::<C, K>(invocation).map_err(TriggerError::failed)?;
        let arguments = A::of(request, A::Config::from_config(config), callback_url, call.same());
        handler.call(arguments).future().await.into_response()
    })
}

/// An invocation with its types.
struct Opened<C, K> {
    config: C,
    callback_url: String,
    call: TriggerCall<K>,
}

fn open<C: Config, K: Connection>(invocation: TriggerInvocation) -> Result<Opened<C, K>, String> {
    let TriggerInvocation { config, metadata, trigger_callback_url, services, credentials } = invocation;
    let config = read(config, "the config")?;
    let connection = K::from_credentials(credentials)
        .map_err(|error| format!("the connection does not fit the block: {error}"))?;
    let call = TriggerCall { metadata, services, connection };
    Ok(Opened { config, callback_url: trigger_callback_url, call })
}

fn restore<R: Data>(registration: Value) -> Result<R, Misfit> {
    read(registration, "the stored registration")
}

fn store<R: Data>(
    result: impl result::ActivateResult<Registration: SameRegistration<R>>,
) -> Result<Activated<Value>, ActivationError> {
    let Activated { registration, expires, tick } = result.into_activated();
    let registration = serde_json::to_value(registration.into_registration())
        .map_err(|error| ActivationError::new(format!("the registration has no JSON form: {error}")))?;
    Ok(Activated { registration, expires, tick })
}

fn outcome_of(outcome: impl Outcomes) -> Result<Outcome, TriggerError> {
    outcome
        .into_outcome()
        .map_err(|error| TriggerError::failed(format!("the outcome's data has no JSON form: {error}")))
}

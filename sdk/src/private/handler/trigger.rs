//! The handlers of a trigger.

use crate::context::{
    ActivateContext, DeactivateContext, HandshakeContext, RenewContext, TickContext, TickTime, TriggerCall,
};
use crate::error::{ActivationError, TriggerError};
use crate::request::{Rejected, Request};
use crate::response::Response;
use crate::trigger::{NoRequest, Tick};

/// The arguments of `activate`.
#[diagnostic::on_unimplemented(
    message = "`activate` must be `async fn({C}, ActivateContext<{K}>) -> Result<{R}, ActivationError>`",
    label = "this handler takes `{Self}`",
    note = "`activate` takes the config and an `ActivateContext`, in this order"
)]
pub trait ActivateArguments<C, K, R> {
    /// The config that the handler names.
    type Config;
    /// The connection that the handler names.
    type Connection;

    /// The arguments of one call.
    fn of(config: Self::Config, callback_url: String, call: TriggerCall<Self::Connection>) -> Self;
}

impl<C, K, R, C1, K1> ActivateArguments<C, K, R> for (C1, ActivateContext<K1>) {
    type Config = C1;
    type Connection = K1;

    fn of(config: C1, callback_url: String, call: TriggerCall<K1>) -> Self {
        (config, ActivateContext::new(call, callback_url))
    }
}

/// What `activate` returns.
#[diagnostic::on_unimplemented(
    message = "`activate` must be `async fn({C}, ActivateContext<{K}>) -> Result<{R}, ActivationError>`",
    label = "this handler returns `{Self}`",
    note = "`Activated<{R}>` in place of `{R}` says also when the registration expires and when the first tick is"
)]
pub trait ActivateResult<C, K, R> {
    /// What the handler returns if it succeeds.
    type Activated;

    /// The result.
    fn into_activated(self) -> Result<Self::Activated, ActivationError>;
}

impl<C, K, R, A> ActivateResult<C, K, R> for Result<A, ActivationError> {
    type Activated = A;

    fn into_activated(self) -> Self {
        self
    }
}

/// The arguments of `renew`.
#[diagnostic::on_unimplemented(
    message = "`renew` must be `async fn({C}, RenewContext<{R}, {K}>) -> Result<{R}, ActivationError>`",
    label = "this handler takes `{Self}`",
    note = "`renew` takes the config and a `RenewContext`, in this order"
)]
pub trait RenewArguments<C, K, R> {
    /// The config that the handler names.
    type Config;
    /// The registration that the handler names.
    type Registration;
    /// The connection that the handler names.
    type Connection;

    /// The arguments of one call.
    fn of(
        config: Self::Config,
        callback_url: String,
        registration: Self::Registration,
        call: TriggerCall<Self::Connection>,
    ) -> Self;
}

impl<C, K, R, C1, K1, R1> RenewArguments<C, K, R> for (C1, RenewContext<R1, K1>) {
    type Config = C1;
    type Registration = R1;
    type Connection = K1;

    fn of(config: C1, callback_url: String, registration: R1, call: TriggerCall<K1>) -> Self {
        (config, RenewContext::new(call, callback_url, registration))
    }
}

/// What `renew` returns.
#[diagnostic::on_unimplemented(
    message = "`renew` must be `async fn({C}, RenewContext<{R}, {K}>) -> Result<{R}, ActivationError>`",
    label = "this handler returns `{Self}`",
    note = "`Activated<{R}>` in place of `{R}` says also when the registration expires next"
)]
pub trait RenewResult<C, K, R> {
    /// What the handler returns if it succeeds.
    type Activated;

    /// The result.
    fn into_activated(self) -> Result<Self::Activated, ActivationError>;
}

impl<C, K, R, A> RenewResult<C, K, R> for Result<A, ActivationError> {
    type Activated = A;

    fn into_activated(self) -> Self {
        self
    }
}

/// The arguments of `tick`.
#[diagnostic::on_unimplemented(
    message = "`tick` must be `async fn({C}, TickContext<{R}, {K}>) -> Result<Tick<{O}>, TriggerError>`",
    label = "this handler takes `{Self}`",
    note = "`tick` takes the config and a `TickContext`, in this order"
)]
pub trait TickArguments<C, K, R, O> {
    /// The config that the handler names.
    type Config;
    /// The registration that the handler names.
    type Registration;
    /// The connection that the handler names.
    type Connection;

    /// The arguments of one call.
    fn of(
        config: Self::Config,
        callback_url: String,
        registration: Self::Registration,
        time: TickTime,
        call: TriggerCall<Self::Connection>,
    ) -> Self;
}

impl<C, K, R, O, C1, K1, R1> TickArguments<C, K, R, O> for (C1, TickContext<R1, K1>) {
    type Config = C1;
    type Registration = R1;
    type Connection = K1;

    fn of(config: C1, callback_url: String, registration: R1, time: TickTime, call: TriggerCall<K1>) -> Self {
        (config, TickContext::new(call, callback_url, registration, time))
    }
}

/// What `tick` returns.
#[diagnostic::on_unimplemented(
    message = "`tick` must be `async fn({C}, TickContext<{R}, {K}>) -> Result<Tick<{O}>, TriggerError>`",
    label = "this handler returns `{Self}`",
    note = "`Tick::outcome(…)` starts a run, `Tick::no_op()` starts none"
)]
pub trait TickResult<C, K, R, O> {
    /// The outcomes that the handler names.
    type Outcomes;
    /// Whether they carry a deduplication key.
    type Deduplication;

    /// The result.
    fn into_tick(self) -> Result<Tick<Self::Outcomes, Self::Deduplication>, TriggerError>;
}

impl<C, K, R, O, O1, D> TickResult<C, K, R, O> for Result<Tick<O1, D>, TriggerError> {
    type Outcomes = O1;
    type Deduplication = D;

    fn into_tick(self) -> Self {
        self
    }
}

/// The arguments of `deactivate`.
#[diagnostic::on_unimplemented(
    message = "`deactivate` must be `async fn({C}, DeactivateContext<{R}, {K}>) -> Result<(), ActivationError>`",
    label = "this handler takes `{Self}`",
    note = "`deactivate` takes the config and a `DeactivateContext`, in this order"
)]
pub trait DeactivateArguments<C, K, R> {
    /// The config that the handler names.
    type Config;
    /// The registration that the handler names.
    type Registration;
    /// The connection that the handler names.
    type Connection;

    /// The arguments of one call.
    fn of(
        config: Self::Config,
        registration: Self::Registration,
        call: TriggerCall<Self::Connection>,
    ) -> Self;
}

impl<C, K, R, C1, K1, R1> DeactivateArguments<C, K, R> for (C1, DeactivateContext<R1, K1>) {
    type Config = C1;
    type Registration = R1;
    type Connection = K1;

    fn of(config: C1, registration: R1, call: TriggerCall<K1>) -> Self {
        (config, DeactivateContext::new(call, registration))
    }
}

/// What `deactivate` returns.
#[diagnostic::on_unimplemented(
    message = "`deactivate` must be `async fn({C}, DeactivateContext<{R}, {K}>) -> Result<(), ActivationError>`",
    label = "this handler returns `{Self}`"
)]
pub trait DeactivateResult<C, K, R> {
    /// The result.
    fn into_deactivated(self) -> Result<(), ActivationError>;
}

impl<C, K, R> DeactivateResult<C, K, R> for Result<(), ActivationError> {
    fn into_deactivated(self) -> Self {
        self
    }
}

/// The arguments of `handshake`.
#[diagnostic::on_unimplemented(
    message = "`handshake` must be `async fn(Request, {C}, HandshakeContext<{K}>) -> Result<Response, TriggerError>`",
    label = "this handler takes `{Self}`",
    note = "`handshake` takes the request, the config and a `HandshakeContext`, in this order"
)]
pub trait HandshakeArguments<C, K> {
    /// The config that the handler names.
    type Config;
    /// The connection that the handler names.
    type Connection;

    /// The arguments of one call.
    fn of(
        request: Request,
        config: Self::Config,
        callback_url: String,
        call: TriggerCall<Self::Connection>,
    ) -> Self;
}

impl<C, K, C1, K1> HandshakeArguments<C, K> for (Request, C1, HandshakeContext<K1>) {
    type Config = C1;
    type Connection = K1;

    fn of(request: Request, config: C1, callback_url: String, call: TriggerCall<K1>) -> Self {
        (request, config, HandshakeContext::new(call, callback_url))
    }
}

/// What `handshake` returns.
#[diagnostic::on_unimplemented(
    message = "`handshake` must be `async fn(Request, {C}, HandshakeContext<{K}>) -> Result<Response, TriggerError>`",
    label = "this handler returns `{Self}`"
)]
pub trait HandshakeResult<C, K> {
    /// The result.
    fn into_response(self) -> Result<Response, TriggerError>;
}

impl<C, K> HandshakeResult<C, K> for Result<Response, TriggerError> {
    fn into_response(self) -> Self {
        self
    }
}

/// The first argument of `trigger`.
#[diagnostic::on_unimplemented(
    message = "a trigger takes the request first, not `{Self}`",
    label = "expected `Request`",
    note = "write `(request: Request, config: MyConfig, cx: TriggerContext)`, or `NoRequest` where none starts runs"
)]
pub trait ReceivedRequest: Sized {
    /// Whether the trigger takes requests.
    const TAKEN: bool;

    /// The request, or its refusal.
    fn of(request: Request) -> Result<Self, TriggerError>;
}

impl ReceivedRequest for Request {
    const TAKEN: bool = true;

    fn of(request: Request) -> Result<Self, TriggerError> {
        Ok(request)
    }
}

impl ReceivedRequest for NoRequest {
    const TAKEN: bool = false;

    fn of(_: Request) -> Result<Self, TriggerError> {
        Err(Rejected::bad_request("this trigger takes no requests; its runs are started in another way")
            .into())
    }
}

/// What `trigger` returns.
#[diagnostic::on_unimplemented(
    message = "a trigger must return `Result<{R}, TriggerError>`",
    label = "this is `{Self}`",
    note = "`?` turns every error into a `TriggerError`"
)]
pub trait ReceiveResult<R> {
    /// The result.
    fn into_result(self) -> Result<R, TriggerError>;
}

impl<R> ReceiveResult<R> for Result<R, TriggerError> {
    fn into_result(self) -> Self {
        self
    }
}

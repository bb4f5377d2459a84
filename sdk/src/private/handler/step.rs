//! The handlers of a step.

use crate::context::{CancelContext, FinishContext, StepCall, WakeContext};
use crate::error::StepError;
use crate::request::Request;
use crate::step::{Finish, Wake};

/// The arguments of `finish`.
#[diagnostic::on_unimplemented(
    message = "`finish` must be `async fn(Request, {C}, FinishContext<{S}, {K}>) -> Result<Finish<{O}>, StepError>`",
    label = "this handler takes `{Self}`",
    note = "`finish` takes the request, the config and a `FinishContext`, in this order"
)]
pub trait FinishArguments<C, K, S, O> {
    /// The config that the handler names.
    type Config;
    /// The state that the handler names.
    type State;
    /// The connection that the handler names.
    type Connection;

    /// The arguments of one call.
    fn of(
        request: Request,
        config: Self::Config,
        state: Self::State,
        call: StepCall<Self::Connection>,
    ) -> Self;
}

impl<C, K, S, O, C1, K1, S1> FinishArguments<C, K, S, O> for (Request, C1, FinishContext<S1, K1>) {
    type Config = C1;
    type State = S1;
    type Connection = K1;

    fn of(request: Request, config: C1, state: S1, call: StepCall<K1>) -> Self {
        (request, config, FinishContext::new(call, state))
    }
}

/// What `finish` returns.
#[diagnostic::on_unimplemented(
    message = "`finish` must be `async fn(Request, {C}, FinishContext<{S}, {K}>) -> Result<Finish<{O}>, StepError>`",
    label = "this handler returns `{Self}`",
    note = "`finish` cannot defer again; `Finish::NoOp` and `Finish::NextState` go on waiting"
)]
pub trait FinishResult<C, K, S, O> {
    /// The outcomes that the handler names.
    type Outcomes;
    /// The state that the handler goes on waiting with.
    type State;

    /// The result.
    fn into_finish(self) -> Result<Finish<Self::Outcomes, Self::State>, StepError>;
}

impl<C, K, S, O, O1, S1> FinishResult<C, K, S, O> for Result<Finish<O1, S1>, StepError> {
    type Outcomes = O1;
    type State = S1;

    fn into_finish(self) -> Self {
        self
    }
}

/// The arguments of `wake`.
#[diagnostic::on_unimplemented(
    message = "`wake` must be `async fn({C}, WakeContext<{S}, {K}>) -> Result<Wake<{O}>, StepError>`",
    label = "this handler takes `{Self}`",
    note = "`wake` takes the config and a `WakeContext`, in this order"
)]
pub trait WakeArguments<C, K, S, O> {
    /// The config that the handler names.
    type Config;
    /// The state that the handler names.
    type State;
    /// The connection that the handler names.
    type Connection;

    /// The arguments of one call.
    fn of(config: Self::Config, state: Self::State, call: StepCall<Self::Connection>) -> Self;
}

impl<C, K, S, O, C1, K1, S1> WakeArguments<C, K, S, O> for (C1, WakeContext<S1, K1>) {
    type Config = C1;
    type State = S1;
    type Connection = K1;

    fn of(config: C1, state: S1, call: StepCall<K1>) -> Self {
        (config, WakeContext::new(call, state))
    }
}

/// What `wake` returns.
#[diagnostic::on_unimplemented(
    message = "`wake` must be `async fn({C}, WakeContext<{S}, {K}>) -> Result<Wake<{O}>, StepError>`",
    label = "this handler returns `{Self}`",
    note = "`wake` cannot defer again; `Wake::no_op()` and `Wake::again_in(…)` go on waiting"
)]
pub trait WakeResult<C, K, S, O> {
    /// The outcomes that the handler names.
    type Outcomes;
    /// The state that the handler goes on waiting with.
    type State;

    /// The result.
    fn into_wake(self) -> Result<Wake<Self::Outcomes, Self::State>, StepError>;
}

impl<C, K, S, O, O1, S1> WakeResult<C, K, S, O> for Result<Wake<O1, S1>, StepError> {
    type Outcomes = O1;
    type State = S1;

    fn into_wake(self) -> Self {
        self
    }
}

/// The arguments of `cancel`.
#[diagnostic::on_unimplemented(
    message = "`cancel` must be `async fn({C}, CancelContext<{S}, {K}>) -> Result<(), StepError>`",
    label = "this handler takes `{Self}`",
    note = "`cancel` takes the config and a `CancelContext`, in this order"
)]
pub trait CancelArguments<C, K, S> {
    /// The config that the handler names.
    type Config;
    /// The state that the handler names.
    type State;
    /// The connection that the handler names.
    type Connection;

    /// The arguments of one call.
    fn of(config: Self::Config, state: Self::State, call: StepCall<Self::Connection>) -> Self;
}

impl<C, K, S, C1, K1, S1> CancelArguments<C, K, S> for (C1, CancelContext<S1, K1>) {
    type Config = C1;
    type State = S1;
    type Connection = K1;

    fn of(config: C1, state: S1, call: StepCall<K1>) -> Self {
        (config, CancelContext::new(call, state))
    }
}

/// What `cancel` returns.
#[diagnostic::on_unimplemented(
    message = "`cancel` must be `async fn({C}, CancelContext<{S}, {K}>) -> Result<(), StepError>`",
    label = "this handler returns `{Self}`"
)]
pub trait CancelResult<C, K, S> {
    /// The result.
    fn into_cancelled(self) -> Result<(), StepError>;
}

impl<C, K, S> CancelResult<C, K, S> for Result<(), StepError> {
    fn into_cancelled(self) -> Self {
        self
    }
}

/// What `execute` returns.
#[diagnostic::on_unimplemented(
    message = "a step must return `Result<{R}, StepError>`",
    label = "this is `{Self}`",
    note = "`?` turns every error into a `StepError`"
)]
pub trait ExecuteResult<R> {
    /// The result.
    fn into_result(self) -> Result<R, StepError>;
}

impl<R> ExecuteResult<R> for Result<R, StepError> {
    fn into_result(self) -> Self {
        self
    }
}

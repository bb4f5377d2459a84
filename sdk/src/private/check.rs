//! Compile-time checks whose failure must read as the author's mistake and its mend.

use std::marker::PhantomData;

use schemars::Schema;
use serde_json::Value;

use crate::config::{Config, schema_of};
use crate::context::{ExecuteContext, TriggerContext};
use crate::data::Data;
use crate::error::StepError;
use crate::step::Never;

/// The state of a step without `finish`: only [`Never`].
#[diagnostic::on_unimplemented(
    message = "`execute` may defer, so the step needs a `finish` handler",
    label = "this step can return `Execution::Defer({Self})`",
    note = "name it in the attribute: `#[step(finish = my_finish)]`"
)]
pub trait NeverDefers {
    /// Cannot be called, since there is no value.
    fn store(&self) -> Result<Value, StepError>;
}

impl NeverDefers for Never {
    fn store(&self) -> Result<Value, StepError> {
        match *self {}
    }
}

/// The state of a step with `finish`: anything but [`Never`].
#[diagnostic::on_unimplemented(
    message = "this step has a `finish` handler but can never defer",
    label = "a step that returns this never waits for a callback",
    note = "return `Result<Execution<Outcomes, State>, StepError>`, or remove `finish` and `cancel` from the attribute"
)]
pub trait MayDefer: Data {}

impl<T: Data> MayDefer for T {}

/// The registration of a trigger without `activate`: only `()`.
#[diagnostic::on_unimplemented(
    message = "`trigger` takes a registration, so the trigger needs an `activate` handler that returns it",
    label = "nothing makes the registration `{Self}`",
    note = "name the handlers in the attribute: `#[trigger(activate = my_activate, deactivate = my_deactivate)]`"
)]
pub trait NoRegistration {}

impl NoRegistration for () {}

/// The schema of the registration of a trigger without `activate`: none.
pub const fn no_registration<R: NoRegistration>() -> Option<fn() -> Schema> {
    None
}

/// The config of a handler: the same as the block's.
#[diagnostic::on_unimplemented(
    message = "this handler takes the config `{Self}`, but the block's config is `{C}`",
    label = "takes the config `{Self}`",
    note = "the handlers of a block share one config type"
)]
pub trait SameConfig<C> {}

impl<T> SameConfig<T> for T {}

/// The connection of a handler: the same as the block's.
#[diagnostic::on_unimplemented(
    message = "this handler uses the connection `{Self}`, but the block uses `{K}`",
    label = "uses the connection `{Self}`",
    note = "the contexts of a block's handlers name one connection type"
)]
pub trait SameConnection<K> {}

impl<T> SameConnection<T> for T {}

/// The state of a handler: the same as what `execute` defers with.
#[diagnostic::on_unimplemented(
    message = "this handler takes the state `{Self}`, but the step defers with `{S}`",
    label = "takes the state `{Self}`",
    note = "the context of the handler names the type that `Execution<Outcomes, State>` names"
)]
pub trait SameState<S> {}

impl<T> SameState<T> for T {}

/// The outcomes of a handler: the same as the block's.
#[diagnostic::on_unimplemented(
    message = "this handler returns the outcomes `{Self}`, but the block's outcomes are `{O}`",
    label = "returns the outcomes `{Self}`",
    note = "the handlers of a block share one outcome type"
)]
pub trait SameOutcomes<O> {}

impl<T> SameOutcomes<T> for T {}

/// The registration of a handler: the same as what `trigger` takes.
#[diagnostic::on_unimplemented(
    message = "this handler's registration is `{Self}`, but the trigger's is `{R}`",
    label = "has the registration `{Self}`",
    note = "`activate` returns the type that the contexts of `trigger` and `deactivate` name"
)]
pub trait SameRegistration<R> {}

impl<T> SameRegistration<T> for T {}

/// What the handlers of a step must agree on.
#[derive(Debug)]
pub struct StepTypes<C, K, S, O>(PhantomData<fn() -> (C, K, S, O)>);

impl<C, K, S, O> StepTypes<C, K, S, O> {
    /// Stands for the types.
    #[expect(clippy::new_without_default, reason = "only expansions call it")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// What the handlers of a trigger must agree on.
#[derive(Debug)]
pub struct TriggerTypes<C, K, R>(PhantomData<fn() -> (C, K, R)>);

impl<C, K, R> TriggerTypes<C, K, R> {
    /// Stands for the types.
    #[expect(clippy::new_without_default, reason = "only expansions call it")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

/// The context of `execute`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the context of a step",
    label = "expected `ExecuteContext`, or `ExecuteContext<MyConnection>`"
)]
pub trait StepContext {
    /// The connection that the step needs.
    type Connection;
}

impl<K> StepContext for ExecuteContext<K> {
    type Connection = K;
}

/// The context of `trigger`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the context of a trigger",
    label = "expected `TriggerContext`, or `TriggerContext<MyRegistration, MyConnection>`"
)]
pub trait ReceiveContext {
    /// What `activate` returns.
    type Registration;
    /// The connection that the trigger needs.
    type Connection;
}

impl<R, K> ReceiveContext for TriggerContext<R, K> {
    type Registration = R;
    type Connection = K;
}

/// The schema of a config.
pub fn config_schema<C: Config>() -> Schema {
    schema_of::<C>()
}

/// The schema of a state or a registration.
pub fn data_schema<T: Data>() -> Schema {
    schema_of::<T>()
}

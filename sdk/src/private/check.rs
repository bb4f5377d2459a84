//! Compile-time checks whose failure must read as the author's mistake and its mend.

use std::sync::Arc;

use schemars::Schema;
use serde_json::Value;

use crate::config::{Config, schema_of};
use crate::connection::Connection;
use crate::context::{ExecuteContext, StepCall, StepMetadata, TriggerCall, TriggerContext, TriggerMetadata};
use crate::data::Data;
use crate::error::StepError;
use crate::options::{Choice, OptionsContext, OptionsQuery};
use crate::services::{Services, StepServices};
use crate::step::Never;
use crate::trigger::{Dedupe, Deduplication};

/// The state of a step without `finish` and `wake`: only [`Never`].
#[diagnostic::on_unimplemented(
    message = "`execute` may defer, so the step needs a `finish` handler",
    label = "this step can return `Execution::Defer({Self})`",
    note = "name it in the attribute: `#[step(finish = my_finish)]`, or `wake = my_wake` if time alone ends the wait"
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

/// The state of a step with `finish` or `wake`: anything but [`Never`].
#[diagnostic::on_unimplemented(
    message = "this step has a `finish` or `wake` handler but can never defer",
    label = "a step that returns this never waits for a callback",
    note = "return `Result<Execution<Outcomes, State>, StepError>`, or remove `finish`, `wake` and `cancel` from the attribute"
)]
pub trait MayDefer: Data {}

// The state is `Never` where this fails, so that recommending `Data` would mislead.
#[diagnostic::do_not_recommend]
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
pub trait SameConfig<C>: Send + 'static {
    /// The block's value, for the handler.
    fn from_config(config: C) -> Self;
}

impl<T: Send + 'static> SameConfig<T> for T {
    fn from_config(config: T) -> Self {
        config
    }
}

/// The connection of a handler: the same as the block's.
#[diagnostic::on_unimplemented(
    message = "this handler uses the connection `{Self}`, but the block uses `{K}`",
    label = "uses the connection `{Self}`",
    note = "the contexts of a block's handlers name one connection type"
)]
pub trait SameConnection<K>: Send + Sync + 'static {
    /// The block's value, for the handler.
    fn from_connection(connection: K) -> Self;
}

impl<T: Send + Sync + 'static> SameConnection<T> for T {
    fn from_connection(connection: T) -> Self {
        connection
    }
}

/// The state of a handler: the same as what `execute` defers with.
#[diagnostic::on_unimplemented(
    message = "this handler takes the state `{Self}`, but the step defers with `{S}`",
    label = "takes the state `{Self}`",
    note = "the context of the handler names the type that `Execution<Outcomes, State>` names"
)]
pub trait SameState<S>: Send + 'static {
    /// The block's value, for the handler.
    fn from_state(state: S) -> Self;
}

impl<T: Send + 'static> SameState<T> for T {
    fn from_state(state: T) -> Self {
        state
    }
}

// Of a step that never defers, `MayDefer` says what is wrong.
impl<T: Data> SameState<Never> for T {
    fn from_state(state: Never) -> Self {
        match state {}
    }
}

/// The state that a handler goes on waiting with: none, or the same as what `execute` defers with.
#[diagnostic::on_unimplemented(
    message = "this handler goes on waiting with the state `{Self}`, but the step defers with `{S}`",
    label = "goes on with the state `{Self}`",
    note = "`Finish<Outcomes, State>` and `Wake<Outcomes, State>` name the type that `Execution<Outcomes, State>` names"
)]
pub trait NextState<S>: Send + 'static {
    /// The handler's value, for the block.
    fn into_state(self) -> S;
}

impl<T: Data> NextState<T> for T {
    fn into_state(self) -> T {
        self
    }
}

#[diagnostic::do_not_recommend]
impl<S> NextState<S> for Never {
    fn into_state(self) -> S {
        match self {}
    }
}

/// The outcomes of a handler: the same as the block's.
#[diagnostic::on_unimplemented(
    message = "this handler returns the outcomes `{Self}`, but the block's outcomes are `{O}`",
    label = "returns the outcomes `{Self}`",
    note = "the handlers of a block share one outcome type"
)]
pub trait SameOutcomes<O>: Send + 'static {
    /// The handler's value, for the block.
    fn into_outcomes(self) -> O;
}

impl<T: Send + 'static> SameOutcomes<T> for T {
    fn into_outcomes(self) -> T {
        self
    }
}

/// The registration of a handler: the same as what `trigger` takes.
#[diagnostic::on_unimplemented(
    message = "this handler's registration is `{Self}`, but the trigger's is `{R}`",
    label = "has the registration `{Self}`",
    note = "`activate` returns the type that the contexts of `trigger` and `deactivate` name"
)]
pub trait SameRegistration<R>: Send + 'static {
    /// The block's value, for a handler that takes it.
    fn from_registration(registration: R) -> Self;

    /// The value of a handler that returns it, for the block.
    fn into_registration(self) -> R;
}

impl<T: Send + 'static> SameRegistration<T> for T {
    fn from_registration(registration: T) -> Self {
        registration
    }

    fn into_registration(self) -> T {
        self
    }
}

/// The mark of `switch = replace`.
#[derive(Debug)]
pub enum Replace {}

/// The mark of `switch = overlap`.
#[derive(Debug)]
pub enum Overlap {}

/// The deduplication of a trigger, as its `switch` demands it.
#[diagnostic::on_unimplemented(
    message = "a trigger with `switch = overlap` needs a deduplication key on every outcome",
    label = "the outcomes that this returns carry no key",
    note = "while a version is replaced one event may come on both URLs: end each outcome with `.dedupe(key)` and return `Trigger<…, Dedupe>`, or remove `switch = overlap`"
)]
pub trait FitsSwitch<S>: Deduplication {}

impl<D: Deduplication> FitsSwitch<Replace> for D {}

impl FitsSwitch<Overlap> for Dedupe {}

/// A type that may stand as `S` in `Execution<O, S>` of a step with `finish`: any [`Data`]. Of [`Never`],
/// [`MayDefer`] says that it makes no sense there.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored while a step waits",
    label = "this type is not `#[data]`",
    note = "put `#[data]` on the type; it adds what storing it needs"
)]
pub trait StoredState: Sized + Send + 'static {
    /// The state as JSON.
    fn store(&self) -> Result<Value, serde_json::Error>;

    /// The state from its JSON.
    fn restore(state: Value) -> Result<Self, serde_json::Error>;

    /// The schema of the JSON.
    fn schema() -> Schema;
}

impl<T: Data> StoredState for T {
    fn store(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self)
    }

    fn restore(state: Value) -> Result<Self, serde_json::Error> {
        serde_json::from_value(state)
    }

    fn schema() -> Schema {
        schema_of::<T>()
    }
}

impl StoredState for Never {
    fn store(&self) -> Result<Value, serde_json::Error> {
        match *self {}
    }

    fn restore(_: Value) -> Result<Self, serde_json::Error> {
        Err(serde::de::Error::custom("a step that never defers has no state"))
    }

    fn schema() -> Schema {
        false.into()
    }
}

/// Whether a config has a field.
pub const fn has_field(fields: &[&str], name: &str) -> bool {
    let mut index = 0;
    while index < fields.len() {
        if same_text(fields[index].as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

/// `==`, which a constant cannot call.
const fn same_text(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut index = 0;
    while index < left.len() {
        if left[index] != right[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// The context of `execute`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the context of a step",
    label = "expected `ExecuteContext`, or `ExecuteContext<MyConnection>`"
)]
pub trait StepContext: Send + 'static {
    /// The connection that the step needs.
    type Connection: Connection;

    /// The context of one call.
    fn open(metadata: StepMetadata, services: Arc<dyn StepServices>, connection: Self::Connection) -> Self;
}

impl<K: Connection> StepContext for ExecuteContext<K> {
    type Connection = K;

    fn open(metadata: StepMetadata, services: Arc<dyn StepServices>, connection: K) -> Self {
        Self::new(StepCall::new(metadata, services, connection))
    }
}

/// The context of `trigger`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the context of a trigger",
    label = "expected `TriggerContext`, or `TriggerContext<MyRegistration, MyConnection>`"
)]
pub trait ReceiveContext: Send + 'static {
    /// What `activate` returns.
    type Registration: Data;
    /// The connection that the trigger needs.
    type Connection: Connection;

    /// The context of one call.
    fn open(
        metadata: TriggerMetadata,
        services: Arc<dyn Services>,
        connection: Self::Connection,
        callback_url: String,
        registration: Self::Registration,
    ) -> Self;
}

impl<R: Data, K: Connection> ReceiveContext for TriggerContext<R, K> {
    type Registration = R;
    type Connection = K;

    fn open(
        metadata: TriggerMetadata,
        services: Arc<dyn Services>,
        connection: K,
        callback_url: String,
        registration: R,
    ) -> Self {
        Self::new(TriggerCall { metadata, services, connection }, callback_url, registration)
    }
}

/// The context of a function that looks options up.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the context of a function with `#[options]`",
    label = "expected `OptionsContext`, or `OptionsContext<MyConnection>`"
)]
pub trait LookUpContext: Send + 'static {
    /// The connection that the function needs.
    type Connection: Connection;

    /// The context of one call.
    fn open(services: Arc<dyn Services>, connection: Self::Connection) -> Self;
}

impl<K: Connection> LookUpContext for OptionsContext<K> {
    type Connection = K;

    fn open(services: Arc<dyn Services>, connection: K) -> Self {
        Self::new(services, connection)
    }
}

/// What a function that looks options up is asked.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a function with `#[options]` is asked",
    label = "expected `OptionsQuery`"
)]
pub trait QueryArgument: Send + 'static {
    /// The same value.
    fn of(query: OptionsQuery) -> Self;
}

impl QueryArgument for OptionsQuery {
    fn of(query: OptionsQuery) -> Self {
        query
    }
}

/// What a function that looks options up returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not what a person can choose from",
    label = "expected `Vec<Choice>`"
)]
pub trait Choices: Send + 'static {
    /// The same value.
    fn choices(self) -> Vec<Choice>;
}

impl Choices for Vec<Choice> {
    fn choices(self) -> Self {
        self
    }
}

/// A function that a field names to look its options up. `M` is what the function's type leaves open.
#[diagnostic::on_unimplemented(
    message = "this function does not look options up",
    label = "its arguments or its result are not those of a function with `#[options]`",
    note = "write `#[options] async fn my_options(query: OptionsQuery, cx: OptionsContext) -> Result<Vec<Choice>, StepError>`"
)]
pub trait OptionsFunction<M> {}

#[diagnostic::do_not_recommend]
impl<H, F, K> OptionsFunction<(F, K)> for H
where
    H: FnOnce(OptionsQuery, OptionsContext<K>) -> F,
    F: Future<Output = Result<Vec<Choice>, StepError>> + Send,
    K: Connection,
{
}

/// Checks that a function looks options up.
pub fn options_function<M>(_: impl OptionsFunction<M>) {}

/// The schema of a config.
pub fn config_schema<C: Config>() -> Schema {
    schema_of::<C>()
}

/// The schema of a state.
pub fn state_schema<S: StoredState>() -> Schema {
    S::schema()
}

/// The schema of a state, where the return type does not show that the step defers.
pub fn deferred_schema<S: MayDefer>() -> Schema {
    schema_of::<S>()
}

/// The schema of a registration.
pub fn registration_schema<R: Data>() -> Schema {
    schema_of::<R>()
}

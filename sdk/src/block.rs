//! Block definitions: what the macros register and an engine discovers.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Checks;
use crate::context::{StepMetadata, TickTime, TriggerMetadata};
use crate::error::{ActivationError, StepError, TriggerError};
use crate::outcome::{Outcome, OutcomeDescription};
use crate::request::Request;
use crate::response::Response;
use crate::services::{Services, StepServices};
use crate::step::{Execution, Finish, Wake};
use crate::trigger::{Activated, Tick, Trigger};

/// One registered block: what a manifest says of it, and its handlers with their types erased.
#[derive(Debug)]
pub struct BlockDefinition {
    /// The crate that the block comes from.
    pub app: &'static str,
    /// The version of that crate.
    pub app_version: &'static str,
    /// The block's name within its crate, in kebab-case.
    pub name: &'static str,
    /// A short title for people.
    pub title: &'static str,
    /// What the block does.
    pub description: Option<&'static str>,
    /// The path of the function that the block is made of.
    pub function: &'static str,
    /// Where the block is defined, as `file:line`.
    pub source: &'static str,
    /// The JSON schema of the config.
    pub config: fn() -> Schema,
    /// The rules for a config, and for the configs within it, that the schema cannot say.
    pub checks: fn(&Value) -> Vec<Checks<'_>>,
    /// What to use instead, if the block is deprecated.
    pub deprecation: Option<Deprecation>,
    /// The id of the connection that the block needs, `app/name`.
    pub connection: Option<&'static str>,
    /// Whether the block runs without its connection as well: a step that names none has none.
    pub connection_optional: bool,
    /// How long a handler may take; the engine's limit holds where it is `None`.
    pub time_limit: Option<Duration>,
    /// The outcomes.
    pub outcomes: fn() -> Vec<OutcomeDescription>,
    /// The handlers.
    pub handlers: Handlers,
}

inventory::collect!(BlockDefinition);

impl BlockDefinition {
    /// The block's id, unique among all blocks: `app/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.app, self.name)
    }
}

/// Every block that was linked into this binary, ordered by id.
///
/// A crate whose blocks nothing else names is linked only if the binary says so: `use my_blocks as _;`.
pub fn registered() -> Vec<&'static BlockDefinition> {
    let mut blocks: Vec<_> = inventory::iter::<BlockDefinition>.into_iter().collect();
    blocks.sort_by_key(|block| (block.app, block.name, block.source));
    blocks
}

/// That a block should not be used in new workflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deprecation {
    /// Why, or what to do instead, for a person.
    pub message: Option<&'static str>,
    /// The name, within the same crate, of the block that takes its place and its configs.
    pub replaced_by: Option<&'static str>,
}

/// A block's handlers.
#[derive(Debug)]
pub enum Handlers {
    /// The block is a step.
    Step(StepHandlers),
    /// The block is a trigger.
    Trigger(TriggerHandlers),
}

/// The handlers of a step.
#[derive(Debug)]
pub struct StepHandlers {
    /// The schema of the state that `execute` may defer with; `None` if it cannot defer.
    pub state: Option<fn() -> Schema>,
    /// What happens to an execution whose attempt was interrupted.
    pub if_interrupted: IfInterrupted,
    /// How many attempts run at once in one process, from 1 to 10,000; no bound of the block's own where it is
    /// `None`.
    pub concurrency: Option<u32>,
    /// Does the step's work.
    pub execute: ExecuteHandler,
    /// Takes a callback of a deferred execution, with its state.
    pub finish: Option<FinishHandler>,
    /// Takes the wake time of a deferred execution.
    pub wake: Option<WakeHandler>,
    /// Tears down what a deferred execution has registered outside.
    pub cancel: Option<CancelHandler>,
}

/// What happens to an execution whose attempt was interrupted: the engine died, or the time limit passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IfInterrupted {
    /// It is attempted again, up to three times in a row.
    #[default]
    Repeat,
    /// It fails: its effect must not happen twice, and nobody knows whether it has.
    Fail,
}

/// In which order a new version's trigger replaces the old one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// The old one is deactivated, then the new one activated.
    #[default]
    Replace,
    /// The new one is activated, then the old one deactivated. An event may come on both URLs, so that every
    /// outcome carries a deduplication key.
    Overlap,
}

/// What becomes of ticks that were due while no engine ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissedTicks {
    /// Their outcomes are dropped.
    Skip,
    /// The first of them counts, the others are left out.
    #[default]
    Once,
    /// Each of them counts.
    All,
}

/// The handlers of a trigger.
#[derive(Debug)]
pub struct TriggerHandlers {
    /// Whether requests start runs; otherwise `trigger` refuses each of them.
    pub takes_requests: bool,
    /// The schema of the registration that `activate` returns; `None` without `activate`.
    pub registration: Option<fn() -> Schema>,
    /// In which order a new version's trigger replaces the old one.
    pub switch: Switch,
    /// What becomes of ticks that were due while no engine ran.
    pub missed: MissedTicks,
    /// Judges one request.
    pub trigger: TriggerHandler,
    /// Registers the callback URL with the provider.
    pub activate: Option<ActivateHandler>,
    /// Removes what `activate` registered.
    pub deactivate: Option<DeactivateHandler>,
    /// Answers requests that come while `activate` has not completed.
    pub handshake: Option<HandshakeHandler>,
    /// Renews the registration before it expires.
    pub renew: Option<RenewHandler>,
    /// Takes a tick.
    pub tick: Option<TickHandler>,
}

/// A future whose type is erased.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// `execute`.
pub type ExecuteHandler = fn(StepInvocation) -> BoxFuture<Result<Execution<Outcome, Value>, StepError>>;
/// `finish`: the request, the state.
pub type FinishHandler =
    fn(StepInvocation, Request, Value) -> BoxFuture<Result<Finish<Outcome, Value>, StepError>>;
/// `wake`: the state.
pub type WakeHandler = fn(StepInvocation, Value) -> BoxFuture<Result<Wake<Outcome, Value>, StepError>>;
/// `cancel`: the state.
pub type CancelHandler = fn(StepInvocation, Value) -> BoxFuture<Result<(), StepError>>;
/// `trigger`: the request, the registration.
pub type TriggerHandler = fn(
    TriggerInvocation,
    Request,
    Value,
) -> BoxFuture<Result<Trigger<Outcome, Option<String>>, TriggerError>>;
/// `activate`: returns the registration.
pub type ActivateHandler = fn(TriggerInvocation) -> BoxFuture<Result<Activated<Value>, ActivationError>>;
/// `renew`: the registration; returns the next one.
pub type RenewHandler = fn(TriggerInvocation, Value) -> BoxFuture<Result<Activated<Value>, ActivationError>>;
/// `tick`: its time, the registration.
pub type TickHandler =
    fn(TriggerInvocation, TickTime, Value) -> BoxFuture<Result<Tick<Outcome, Option<String>>, TriggerError>>;
/// `deactivate`: the registration.
pub type DeactivateHandler = fn(TriggerInvocation, Value) -> BoxFuture<Result<(), ActivationError>>;
/// `handshake`: the request.
pub type HandshakeHandler = fn(TriggerInvocation, Request) -> BoxFuture<Result<Response, TriggerError>>;

/// What an engine passes to a handler of a step.
#[derive(Clone)]
pub struct StepInvocation {
    /// The config, variables resolved.
    pub config: Value,
    /// The facts.
    pub metadata: StepMetadata,
    /// The services.
    pub services: Arc<dyn StepServices>,
    /// The credentials of the connection that the block needs; `null` if it has none.
    pub credentials: Value,
}

/// What an engine passes to a handler of a trigger.
#[derive(Clone)]
pub struct TriggerInvocation {
    /// The config.
    pub config: Value,
    /// The facts.
    pub metadata: TriggerMetadata,
    /// Where the activation receives its requests.
    pub trigger_callback_url: String,
    /// The services.
    pub services: Arc<dyn Services>,
    /// The credentials of the connection that the block needs; `null` if it has none.
    pub credentials: Value,
}

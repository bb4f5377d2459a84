//! Block definitions: what the macros register and an engine discovers.

use std::pin::Pin;
use std::sync::Arc;

use schemars::Schema;
use serde_json::Value;

use crate::context::{StepMetadata, TriggerMetadata};
use crate::error::{ActivationError, StepError, TriggerError};
use crate::outcome::{Outcome, OutcomeDescription};
use crate::request::Request;
use crate::response::Response;
use crate::services::{Services, StepServices};
use crate::step::{Execution, Finish};
use crate::trigger::Trigger;

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
    /// Where the block is defined, as `file:line`.
    pub source: &'static str,
    /// The JSON schema of the config.
    pub config: fn() -> Schema,
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
    /// Does the step's work.
    pub execute: ExecuteHandler,
    /// Takes a callback of a deferred execution, with its state.
    pub finish: Option<FinishHandler>,
    /// Tears down what a deferred execution has registered outside.
    pub cancel: Option<CancelHandler>,
}

/// The handlers of a trigger.
#[derive(Debug)]
pub struct TriggerHandlers {
    /// The schema of the registration that `activate` returns; `None` without `activate`.
    pub registration: Option<fn() -> Schema>,
    /// Judges one request.
    pub trigger: TriggerHandler,
    /// Registers the callback URL with the provider.
    pub activate: Option<ActivateHandler>,
    /// Removes what `activate` registered.
    pub deactivate: Option<DeactivateHandler>,
    /// Answers requests that come while `activate` has not completed.
    pub handshake: Option<HandshakeHandler>,
}

/// A future whose type is erased.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// `execute`.
pub type ExecuteHandler = fn(StepInvocation) -> BoxFuture<Result<Execution<Outcome, Value>, StepError>>;
/// `finish`: the request, the state.
pub type FinishHandler = fn(StepInvocation, Request, Value) -> BoxFuture<Result<Finish<Outcome>, StepError>>;
/// `cancel`: the state.
pub type CancelHandler = fn(StepInvocation, Value) -> BoxFuture<Result<(), StepError>>;
/// `trigger`: the request, the registration.
pub type TriggerHandler = fn(
    TriggerInvocation,
    Request,
    Value,
) -> BoxFuture<Result<Trigger<Outcome, Option<String>>, TriggerError>>;
/// `activate`: returns the registration.
pub type ActivateHandler = fn(TriggerInvocation) -> BoxFuture<Result<Value, ActivationError>>;
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
    /// The credentials of the connection that the block needs; `null` if it needs none.
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
    /// The credentials of the connection that the block needs; `null` if it needs none.
    pub credentials: Value,
}

//! Manifests: the registered blocks as data.

use schemars::Schema;
use serde::{Deserialize, Serialize};

use crate::block::{BlockDefinition, Handlers};
use crate::outcome::OutcomeDescription;

/// The version of the manifest's format.
pub const MANIFEST_FORMAT: u32 = 1;

/// What `blocks --json` prints: every block of a binary, by the crate that it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format, [`MANIFEST_FORMAT`].
    pub format: u32,
    /// The crates, ordered by name.
    pub apps: Vec<App>,
}

/// One crate and its blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// The crate's name.
    pub name: String,
    /// The crate's version.
    pub version: String,
    /// Its blocks, ordered by name.
    pub blocks: Vec<BlockManifest>,
}

/// What a manifest says of one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockManifest {
    /// The block's id, unique among all blocks: `app/name`.
    pub id: String,
    /// Step or trigger.
    pub kind: BlockKind,
    /// A short title for people.
    pub title: String,
    /// What the block does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The handlers that the block has, in the order in which they are called.
    pub handlers: Vec<HandlerKind>,
    /// The JSON schema (draft 2020-12) of the config.
    pub config: Schema,
    /// The outcomes.
    pub outcomes: Vec<OutcomeDescription>,
    /// The JSON schema of the state that the block defers with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Schema>,
    /// The JSON schema of the registration that `activate` returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Schema>,
}

/// Whether a block starts runs or is visited by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// Visited by runs.
    Step,
    /// Starts runs.
    Trigger,
}

/// A handler of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandlerKind {
    /// Registers a trigger with its provider.
    Activate,
    /// Answers requests while `activate` has not completed.
    Handshake,
    /// Judges one request of a trigger.
    Trigger,
    /// Removes what `activate` registered.
    Deactivate,
    /// Does a step's work.
    Execute,
    /// Takes a callback of a deferred execution.
    Finish,
    /// Tears down what a deferred execution has registered outside.
    Cancel,
}

impl Manifest {
    /// The manifest of these blocks, which must be ordered as [`registered`](crate::block::registered) does.
    pub fn of(blocks: &[&BlockDefinition]) -> Self {
        let apps = blocks
            .chunk_by(|left, right| left.app == right.app)
            .map(|blocks| App {
                name: blocks[0].app.to_owned(),
                version: blocks[0].app_version.to_owned(),
                blocks: blocks.iter().map(|block| block.manifest()).collect(),
            })
            .collect();
        Self { format: MANIFEST_FORMAT, apps }
    }
}

impl BlockDefinition {
    /// What a manifest says of this block.
    pub fn manifest(&self) -> BlockManifest {
        let (kind, state, registration) = match &self.handlers {
            Handlers::Step(step) => (BlockKind::Step, step.state.map(|schema| schema()), None),
            Handlers::Trigger(trigger) => {
                (BlockKind::Trigger, None, trigger.registration.map(|schema| schema()))
            }
        };
        BlockManifest {
            id: self.id(),
            kind,
            title: self.title.to_owned(),
            description: self.description.map(str::to_owned),
            handlers: self.handlers.kinds(),
            config: (self.config)(),
            outcomes: (self.outcomes)(),
            state,
            registration,
        }
    }
}

impl Handlers {
    /// The handlers that are present, in the order in which they are called.
    pub fn kinds(&self) -> Vec<HandlerKind> {
        let present = match self {
            Self::Step(step) => vec![
                (HandlerKind::Execute, true),
                (HandlerKind::Finish, step.finish.is_some()),
                (HandlerKind::Cancel, step.cancel.is_some()),
            ],
            Self::Trigger(trigger) => vec![
                (HandlerKind::Activate, trigger.activate.is_some()),
                (HandlerKind::Handshake, trigger.handshake.is_some()),
                (HandlerKind::Trigger, true),
                (HandlerKind::Deactivate, trigger.deactivate.is_some()),
            ],
        };
        present.into_iter().filter_map(|(kind, present)| present.then_some(kind)).collect()
    }
}

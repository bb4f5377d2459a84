//! Manifests: the registered blocks as data.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::block::{self, BlockDefinition, Handlers, IfInterrupted, MissedTicks, Switch};
use crate::connection::{self, ConnectionDefinition, ConnectionManifest};
use crate::options::{self, OptionsDefinition};
use crate::outcome::OutcomeDescription;

/// The version of the manifest's format.
pub const MANIFEST_FORMAT: u32 = 1;

/// The URI that names the JSON schema of this format.
pub const MANIFEST_SCHEMA_ID: &str = "urn:stepwell:manifest:1";

/// The JSON schema (draft 2020-12) of a [`Manifest`].
pub fn manifest_schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generated = settings.into_generator().into_root_schema_for::<Manifest>();
    if let Some(Value::Object(embedded)) = generated.pointer_mut("/$defs/Schema") {
        embedded.insert("description".to_owned(), "A JSON schema (draft 2020-12).".into());
    }
    // What says what this is comes first.
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": MANIFEST_SCHEMA_ID,
        "title": "Manifest of Stepwell blocks",
        "description": generated.remove("description"),
    });
    for (keyword, value) in generated.ensure_object() {
        schema.ensure_object().entry(keyword.as_str()).or_insert(value.clone());
    }
    schema
}

/// What `blocks --json` prints: every block of a binary, by the crate that it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The version of this format.
    #[schemars(extend("const" = MANIFEST_FORMAT))]
    pub format: u32,
    /// The crates, ordered by name.
    pub apps: Vec<App>,
}

/// One crate and its blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct App {
    /// The crate's name.
    pub name: String,
    /// The crate's version.
    pub version: String,
    /// Its kinds of connection, ordered by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ConnectionManifest>,
    /// The functions that look options up, ordered by name. One that stands here twice makes the look-up ambiguous.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Its blocks, ordered by name.
    pub blocks: Vec<BlockManifest>,
}

/// What a manifest says of one block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// What to use instead, if the block is deprecated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<DeprecationManifest>,
    /// The id of the connection that the block needs, `app/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Whether the block runs without its connection as well: a step that names none has none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub connection_optional: bool,
    /// How long a handler may take, in milliseconds; the engine's limit holds where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_ms: Option<u64>,
    /// Of a step: what happens to an execution whose attempt was interrupted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_interrupted: Option<IfInterrupted>,
    /// Of a step: how many of its attempts run at once in one process; it has no bound of its own where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Of a trigger: in which order a new version's trigger replaces the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Switch>,
    /// Of a trigger with ticks: what becomes of those that were due while no engine ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_ticks: Option<MissedTicks>,
    /// Of a trigger: whether requests to its URL start runs. Where it is left out, they do.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub takes_requests: bool,
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

/// That a block should not be used in new workflows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeprecationManifest {
    /// Why, or what to do instead, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The id of the block that takes its place and accepts its configs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

/// Whether a block starts runs or is visited by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// Visited by runs.
    Step,
    /// Starts runs.
    Trigger,
}

/// A handler of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HandlerKind {
    /// Registers a trigger with its provider.
    Activate,
    /// Answers requests while `activate` has not completed.
    Handshake,
    /// Judges one request of a trigger.
    Trigger,
    /// Renews a registration before it expires.
    Renew,
    /// Takes a tick.
    Tick,
    /// Removes what `activate` registered.
    Deactivate,
    /// Does a step's work.
    Execute,
    /// Takes a callback of a deferred execution.
    Finish,
    /// Takes the wake time of a deferred execution.
    Wake,
    /// Tears down what a deferred execution has registered outside.
    Cancel,
}

impl Manifest {
    /// The manifest of everything that was linked into this binary.
    pub fn registered() -> Self {
        Self::of(&block::registered(), &connection::registered(), &options::registered())
    }

    /// The manifest of these blocks, connections and functions, in any order.
    pub fn of(
        blocks: &[&BlockDefinition],
        connections: &[&ConnectionDefinition],
        options: &[&OptionsDefinition],
    ) -> Self {
        let mut apps: BTreeMap<&str, App> = BTreeMap::new();
        for connection in connections {
            let app = apps
                .entry(connection.app)
                .or_insert_with(|| App::new(connection.app, connection.app_version));
            app.connections.push(connection.manifest());
        }
        for function in options {
            let app =
                apps.entry(function.app).or_insert_with(|| App::new(function.app, function.app_version));
            app.options.push(function.name.to_owned());
        }
        for block in blocks {
            let app = apps.entry(block.app).or_insert_with(|| App::new(block.app, block.app_version));
            app.blocks.push(block.manifest());
        }
        let mut apps: Vec<App> = apps.into_values().collect();
        for app in &mut apps {
            app.connections.sort_by(|left, right| left.id.cmp(&right.id));
            app.options.sort();
            app.blocks.sort_by(|left, right| left.id.cmp(&right.id));
        }
        Self { format: MANIFEST_FORMAT, apps }
    }
}

impl App {
    /// A crate of which nothing more is known.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            connections: Vec::new(),
            options: Vec::new(),
            blocks: Vec::new(),
        }
    }
}

impl BlockManifest {
    /// A block of which nothing more is known.
    pub fn new(
        id: impl Into<String>,
        kind: BlockKind,
        config: Schema,
        outcomes: Vec<OutcomeDescription>,
    ) -> Self {
        let id = id.into();
        Self {
            kind,
            title: id.clone(),
            id,
            description: None,
            deprecated: None,
            connection: None,
            connection_optional: false,
            time_limit_ms: None,
            if_interrupted: None,
            concurrency: None,
            switch: None,
            missed_ticks: None,
            takes_requests: true,
            handlers: Vec::new(),
            config,
            outcomes,
            state: None,
            registration: None,
        }
    }
}

impl BlockDefinition {
    /// What a manifest says of this block.
    pub fn manifest(&self) -> BlockManifest {
        let mut manifest = BlockManifest {
            title: self.title.to_owned(),
            description: self.description.map(str::to_owned),
            deprecated: self.deprecation.map(|deprecation| DeprecationManifest {
                message: deprecation.message.map(str::to_owned),
                replaced_by: deprecation.replaced_by.map(|name| format!("{}/{name}", self.app)),
            }),
            time_limit_ms: self.time_limit.map(|limit| limit.as_millis().try_into().unwrap_or(u64::MAX)),
            connection: self.connection.map(str::to_owned),
            connection_optional: self.connection_optional,
            handlers: self.handlers.kinds(),
            ..BlockManifest::new(self.id(), BlockKind::Step, (self.config)(), (self.outcomes)())
        };
        match &self.handlers {
            Handlers::Step(step) => {
                manifest.if_interrupted = Some(step.if_interrupted);
                manifest.concurrency = step.concurrency;
                manifest.state = step.state.map(|schema| schema());
            }
            Handlers::Trigger(trigger) => {
                manifest.kind = BlockKind::Trigger;
                manifest.switch = Some(trigger.switch);
                manifest.missed_ticks = trigger.tick.map(|_| trigger.missed);
                manifest.takes_requests = trigger.takes_requests;
                manifest.registration = trigger.registration.map(|schema| schema());
            }
        }
        manifest
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

impl Handlers {
    /// The handlers that are present, in the order in which they are called.
    pub fn kinds(&self) -> Vec<HandlerKind> {
        let present = match self {
            Self::Step(step) => vec![
                (HandlerKind::Execute, true),
                (HandlerKind::Finish, step.finish.is_some()),
                (HandlerKind::Wake, step.wake.is_some()),
                (HandlerKind::Cancel, step.cancel.is_some()),
            ],
            Self::Trigger(trigger) => vec![
                (HandlerKind::Activate, trigger.activate.is_some()),
                (HandlerKind::Handshake, trigger.handshake.is_some()),
                (HandlerKind::Trigger, true),
                (HandlerKind::Renew, trigger.renew.is_some()),
                (HandlerKind::Tick, trigger.tick.is_some()),
                (HandlerKind::Deactivate, trigger.deactivate.is_some()),
            ],
        };
        present.into_iter().filter_map(|(kind, present)| present.then_some(kind)).collect()
    }
}

//! Workflows of one block.

use std::any::type_name_of_val;

use serde::Serialize;
use serde_json::{Map, Value, json};
use stepwell::block::{self, BlockDefinition, Handlers, MissedTicks, Switch, TriggerHandlers};
use stepwell::config::{NoConfig, schema_of, with_defaults};
use stepwell::outcome::OutcomeDescription;
use stepwell::trigger::Trigger;

use crate::connections::{DEFAULT, ProgramConnections};

/// The trigger of a workflow whose runs a test starts.
pub(super) static START: BlockDefinition = BlockDefinition {
    app: "testing",
    app_version: env!("CARGO_PKG_VERSION"),
    name: "start",
    title: "Start by the test",
    description: None,
    function: "",
    source: "",
    deprecation: None,
    connection: None,
    connection_optional: false,
    time_limit: None,
    config: schema_of::<NoConfig>,
    checks: |_| Vec::new(),
    outcomes: || vec![OutcomeDescription::new("started", "Started")],
    handlers: Handlers::Trigger(TriggerHandlers {
        registration: None,
        switch: Switch::Replace,
        missed: MissedTicks::Once,
        takes_requests: true,
        trigger: |_, _, _| Box::pin(async { Ok(Trigger::NoOp) }),
        activate: None,
        deactivate: None,
        handshake: None,
        renew: None,
        tick: None,
    }),
};

/// The definition of the block that this function is.
#[track_caller]
pub(super) fn definition<F>(function: &F) -> &'static BlockDefinition {
    let path = type_name_of_val(function);
    let found = block::registered().into_iter().find(|block| block.function == path);
    found.unwrap_or_else(|| panic!("`{path}` is not a block; put `#[step]` or `#[trigger]` on it"))
}

/// A workflow of one step.
pub(super) fn of_step(step: &BlockDefinition, config: &impl Serialize, held: &ProgramConnections) -> Value {
    json!({
        "title": step.title,
        "trigger": { "block": START.id(), "on": { "started": "step" } },
        "steps": { "step": instance(step, config, held) },
    })
}

/// A workflow of a trigger alone.
pub(super) fn of_trigger(
    trigger: &BlockDefinition,
    config: &impl Serialize,
    held: &ProgramConnections,
) -> Value {
    json!({ "title": trigger.title, "trigger": instance(trigger, config, held), "steps": {} })
}

/// An instance of a block, which names the connection that it may do without where the test gives one.
fn instance(block: &BlockDefinition, config: &impl Serialize, held: &ProgramConnections) -> Value {
    let config = json_of(config);
    let mut instance = json!({ "block": block.id(), "config": config, "on": ends(block, &config) });
    if block.connection_optional && block.connection.is_some_and(|kind| held.has_default(kind)) {
        instance["connection"] = json!(DEFAULT);
    }
    instance
}

/// An edge to the end for each outcome that the config gives.
fn ends(block: &BlockDefinition, config: &Value) -> Map<String, Value> {
    let config = with_defaults(config, &(block.config)());
    let ids = (block.outcomes)().into_iter().flat_map(|outcome| outcome.ids(&config));
    ids.map(|id| (id, "end".into())).collect()
}

/// A config as JSON, without the fields that are left out.
fn json_of(config: &impl Serialize) -> Value {
    let mut config = serde_json::to_value(config).expect("a config is JSON");
    if let Some(fields) = config.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    config
}

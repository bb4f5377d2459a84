//! A version as the state machine sees it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use stepwell::block::IfInterrupted;

use crate::core::policy::RetryPolicy;

/// The graph of a version, ready to run.
#[derive(Clone, Default)]
pub struct Plan {
    /// The steps that follow each outcome of the trigger.
    pub trigger: BTreeMap<String, Vec<String>>,
    /// The steps by id.
    pub steps: HashMap<String, PlannedStep>,
}

/// A step of a version.
#[derive(Clone)]
pub struct PlannedStep {
    /// The block's id.
    pub block: String,
    /// The release of the block's crate, its name and version.
    pub release: String,
    /// Makes the config.
    pub config: Arc<dyn ResolveConfig>,
    /// How a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// How long the execution may take from its first attempt.
    pub deadline: Option<Duration>,
    /// The steps that follow each outcome, and `error` and `deadline`.
    pub on: BTreeMap<String, Vec<String>>,
    /// Whether the block has a `finish` handler.
    pub finishes: bool,
    /// Whether the block has a `cancel` handler.
    pub cancels: bool,
    /// Whether an interrupted attempt is repeated.
    pub if_interrupted: IfInterrupted,
}

/// Makes a step's config from the variables.
pub trait ResolveConfig: Send + Sync {
    /// The names of the variables that are needed.
    fn references(&self) -> &BTreeSet<String>;

    /// The config.
    ///
    /// # Errors
    ///
    /// The path of the field that cannot be resolved or does not fit, and why.
    fn resolve(&self, variables: &Map<String, Value>) -> Result<Value, String>;
}

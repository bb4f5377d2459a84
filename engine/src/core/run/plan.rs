//! A version as the state machine sees it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stepwell::block::IfInterrupted;

use super::needs::Needs;
use crate::core::policy::RetryPolicy;

/// The graph of a version, ready to run.
#[derive(Clone)]
pub struct Plan {
    /// The steps that follow each outcome of the trigger.
    pub trigger: BTreeMap<String, Vec<String>>,
    /// Whether the workflow bounds how many of its runs go on at once.
    pub limited: bool,
    /// The first steps of the error handler.
    pub on_error: Vec<String>,
    /// How long a run may be active.
    pub time_limit: Option<Duration>,
    /// The steps by id.
    pub steps: HashMap<String, PlannedStep>,
    /// For each join, the steps that lead to it.
    upstream: HashMap<String, BTreeSet<String>>,
    pub(super) needs: Needs,
}

impl Plan {
    /// A graph without bounds and handlers.
    pub fn new(trigger: BTreeMap<String, Vec<String>>, steps: HashMap<String, PlannedStep>) -> Self {
        let joins = steps.iter().filter(|(_, step)| matches!(step.control, Some(Control::Join)));
        let upstream = joins.map(|(id, _)| (id.clone(), leading_to(id, &steps))).collect();
        let needs = Needs::of(&steps);
        Self { trigger, limited: false, on_error: Vec::new(), time_limit: None, steps, upstream, needs }
    }

    /// Whether a step can lead to a join.
    pub(super) fn leads_to(&self, step: &str, join: &str) -> bool {
        self.upstream.get(join).is_some_and(|steps| steps.contains(step))
    }
}

fn leading_to(join: &str, steps: &HashMap<String, PlannedStep>) -> BTreeSet<String> {
    let mut before: HashMap<&str, Vec<&str>> = HashMap::new();
    for (id, step) in steps {
        for target in step.on.values().flatten() {
            before.entry(target).or_default().push(id);
        }
    }
    let mut found = BTreeSet::new();
    let mut open = vec![join];
    while let Some(step) = open.pop() {
        for previous in before.get(step).into_iter().flatten() {
            if found.insert((*previous).to_owned()) {
                open.push(previous);
            }
        }
    }
    found
}

/// What the core carries out itself, instead of a handler.
#[derive(Clone)]
pub enum Control {
    /// Waits for parallel paths.
    Join,
    /// Goes through a list.
    ForEach,
    /// Repeats until something holds.
    Repeat {
        /// What, evaluated at the end of each round.
        until: Arc<dyn ResolveConfig>,
    },
    /// Calls another workflow.
    Call,
    /// Ends the run.
    Stop,
}

/// A step of a version.
#[derive(Clone)]
pub struct PlannedStep {
    /// The block's id.
    pub block: String,
    /// Whether the block bounds how many of its attempts run at once.
    pub bounded: bool,
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
    /// What it is, if the core carries it out itself.
    pub control: Option<Control>,
    /// Whether an interrupted attempt is repeated.
    pub if_interrupted: IfInterrupted,
}

/// The variables that a step sees, by name.
pub type Variables<'a> = BTreeMap<&'a str, Cow<'a, Value>>;

/// Makes a step's config from the variables.
pub trait ResolveConfig: Send + Sync {
    /// The names of the variables that are needed.
    fn references(&self) -> &BTreeSet<String>;

    /// The config.
    ///
    /// # Errors
    ///
    /// The path of the field that cannot be resolved or does not fit, and why.
    fn resolve(&self, variables: &Variables<'_>) -> Result<Value, String>;
}

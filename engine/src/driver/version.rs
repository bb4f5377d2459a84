//! Versions, compiled for running.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use stepwell::block::{BlockDefinition, Handlers, StepHandlers, TriggerHandlers};

use super::Inner;
use super::answer::Refusal;
use super::index_key::index_key;
use crate::core::policy::RetryPolicy;
use crate::core::run::{Control, Plan, PlannedStep, ResolveConfig, Variables};
use crate::definition::inputs::{data_problems, inputs_schema};
use crate::definition::{Catalog, Definition, Problem, Retry, StepInstance, control};
use crate::expr::Template;
use crate::model::{VersionId, WorkflowId};
use crate::secrets::{Keys, Place, has_secrets};
use crate::store::{Lane, StoreError, VersionRow};

/// A version, compiled for running.
pub(super) struct Version {
    pub(super) row: VersionRow,
    pub(super) definition: Definition,
    pub(super) plan: Plan,
    /// Every variable that any step needs.
    pub(super) references: BTreeSet<String>,
    /// The most steps that one outcome starts.
    pub(super) widest: usize,
    /// How many runs go on at once, and by which key they are counted.
    concurrency: Option<(u32, Template)>,
    /// The schema of the data that it takes; `None` if its trigger names no inputs.
    inputs: Option<Value>,
}

impl Version {
    /// The data of a start by hand: where nothing is given, none of the inputs that there are.
    pub(super) fn given(&self, data: Value) -> Value {
        if data.is_null() && self.inputs.is_some() { json!({}) } else { data }
    }

    /// What is wrong with the data of a call or a start by hand.
    pub(super) fn input_problems(&self, data: &Value) -> Vec<Problem> {
        let problems = self.inputs.as_ref().map(|schema| data_problems(schema, data, &BTreeSet::new()));
        problems.unwrap_or_default()
    }

    /// The lane that a run with this event queues in; none if all runs go on at once.
    ///
    /// # Errors
    ///
    /// When the key cannot be told.
    pub(super) fn lane(
        &self,
        trigger: Option<&Value>,
        surroundings: &Map<String, Value>,
    ) -> Result<Option<Lane>, String> {
        let Some((limit, key)) = &self.concurrency else { return Ok(None) };
        let mut variables: Variables<'_> =
            surroundings.iter().map(|(name, value)| (name.as_str(), Cow::Borrowed(value))).collect();
        variables.extend(trigger.map(|data| ("trigger", Cow::Borrowed(data))));
        let key =
            key.resolve(&variables).map_err(|problem| format!("concurrency.key: {}", problem.message))?;
        let key = match key {
            Value::String(key) => key,
            other => other.to_string(),
        };
        Ok(Some(Lane { key: index_key(key), limit: *limit }))
    }
}

/// Why a version cannot run in this binary.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unrunnable {
    #[error("version {0} does not exist")]
    Missing(VersionId),
    #[error("version {version} cannot run in this binary: {problem}")]
    Unfit { version: VersionId, problem: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Unrunnable> for Refusal {
    fn from(error: Unrunnable) -> Self {
        match error {
            Unrunnable::Store(error) => Self::Store(error),
            error => Self::Conflict(error.to_string()),
        }
    }
}

impl Inner {
    /// A version, from memory or the store.
    pub(super) async fn version(&self, id: VersionId) -> Result<Arc<Version>, Unrunnable> {
        let unfit = |problem| Unrunnable::Unfit { version: id, problem };
        if let Some(version) = self.versions.lock().expect("no holder panics").get(&id) {
            return version.clone().map_err(unfit);
        }
        let row = self.store.version(id).await?.ok_or(Unrunnable::Missing(id))?;
        let misfits = self.misfits_of(id).await?;
        let compiled = if misfits.is_empty() { self.compile(row) } else { Err(misfits.join("; ")) };
        let version = match compiled {
            Ok(version) => Arc::new(version),
            Err(problem) => {
                // Another binary may go on with its runs.
                self.store.leave_version(id).await?;
                self.versions.lock().expect("no holder panics").insert(id, Err(problem.clone()));
                return Err(unfit(problem));
            }
        };
        self.rely_on(id, &version.definition).await?;
        self.versions.lock().expect("no holder panics").insert(id, Ok(Arc::clone(&version)));
        Ok(version)
    }

    /// A version that is in memory and can run.
    pub(super) fn known_version(&self, id: VersionId) -> Option<Arc<Version>> {
        let versions = self.versions.lock().expect("no holder panics");
        versions.get(&id).and_then(|version| version.clone().ok())
    }

    fn compile(&self, row: VersionRow) -> Result<Version, String> {
        let parsed = Definition::from_json(&row.definition).map_err(|problems| describe(&problems))?;
        let definition = parsed.definition;
        self.trigger_handlers(&definition.trigger.block)?;
        let steps = definition
            .steps
            .iter()
            .map(|(id, step)| Ok((id.clone(), self.plan_step(&row.workflow, step)?)))
            .collect::<Result<HashMap<_, _>, String>>()?;
        let trigger = definition.trigger.on.0.iter().map(|(id, steps)| (id.clone(), steps.clone())).collect();
        let concurrency = definition.concurrency.as_ref().map(|bound| {
            let key = Template::compile(&json!(bound.key.as_deref().unwrap_or_default()));
            Ok::<_, String>((bound.limit, key.map_err(|problems| describe(&problems))?))
        });
        let concurrency = concurrency.transpose()?;
        let key = concurrency.iter().flat_map(|(_, key)| key.references());
        let until = steps.values().filter_map(|step| match &step.control {
            Some(Control::Repeat { until }) => Some(until.references()),
            _ => None,
        });
        let configs = steps.values().map(|step| step.config.references());
        let references = configs.chain(until).flatten().chain(key).cloned().collect();
        let widest = steps.values().flat_map(|step| step.on.values().map(Vec::len)).max().unwrap_or(1).max(1);
        let mut plan = Plan::new(trigger, steps);
        plan.limited = concurrency.is_some();
        plan.on_error.clone_from(&definition.on_error);
        plan.time_limit = definition.time_limit;
        let inputs = inputs_schema(&definition.trigger);
        Ok(Version { row, definition, plan, references, widest, concurrency, inputs })
    }

    fn plan_step(&self, workflow: &WorkflowId, step: &StepInstance) -> Result<PlannedStep, String> {
        let (block, handlers) = (self.block(&step.block)?, self.step_handlers(&step.block)?);
        let (config, control) = plan_control(step)?;
        let template = Template::compile(&config).map_err(|problems| describe(&problems))?;
        // A run that has failed is repeated only where somebody says so.
        let unless_told =
            if matches!(control, Some(Control::Call)) { RetryPolicy::NEVER } else { RetryPolicy::DEFAULT };
        Ok(PlannedStep {
            control,
            block: step.block.clone(),
            bounded: handlers.concurrency.is_some(),
            config: Arc::new(StepConfig {
                template,
                keys: Arc::clone(&self.keys),
                workflow: workflow.clone(),
                block: step.block.clone(),
                catalog: Arc::clone(&self.catalog),
                has_secrets: self
                    .catalog
                    .get(&step.block)
                    .is_some_and(|block| has_secrets(block.manifest.config.as_value())),
            }),
            retry: step.retry.as_ref().map_or(unless_told, retry_policy),
            deadline: step.deadline,
            on: step.on.0.iter().map(|(id, steps)| (id.clone(), steps.clone())).collect(),
            finishes: handlers.finish.is_some(),
            cancels: handlers.cancel.is_some(),
            if_interrupted: handlers.if_interrupted,
            release: format!("{} {}", block.app, block.app_version),
        })
    }

    pub(super) fn block(&self, id: &str) -> Result<&'static BlockDefinition, String> {
        self.blocks.get(id).copied().ok_or_else(|| format!("the block `{id}` is not in this binary"))
    }

    pub(super) fn step_handlers(&self, id: &str) -> Result<&'static StepHandlers, String> {
        match &self.block(id)?.handlers {
            Handlers::Step(handlers) => Ok(handlers),
            Handlers::Trigger(_) => Err(format!("the block `{id}` is a trigger, not a step")),
        }
    }

    pub(super) fn trigger_handlers(&self, id: &str) -> Result<&'static TriggerHandlers, String> {
        match &self.block(id)?.handlers {
            Handlers::Trigger(handlers) => Ok(handlers),
            Handlers::Step(_) => Err(format!("the block `{id}` is a step, not a trigger")),
        }
    }
}

/// What a control step is, and the part of its config that is resolved when it begins.
fn plan_control(step: &StepInstance) -> Result<(Value, Option<Control>), String> {
    let mut config = step.config.clone();
    let control = match step.block.as_str() {
        control::JOIN => Control::Join,
        control::FOR_EACH => Control::ForEach,
        control::CALL => Control::Call,
        control::STOP => Control::Stop,
        control::REPEAT => {
            // The condition is evaluated when a round ends; until then something stands for it that fits.
            let until = config.get_mut("until").map(|until| std::mem::replace(until, Value::Bool(false)));
            let template =
                Template::compile(&json!({ "until": until })).map_err(|problems| describe(&problems))?;
            Control::Repeat { until: Arc::new(Until(template)) }
        }
        _ => return Ok((config, None)),
    };
    Ok((config, Some(control)))
}

/// The condition of a loop that repeats.
struct Until(Template);

impl ResolveConfig for Until {
    fn references(&self) -> &BTreeSet<String> {
        self.0.references()
    }

    fn resolve(&self, variables: &Variables<'_>) -> Result<Value, String> {
        let mut config = self
            .0
            .resolve(variables)
            .map_err(|problem| format!("config `{}`: {}", problem.path, problem.message))?;
        Ok(config.get_mut("until").map(Value::take).unwrap_or_default())
    }
}

fn retry_policy(retry: &Retry) -> RetryPolicy {
    RetryPolicy { attempts: retry.attempts, first: retry.first, most: retry.most }
}

fn describe(problems: &[crate::definition::Problem]) -> String {
    let problems: Vec<_> =
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    problems.join("; ")
}

/// A step's config: its template, and the schema that the result must fit.
struct StepConfig {
    template: Template,
    keys: Arc<Keys>,
    workflow: WorkflowId,
    block: String,
    catalog: Arc<Catalog>,
    /// Whether the block's config may hold secrets.
    has_secrets: bool,
}

impl ResolveConfig for StepConfig {
    fn references(&self) -> &BTreeSet<String> {
        self.template.references()
    }

    fn resolve(&self, variables: &Variables<'_>) -> Result<Value, String> {
        let mut config = self
            .template
            .resolve(variables)
            .map_err(|problem| format!("config `{}`: {}", problem.path, problem.message))?;
        let Some(block) = self.catalog.get(&self.block) else { return Ok(config) };
        // Judged in clear, and sealed before it leaves.
        let place = Place { workflow: &self.workflow.0, block: &self.block };
        self.keys.open_config(place, &mut config).map_err(|error| error.to_string())?;
        let problems = block.validate(&config);
        if !problems.is_empty() {
            return Err(describe(&problems));
        }
        if self.has_secrets {
            self.keys.seal_config(place, block.manifest.config.as_value(), &mut config);
        }
        Ok(config)
    }
}

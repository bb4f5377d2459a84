//! Versions, compiled for running.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Map, Value};
use stepwell::block::{BlockDefinition, Handlers, StepHandlers, TriggerHandlers};

use super::Inner;
use crate::core::policy::RetryPolicy;
use crate::core::run::{Plan, PlannedStep, ResolveConfig};
use crate::definition::{Catalog, Definition, Retry, StepInstance};
use crate::expr::Template;
use crate::model::{VersionId, WorkflowId};
use crate::secrets::{Keys, Place};
use crate::store::{StoreError, VersionRow};

/// A version, compiled for running.
pub(super) struct Version {
    pub(super) row: VersionRow,
    pub(super) definition: Definition,
    pub(super) plan: Plan,
    /// Every variable that any step needs.
    pub(super) references: BTreeSet<String>,
    /// The most steps that one outcome starts.
    pub(super) widest: usize,
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

    fn compile(&self, row: VersionRow) -> Result<Version, String> {
        let parsed = Definition::parse(&row.definition).map_err(|problems| describe(&problems))?;
        let definition = parsed.definition;
        self.trigger_handlers(&definition.trigger.block)?;
        let steps = definition
            .steps
            .iter()
            .map(|(id, step)| Ok((id.clone(), self.plan_step(&row.workflow, step)?)))
            .collect::<Result<HashMap<_, _>, String>>()?;
        let trigger = definition.trigger.on.0.iter().map(|(id, steps)| (id.clone(), steps.clone())).collect();
        let references = steps.values().flat_map(|step| step.config.references().iter().cloned()).collect();
        let widest = steps.values().flat_map(|step| step.on.values().map(Vec::len)).max().unwrap_or(1).max(1);
        Ok(Version { row, definition, plan: Plan { trigger, steps }, references, widest })
    }

    fn plan_step(&self, workflow: &WorkflowId, step: &StepInstance) -> Result<PlannedStep, String> {
        let (block, handlers) = (self.block(&step.block)?, self.step_handlers(&step.block)?);
        let template = Template::compile(&step.config).map_err(|problems| describe(&problems))?;
        Ok(PlannedStep {
            block: step.block.clone(),
            config: Arc::new(StepConfig {
                template,
                keys: Arc::clone(&self.keys),
                workflow: workflow.clone(),
                block: step.block.clone(),
                catalog: Arc::clone(&self.catalog),
            }),
            retry: step.retry.as_ref().map_or(RetryPolicy::DEFAULT, retry_policy),
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
}

impl ResolveConfig for StepConfig {
    fn references(&self) -> &BTreeSet<String> {
        self.template.references()
    }

    fn resolve(&self, variables: &Map<String, Value>) -> Result<Value, String> {
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
        self.keys.seal_config(place, block.manifest.config.as_value(), &mut config);
        Ok(config)
    }
}

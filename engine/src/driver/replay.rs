//! Replays: an earlier run is gone through again, from the beginning or from a step, as a new run that names it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use stepwell::config::with_defaults;
use stepwell::outcome::Outcome;

use super::Inner;
use super::answer::Refusal;
use super::start::Start;
use super::version::Version;
use crate::core::run::{self, Replayed};
use crate::core::workflow::Event;
use crate::definition::{Definition, Problem, passed_before, reachable_from};
use crate::model::{AttemptResult, Entry, RunId, VersionId, WorkflowId, decode_entries};
use crate::store::RunRow;

/// Which version a replay runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayOn {
    /// That of the run that is replayed.
    #[default]
    Same,
    /// The workflow's draft, which becomes a version that is not enabled.
    Draft,
}

/// What a run has recorded.
struct Recorded {
    trigger: Outcome,
    /// The data of each step, with the outcome's id where it had one.
    steps: HashMap<String, (Option<String>, Value)>,
}

impl Inner {
    /// Starts a run that goes through an earlier one again, once for each key.
    pub(super) async fn replay(
        self: &Arc<Self>,
        run: RunId,
        from: Option<String>,
        on: ReplayOn,
        dedupe: Option<String>,
    ) -> Result<RunId, Refusal> {
        let row = self.store.run(run).await?;
        let row = row.ok_or_else(|| Refusal::NotFound(format!("There is no run `{run}`")))?;
        if !row.status.is_final() {
            return Err(Refusal::Conflict(format!(
                "the run is {}; a run that has ended can be replayed",
                row.status
            )));
        }
        let _room = self.room_for_a_run().ok_or(Refusal::Busy)?;
        let recorded = self.recorded(&row).await?;
        let version = match on {
            ReplayOn::Same => row.version,
            ReplayOn::Draft => self.snapshot(&row.workflow).await?,
        };
        let version = self.version(version).await.map_err(|error| Refusal::Conflict(error.to_string()))?;
        if on == ReplayOn::Draft {
            self.still_begins(&version, &recorded.trigger, from.as_deref())?;
        }
        let values = match &from {
            Some(step) => self.carried(&version, &recorded, step, on)?,
            None => Vec::new(),
        };
        let start = Start {
            activation: None,
            outcome: recorded.trigger,
            dedupe,
            response: None,
            replayed: Some(Replayed { run, from, values }),
        };
        Ok(self.start_run(version.row.id, start).await?.0)
    }

    /// Makes the draft a version that is not enabled.
    async fn snapshot(self: &Arc<Self>, workflow: &WorkflowId) -> Result<VersionId, Refusal> {
        let row = self.store.workflow(workflow).await?;
        let row = row.ok_or_else(|| Refusal::NotFound(format!("There is no workflow `{workflow}`")))?;
        let definition = Definition::from_json(&row.draft).map_err(Refusal::Problems)?.definition;
        let problems = self.problems(workflow, definition);
        if !problems.is_empty() {
            return Err(Refusal::Problems(problems));
        }
        let version = VersionId(self.clock.id());
        self.transition(workflow, &Event::Snapshot { version }, Some(&row.draft)).await?;
        Ok(version)
    }

    async fn recorded(&self, row: &RunRow) -> Result<Recorded, Refusal> {
        let unreadable =
            |what: &str| Refusal::Conflict(format!("the {what} of the run cannot be read by this engine"));
        let leads_on = self.error_edges(row.version).await?;
        let mut trigger = None;
        let mut steps_by_number = HashMap::new();
        let mut steps = HashMap::new();
        for record in self.store.journal(row.id).await? {
            for entry in decode_entries(&record.body).map_err(|_| unreadable("journal"))? {
                let value = run::entry_value(&entry).map(Cow::into_owned);
                match entry {
                    Entry::RunStarted { outcome, data, .. } => trigger = Some(Outcome { id: outcome, data }),
                    Entry::ValueCarriedOver { step, data } => drop(steps.insert(step, (None, data))),
                    Entry::ExecutionStarted { execution, step, round: None, .. } => {
                        steps_by_number.insert(execution, step);
                    }
                    Entry::AttemptEnded {
                        execution,
                        result: AttemptResult::Outcome { outcome, data },
                        ..
                    } => {
                        if let Some(step) = steps_by_number.get(&execution) {
                            steps.insert(step.clone(), (Some(outcome), data));
                        }
                    }
                    Entry::ExecutionCompleted { execution, data, .. } => {
                        if let Some(step) = steps_by_number.get(&execution) {
                            steps.insert(step.clone(), (None, data));
                        }
                    }
                    Entry::ExecutionFailed { execution, .. }
                    | Entry::AttemptEnded {
                        execution,
                        result:
                            AttemptResult::Error { retryable: false, .. }
                            | AttemptResult::Interrupted { given_up: true, .. },
                        ..
                    } => {
                        let step = steps_by_number.get(&execution).filter(|step| leads_on.contains(*step));
                        if let (Some(step), Some(value)) = (step, value) {
                            steps.insert(step.clone(), (None, value));
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(Recorded { trigger: trigger.ok_or_else(|| unreadable("journal"))?, steps })
    }

    /// The steps of a version that go on when they fail, with what went wrong as their data.
    async fn error_edges(&self, version: VersionId) -> Result<BTreeSet<String>, Refusal> {
        let row = self.store.version(version).await?;
        let definition = row.and_then(|row| Definition::parse(&row.definition).ok());
        let steps = definition.map(|parsed| parsed.definition.steps).unwrap_or_default();
        Ok(steps.into_iter().filter(|(_, step)| step.on.0.contains_key("error")).map(|(id, _)| id).collect())
    }

    /// Whether what a run began with fits the trigger as it now is, where the steps that are to run read it.
    fn still_begins(&self, version: &Version, began: &Outcome, from: Option<&str>) -> Result<(), Refusal> {
        let definition = &version.definition;
        let again = from.map(|from| reachable_from(definition, from));
        let reads = |step: &&str| {
            let step = version.plan.steps.get(*step);
            step.is_some_and(|step| step.config.references().contains("trigger"))
        };
        if again.is_some_and(|again| !again.iter().any(reads)) {
            return Ok(());
        }
        let trigger = &definition.trigger;
        let mut problems = Vec::new();
        if let Some(why) = self.misfit(&trigger.block, &trigger.config, &began.id, &began.data) {
            problems.push(Problem::new("trigger", format!("{why}; start a new run")));
        }
        problems.extend(version.input_problems(&began.data).into_iter().map(|problem| {
            let path = problem.path.replacen("data", "trigger", 1);
            let message = problem.message.split(';').next().unwrap_or_default();
            Problem::new(
                path,
                format!("the data that this run began with does not fit the inputs any more: {message}; start a new run"),
            )
        }));
        if problems.is_empty() { Ok(()) } else { Err(Refusal::Problems(problems)) }
    }

    /// The earlier data that the steps from `from` on need, if it still fits.
    fn carried(
        &self,
        version: &Version,
        recorded: &Recorded,
        from: &str,
        on: ReplayOn,
    ) -> Result<Vec<(String, Value)>, Refusal> {
        let definition = &version.definition;
        if !definition.steps.contains_key(from) {
            let known: Vec<&str> = definition.steps.keys().map(String::as_str).collect();
            let message = format!("There is no step `{from}`; the version has `{}`", known.join("`, `"));
            return Err(Refusal::Problems(vec![Problem::new("from", message)]));
        }
        let again = reachable_from(definition, from);
        let needed: BTreeSet<&String> = again
            .iter()
            .filter_map(|step| version.plan.steps.get(*step))
            .flat_map(|step| step.config.references())
            .filter(|name| definition.steps.contains_key(*name) && !again.contains(name.as_str()))
            .collect();
        let before = passed_before(definition, from);
        let mut problems = Vec::new();
        let mut values = Vec::new();
        for name in needed {
            match recorded.steps.get(name) {
                Some((outcome, data)) => {
                    let misfit = match on {
                        ReplayOn::Same => None,
                        ReplayOn::Draft => outcome.as_ref().and_then(|outcome| {
                            let step = definition.steps.get(name)?;
                            self.misfit(&step.block, &step.config, outcome, data)
                        }),
                    };
                    if let Some(why) = misfit {
                        let message = format!("{why}; replay from `{name}`");
                        problems.push(Problem::new(format!("steps.{name}"), message));
                    } else {
                        values.push((name.clone(), data.clone()));
                    }
                }
                None if before.contains(name) => problems.push(Problem::new(
                    format!("steps.{name}"),
                    format!(
                        "`{name}` comes before `{from}` and has recorded nothing in this run; replay from `{name}`"
                    ),
                )),
                None => {}
            }
        }
        if problems.is_empty() { Ok(values) } else { Err(Refusal::Problems(problems)) }
    }

    /// Why a recorded outcome is none of a block with this config.
    fn misfit(&self, id: &str, config: &Value, outcome: &str, data: &Value) -> Option<String> {
        let block = self.block(id).ok()?;
        let config = with_defaults(config, &(block.config)());
        let described = (block.outcomes)();
        let Some(described) = described.iter().find(|one| one.ids(&config).iter().any(|id| id == outcome))
        else {
            return Some(format!("`{id}` has no outcome `{outcome}`, which this run recorded"));
        };
        let validator = jsonschema::validator_for(described.schema.as_ref()?.as_value()).ok()?;
        let error = validator.iter_errors(data).next()?;
        Some(format!(
            "the data that this run recorded does not fit the outcome `{outcome}` any more: {error}"
        ))
    }
}

impl super::Driver {
    /// Starts a run that goes through an ended one again: from its beginning, or from a step with what the steps
    /// before it have recorded.
    ///
    /// # Errors
    ///
    /// When the run does not exist or has not ended, there is no such step, or what was recorded is missing or does
    /// not fit the draft.
    pub async fn replay(&self, run: RunId, from: Option<String>, on: ReplayOn) -> Result<RunId, Refusal> {
        self.inner.replay(run, from, on, None).await
    }
}

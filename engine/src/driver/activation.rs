//! Enabling and disabling workflows.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stepwell::block::Switch;
use stepwell::config::with_defaults;
use stepwell::outcome::OutcomeDescription;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::answer::Refusal;
use super::making::Making;
use super::version::{Unrunnable, Version};
use crate::core::IllegalEvent;
use crate::core::workflow::{self, Activation, Decision, Event, WorkflowState};
use crate::definition::{Definition, Problem};
use crate::model::{
    ActivationId, ActivationStatus, Epoch, UnreadableState, VersionId, WorkflowId, decode_state, encode_state,
};
use crate::store::{ActivationRow, AdoptedWorkflow, CommitError, StoreError, VersionRow, WorkflowChange};

/// How long `enable` waits for the activation to settle.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Inner {
    /// Publishes the draft as a new version, and waits until its activation has settled.
    pub(super) async fn enable(self: &Arc<Self>, id: &WorkflowId) -> Result<VersionRow, Refusal> {
        let row = self.store.workflow(id).await?.ok_or_else(|| no_workflow(id))?;
        let definition = Definition::from_json(&row.draft).map_err(Refusal::Problems)?.definition;
        let problems = self.problems(id, definition.clone());
        if !problems.is_empty() {
            return Err(Refusal::Problems(problems));
        }
        let mut problems = self.connection_problems(&definition).await;
        problems.extend(self.call_problems(id, &definition).await?);
        if !problems.is_empty() {
            return Err(Refusal::Problems(problems));
        }
        let handlers = self.trigger_handlers(&definition.trigger.block).map_err(Refusal::Conflict)?;
        let (registers, switch) = (handlers.activate.is_some(), self.switch(id, &definition).await?);
        let (version, activation) = (VersionId(self.clock.id()), ActivationId(self.clock.id()));
        let mut changes = self.changes.subscribe();
        let event = Event::Enable { version, activation, registers, switch };
        let number = self.transition(id, &event, Some(&row.draft)).await?.state.versions;
        // What it relies on is noted before anything is stored for it.
        if let Err(error) = self.version(version).await {
            tracing::warn!(workflow = %id, error = %error, "what the version relies on is noted later");
        }
        let settled = tokio::time::timeout(LONGEST_WAIT, async {
            loop {
                let row = self.store.activation(activation).await?;
                let row = row.ok_or_else(|| no_workflow(id))?;
                if row.status != ActivationStatus::Activating {
                    return Ok::<_, Refusal>(row);
                }
                changes.changed_workflow(id).await;
            }
        });
        let pending = || {
            Refusal::Pending(format!("version {number} is still being activated; look at its status later"))
        };
        let settled = settled.await.map_err(|_| pending())??;
        match settled.status {
            ActivationStatus::ActivationFailed => {
                Err(Refusal::ActivationFailed(settled.error.unwrap_or_default()))
            }
            _ => self.store.version(version).await?.ok_or_else(pending),
        }
    }

    /// In which order the new version replaces the enabled one. Only activations of one block overlap: the
    /// deduplication keys of different ones have nothing to do with each other.
    async fn switch(&self, id: &WorkflowId, next: &Definition) -> Result<Switch, Refusal> {
        let handlers = self.trigger_handlers(&next.trigger.block).map_err(Refusal::Conflict)?;
        let Some(enabled) = self.workflow_state(id).await?.enabled() else { return Ok(Switch::Replace) };
        let same = match self.version(enabled).await {
            Ok(version) => version.definition.trigger.block == next.trigger.block,
            Err(Unrunnable::Store(error)) => return Err(error.into()),
            Err(_) => false,
        };
        Ok(if same { handlers.switch } else { Switch::Replace })
    }

    /// Stops the workflow's URLs at once and deactivates its trigger.
    pub(super) async fn disable(self: &Arc<Self>, id: &WorkflowId) -> Result<(), Refusal> {
        self.transition(id, &Event::Disable, None).await.map(|_| ())
    }

    /// Calls `deactivate` again, at once, where it has failed.
    pub(super) async fn deactivate_again(self: &Arc<Self>, id: &WorkflowId) -> Result<(), Refusal> {
        self.transition(id, &Event::DeactivateAgain, None).await.map(|_| ())
    }

    pub(super) async fn workflow_state(&self, id: &WorkflowId) -> Result<WorkflowState, Refusal> {
        let row = self.store.workflow(id).await?.ok_or_else(|| no_workflow(id))?;
        decode_workflow(&row.state).map_err(|error| Refusal::Conflict(error.to_string()))
    }

    /// Feeds one event to the core, commits what it decides and makes the calls.
    pub(super) async fn transition(
        self: &Arc<Self>,
        id: &WorkflowId,
        event: &Event,
        draft: Option<&str>,
    ) -> Result<Decision, Refusal> {
        let _taking_part = self.taking_part()?;
        self.transition_under(&self.lease(), id, event, draft).await
    }

    /// As [`transition`](Self::transition), under this lease: while it lives, no other begins.
    async fn transition_under(
        self: &Arc<Self>,
        lease: &CancellationToken,
        id: &WorkflowId,
        event: &Event,
        draft: Option<&str>,
    ) -> Result<Decision, Refusal> {
        loop {
            let row = self.store.workflow(id).await?.ok_or_else(|| no_workflow(id))?;
            let state = decode_workflow(&row.state).map_err(|error| Refusal::Conflict(error.to_string()))?;
            let now = self.clock.now();
            let (jitter, epoch) = (self.clock.jitter(), self.store.epoch());
            let decision = workflow::apply(state.clone(), event.clone(), now, jitter, epoch)
                .map_err(|IllegalEvent(message)| Refusal::Conflict(message))?;
            if decision.state == state && decision.calls.is_empty() {
                self.workflow_due(id, row.sequence, decision.state.due_at());
                return Ok(decision);
            }
            let version = match (event, draft) {
                (Event::Enable { version, .. } | Event::Snapshot { version }, Some(draft)) => {
                    Some(VersionRow {
                        id: *version,
                        workflow: id.clone(),
                        number: decision.state.versions,
                        definition: draft.to_owned(),
                        created_at: now,
                    })
                }
                _ => None,
            };
            let change = WorkflowChange {
                id: id.clone(),
                sequence: row.sequence,
                state: encode_state(&decision.state),
                version,
                activations: decision
                    .activations
                    .iter()
                    .map(|activation| activation_row(id, activation))
                    .collect(),
            };
            // Another process may die at any moment, and what it and this one were doing is taken up again here.
            let calls: Vec<Making> =
                decision.calls.iter().map(|call| Making::begin(self, *call, lease)).collect();
            match self.store.commit_workflow(change).await {
                Ok(()) => {}
                Err(CommitError::Conflict) => continue,
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
            self.workflow_due(id, row.sequence + 1, decision.state.due_at());
            self.workflow_changed(id);
            for call in calls {
                self.work(Arc::clone(self).make_call(id.clone(), call));
            }
            return Ok(decision);
        }
    }

    /// Goes on with the calls that were under way in processes that have died: those that this one makes go on, and so do
    /// those of others that live.
    pub(super) async fn recover_workflows(
        self: &Arc<Self>,
        lease: &CancellationToken,
    ) -> Result<(), StoreError> {
        for AdoptedWorkflow { row, others } in self.store.adopt_workflows().await? {
            let state = match decode_workflow(&row.state) {
                Ok(state) => state,
                Err(error) => {
                    tracing::error!(workflow = %row.id, error = %error, "the workflow is left as it is");
                    continue;
                }
            };
            self.workflow_due(&row.id, row.sequence, state.due_at());
            let lives = |caller: Option<Epoch>| caller.is_some_and(|caller| others.contains(&caller));
            for (call, caller) in state.calls() {
                if lives(caller) || self.is_making(call) {
                    continue;
                }
                let event = Event::Interrupted(call, "the engine stopped while the handler ran".to_owned());
                match self.transition_under(lease, &row.id, &event, None).await {
                    Ok(_) => {}
                    // It is this process's own now: nobody else would look for it.
                    Err(Refusal::Store(_)) => {
                        self.work(Arc::clone(self).report(row.id.clone(), event, lease.clone()));
                    }
                    Err(refusal) => {
                        tracing::error!(workflow = %row.id, error = %refusal, "the activation could not be resumed");
                    }
                }
            }
        }
        Ok(())
    }
}

/// The outcome that a run is started with by hand: the one that is named, or the only one.
pub(super) fn check_outcome(
    inner: &Inner,
    version: &Version,
    outcome: Option<&str>,
    data: &Value,
) -> Result<String, Refusal> {
    let problem = |path: &str, message: String| Refusal::Problems(vec![Problem::new(path, message)]);
    let trigger = &version.definition.trigger;
    let block = inner.block(&trigger.block).map_err(Refusal::Conflict)?;
    let config = with_defaults(&trigger.config, &(block.config)());
    let outcomes = (block.outcomes)();
    let outcomes: Vec<(String, &OutcomeDescription)> = outcomes
        .iter()
        .flat_map(|outcome| outcome.ids(&config).into_iter().map(move |id| (id, outcome)))
        .collect();
    let ids: Vec<&str> = outcomes.iter().map(|(id, _)| id.as_str()).collect();
    let known = ids.join("`, `");
    let (id, chosen) = match (outcome, outcomes.as_slice()) {
        (Some(id), outcomes) => outcomes
            .iter()
            .find(|outcome| outcome.0 == id)
            .ok_or_else(|| problem("outcome", format!("The trigger has no outcome `{id}`; use `{known}`")))?,
        (None, [only]) => only,
        (None, _) => return Err(problem("outcome", format!("Say which outcome to start with: `{known}`"))),
    };
    if let Some(schema) = &chosen.schema {
        let validator = jsonschema::validator_for(schema.as_value())
            .map_err(|error| Refusal::Conflict(error.to_string()))?;
        if data.is_null() && !validator.is_valid(data) {
            let required = schema.as_value()["required"].as_array().map_or(&[][..], Vec::as_slice);
            let fields: Vec<_> = required.iter().filter_map(Value::as_str).collect();
            let message = match fields.as_slice() {
                [] => format!("The outcome `{id}` needs data; give it"),
                fields => format!("The outcome `{id}` needs data with `{}`; give it", fields.join("`, `")),
            };
            return Err(problem("data", message));
        }
        let problems: Vec<Problem> = validator
            .iter_errors(data)
            .map(|error| {
                let path = error.instance_path().to_string().replace('/', ".");
                Problem::new(format!("data{path}"), error.to_string())
            })
            .collect();
        if !problems.is_empty() {
            return Err(Refusal::Problems(problems));
        }
    }
    Ok(id.clone())
}

fn activation_row(workflow: &WorkflowId, activation: &Activation) -> ActivationRow {
    ActivationRow {
        id: activation.id,
        workflow: workflow.clone(),
        version: activation.version,
        status: activation.status(),
        accepts: activation.accepts,
        registration: activation.registration.as_ref().map(|sealed| sealed.0.clone()).unwrap_or_default(),
        // A text of a database holds no NUL.
        error: activation.error.as_ref().map(|error| error.replace('\0', "\u{fffd}")),
    }
}

/// The state of a workflow from its stored form, which is empty before the workflow is first enabled.
pub(crate) fn decode_workflow(state: &[u8]) -> Result<WorkflowState, UnreadableState> {
    if state.is_empty() { Ok(WorkflowState::default()) } else { decode_state(state) }
}

fn no_workflow(id: &WorkflowId) -> Refusal {
    Refusal::NotFound(format!("There is no workflow `{id}`"))
}

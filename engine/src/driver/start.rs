//! Runs that begin: by an event, by hand, by a replay, or since another run calls them.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use stepwell::outcome::Outcome;
use stepwell::response::Response;
use tokio::sync::mpsc;

use super::answer::Refusal;
use super::index_key::index_key;
use super::run::{Nudge, RunTask};
use super::slots::{AtHand, Due};
use super::version::Version;
use super::{Inner, activation, first_answer};
use crate::core::limits::checked_size;
use crate::core::run::{self, Admission, Beginning, Decision, Given, Replayed};
use crate::definition::Problem;
use crate::model::{ActivationId, RecordId, RunId, VersionId, WorkflowId, encode_entries, encode_state};
use crate::store::{Lane, Message, Record, RunRow, StartRun, Started};

/// A run to start.
pub(super) struct Start {
    pub(super) activation: Option<ActivationId>,
    pub(super) outcome: Outcome,
    pub(super) dedupe: Option<String>,
    /// What the handler answers the event with.
    pub(super) response: Option<Response>,
    pub(super) replayed: Option<Replayed>,
}

/// A run with its first decision.
pub(super) struct Begun {
    pub(super) decision: Decision,
    pub(super) record: RecordId,
    /// What is to be stored.
    pub(super) start: StartRun,
}

impl Inner {
    /// Starts a run by hand.
    pub(super) async fn start_by_hand(
        self: &Arc<Self>,
        workflow: &WorkflowId,
        outcome: Option<String>,
        data: Value,
    ) -> Result<RunId, Refusal> {
        let state = self.workflow_state(workflow).await?;
        let version = state.enabled().ok_or_else(|| {
            Refusal::Conflict(format!("workflow `{workflow}` is not enabled; enable it, then start a run"))
        })?;
        let compiled = self.version(version).await?;
        let data = compiled.given(data);
        let id = activation::check_outcome(self, &compiled, outcome.as_deref(), &data)?;
        let problems = compiled.input_problems(&data);
        if !problems.is_empty() {
            return Err(Refusal::Problems(problems));
        }
        let start = Start {
            activation: None,
            outcome: Outcome { id, data },
            dedupe: None,
            response: None,
            replayed: None,
        };
        let _room = self.room_for_a_run().ok_or(Refusal::Busy)?;
        Ok(self.start_run(version, start).await?.0)
    }

    /// Creates a run and begins to work on it; who refuses runs beyond the limit has asked for room. The run is
    /// durable when this returns `Started::Created`.
    pub(super) async fn start_run(
        self: &Arc<Self>,
        version: VersionId,
        start: Start,
    ) -> Result<(RunId, Started), Refusal> {
        let version = self.version(version).await?;
        checked_size("the data of the trigger's outcome", &start.outcome.data)
            .map_err(|error| Refusal::Problems(vec![Problem::new("data", error.to_string())]))?;
        let id = RunId(self.clock.id());
        let response = start.response.as_ref().filter(|_| start.dedupe.is_some());
        let answer = response.map(|response| first_answer::encode(self, id, response)).transpose();
        let answer =
            answer.map_err(|error| Refusal::Problems(vec![Problem::new("response", error.to_string())]))?;
        let mut slots = AtHand::new(&self.slots);
        let first = version.plan.trigger.values().map(Vec::len).max().unwrap_or(1);
        slots.take(&Due::default(), version.widest.max(first));
        let Start { activation, outcome, dedupe, replayed, .. } = start;
        let lane = self.lane(id, &version, &outcome.data);
        let beginning = Beginning { activation, outcome, replayed, caller: None };
        let begun = self.begin(id, &version, beginning, lane, &slots);
        let Begun { decision, record, start } = begun;
        let free = decision.state.queued.is_none();
        let ended = decision.state.ended.is_some();
        let status = start.run.status;
        // Another lease would not find a run among those to take up that was created as its own.
        let _taking_part = self.taking_part()?;
        let lease = self.lease();
        let started = self
            .store
            .start_run(StartRun {
                owned: free && !ended,
                activation,
                dedupe: dedupe.map(index_key),
                answer,
                ..start
            })
            .await?;
        if started == Started::Created {
            self.run_changed(id, Some(status));
            if !free {
                self.nudge(id, Nudge::Look);
            } else if !ended {
                let (sender, nudges) = mpsc::unbounded_channel();
                let mut tasks = self.tasks.lock().expect("no holder panics");
                // If the lease was lost meanwhile, the run is adopted under the next one, like all that was under way.
                if !lease.is_cancelled() {
                    tasks.insert(id, sender);
                    let work = (lease, nudges);
                    let task = RunTask::created(self, id, version, (decision, record), slots, work);
                    self.work(task.work());
                }
            }
        }
        Ok((id, started))
    }

    /// The lane that a run with this event would queue in.
    pub(super) fn lane(&self, id: RunId, version: &Version, data: &Value) -> Result<Option<Lane>, String> {
        version.lane(Some(data), &self.surroundings(id, version))
    }

    /// Decides how a run begins. Nobody works on it yet.
    pub(super) fn begin(
        &self,
        id: RunId,
        version: &Version,
        beginning: Beginning,
        lane: Result<Option<Lane>, String>,
        slots: &AtHand,
    ) -> Begun {
        let (record, now) = (self.store.next_record(), self.clock.now());
        let surroundings = self.surroundings(id, version);
        let given = Given {
            now,
            run: id,
            record,
            jitter: self.clock.jitter(),
            slots: slots.of_process(),
            block_slots: &slots.of_blocks(),
            values: &HashMap::new(),
            surroundings: &surroundings,
        };
        let (admission, lane) = match lane {
            Ok(None) => (Admission::Free, None),
            Ok(lane) => (Admission::Queued, lane),
            Err(problem) => (Admission::NoKey(problem), None),
        };
        let parent = beginning.caller.as_ref().map(|caller| caller.run);
        let decision = run::start(&version.plan, beginning, admission, &given);
        let row = RunRow {
            id,
            workflow: version.row.workflow.clone(),
            version: version.row.id,
            status: decision.state.status(),
            state: encode_state(&decision.state),
            sequence: 0,
            due_at: decision.state.due_at(),
            created_at: now,
            finished_at: decision.state.ended.map(|_| now),
            parent,
            set_aside: false,
        };
        let start = StartRun {
            run: row,
            record: Record { id: record, run: id, at: now, body: encode_entries(&decision.entries) },
            owned: false,
            activation: None,
            dedupe: None,
            answer: None,
            lane,
            messages: self.messages(&decision.messages, now),
        };
        Begun { decision, record, start }
    }

    /// What a decision tells other runs, as it is stored.
    pub(super) fn messages(&self, messages: &[run::Message], now: Timestamp) -> Vec<Message> {
        let stored = messages.iter().map(|run::Message { to, execution, entry }| {
            let body = encode_entries(std::slice::from_ref(entry));
            Message {
                execution: *execution,
                record: Record { id: self.store.next_record(), run: *to, at: now, body },
            }
        });
        stored.collect()
    }
}

//! Requests from outside: events for triggers and callbacks for executions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use stepwell::error::{TriggerError, TriggerErrorKind};
use stepwell::outcome::Outcome;
use stepwell::request::Request;
use stepwell::response::Response;
use stepwell::trigger::{Event as TriggerEvent, Trigger};
use tokio::sync::mpsc;

use super::answer::{CallbackAnswer, Refusal, TriggerAnswer};
use super::call::{Ended, contained};
use super::index_key::index_key;
use super::run::{Incoming, Nudge, RunTask, is_at_rest};
use super::slots::{AtHand, Due};
use super::trigger_call::Uncallable;
use super::values::encode_state;
use super::version::Unrunnable;
use super::{Inner, activation, first_answer, trigger_call};
use crate::core::limits::checked_size;
use crate::core::run::{self, Admission, Beginning, Given, Replayed, RunState, Takes};
use crate::definition::Problem;
use crate::model::{
    ActivationId, ActivationStatus, CallbackRequest, Entry, ExecutionId, RunId, WorkflowId, decode_state,
    encode_entries,
};
use crate::store::{ActivationRow, Callback, CommitError, Record, RunRow, StartRun, Started, StoreError};

/// How long a request is held while its activation completes.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

/// A run to start.
pub(super) struct Start {
    pub(super) activation: Option<ActivationId>,
    pub(super) outcome: Outcome,
    pub(super) dedupe: Option<String>,
    /// What the handler answers the event with.
    pub(super) response: Option<Response>,
    pub(super) replayed: Option<Replayed>,
}

impl Inner {
    /// A request to an activation's URL.
    pub(super) async fn receive_event(self: &Arc<Self>, id: ActivationId, request: Request) -> TriggerAnswer {
        let row = match self.settled_activation(id, &request).await {
            Ok(Ok(row)) => row,
            Ok(Err(answer)) => return answer,
            Err(error) => return unavailable(&error),
        };
        if !row.accepts {
            return TriggerAnswer::Gone;
        }
        let Some(_room) = self.room_for_a_run() else { return TriggerAnswer::Busy };
        match self.call_trigger(&row, request).await {
            Ok(Trigger::Outcome(TriggerEvent { outcome, dedupe, response })) => {
                let start = Start {
                    activation: Some(id),
                    outcome,
                    dedupe,
                    response: response.clone(),
                    replayed: None,
                };
                match self.start_run(&row.workflow, row.version, start).await {
                    Ok((run, Started::Created)) => TriggerAnswer::Started(run, response),
                    Ok((_, Started::Duplicate(run, answer))) => {
                        first_answer::answer_again(self, run, answer.as_deref())
                    }
                    Ok((_, Started::Gone)) => TriggerAnswer::Gone,
                    Err(Refusal::Problems(problems)) => TriggerAnswer::Rejected {
                        status: StatusCode::UNPROCESSABLE_ENTITY,
                        message: problems.into_iter().map(|problem| problem.message).collect(),
                    },
                    Err(refusal) => TriggerAnswer::Unavailable(refusal.to_string()),
                }
            }
            Ok(Trigger::NoOp) => TriggerAnswer::NoOp,
            Ok(Trigger::Respond(response)) => TriggerAnswer::Respond(response),
            Err(answer) => answer,
        }
    }

    /// The activation once it is no longer being activated, or the answer to a request that comes before.
    async fn settled_activation(
        self: &Arc<Self>,
        id: ActivationId,
        request: &Request,
    ) -> Result<Result<ActivationRow, TriggerAnswer>, StoreError> {
        let until = tokio::time::Instant::now() + LONGEST_HOLD;
        let mut changes = None;
        loop {
            // The token is authentic, so the activation has been, and was removed after its end (o6).
            let Some(row) = self.store.activation(id).await? else { return Ok(Err(TriggerAnswer::Gone)) };
            if row.status != ActivationStatus::Activating {
                return Ok(Ok(row));
            }
            // It is read again once no change goes unheard.
            let Some(heard) = &mut changes else {
                changes = Some(self.changes.subscribe());
                continue;
            };
            if let Some(answer) = self.call_handshake(&row, request).await {
                return Ok(Err(answer));
            }
            let settled = tokio::time::timeout_at(until, heard.changed_workflow(&row.workflow)).await;
            if settled.is_err() {
                return Ok(Err(TriggerAnswer::NotReady));
            }
        }
    }

    async fn call_handshake(
        self: &Arc<Self>,
        row: &ActivationRow,
        request: &Request,
    ) -> Option<TriggerAnswer> {
        let version = match self.version(row.version).await {
            Ok(version) => version,
            Err(error) => return Some(unrunnable(error)),
        };
        let prepared = async {
            let block = &version.definition.trigger.block;
            let (handlers, limit) = (self.trigger_handlers(block)?, self.trigger_limit(block));
            let invocation = trigger_call::invocation(self, &version, row.id).await?;
            Ok::<_, Uncallable>((invocation, handlers.handshake, limit))
        };
        let (invocation, handshake, limit) = match prepared.await {
            Ok((invocation, handshake, limit)) => (invocation, handshake?, limit),
            Err(error) => return Some(uncallable(error)),
        };
        Some(match contained(limit, handshake(invocation, request.clone())).await {
            Ended::Returned(Ok(response)) => TriggerAnswer::Respond(response),
            ended => failed(ended.map(|result| result.map(|_| ())), limit),
        })
    }

    async fn call_trigger(
        self: &Arc<Self>,
        row: &ActivationRow,
        request: Request,
    ) -> Result<Trigger<Outcome, Option<String>>, TriggerAnswer> {
        let version = self.version(row.version).await.map_err(unrunnable)?;
        let prepared = async {
            let block = &version.definition.trigger.block;
            let (handlers, limit) = (self.trigger_handlers(block)?, self.trigger_limit(block));
            let registration = trigger_call::open_registration(self, row)?;
            let invocation = trigger_call::invocation(self, &version, row.id).await?;
            Ok::<_, Uncallable>((invocation, handlers.trigger, registration, limit))
        };
        let (invocation, trigger, registration, limit) = prepared.await.map_err(uncallable)?;
        match contained(limit, trigger(invocation, request, registration)).await {
            Ended::Returned(Ok(trigger)) => Ok(trigger),
            ended => Err(failed(ended.map(|result| result.map(|_| ())), limit)),
        }
    }

    /// How long `trigger` and `handshake` of a block may take.
    fn trigger_limit(&self, block: &str) -> Duration {
        self.blocks.get(block).and_then(|block| block.time_limit).unwrap_or(self.limits.trigger)
    }

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
        let id = activation::check_outcome(self, &compiled, outcome.as_deref(), &data)?;
        let start = Start {
            activation: None,
            outcome: Outcome { id, data },
            dedupe: None,
            response: None,
            replayed: None,
        };
        let _room = self.room_for_a_run().ok_or(Refusal::Busy)?;
        Ok(self.start_run(workflow, version, start).await?.0)
    }

    /// Creates a run and begins to work on it; who refuses runs beyond the limit has asked for room. The run is
    /// durable when this returns `Started::Created`.
    pub(super) async fn start_run(
        self: &Arc<Self>,
        workflow: &WorkflowId,
        version: crate::model::VersionId,
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
        let record = self.store.next_record();
        let now = self.clock.now();
        let mut slots = AtHand::new(&self.slots);
        let first = version.plan.trigger.values().map(Vec::len).max().unwrap_or(1);
        slots.take(&Due::default(), version.widest.max(first));
        let surroundings = self.surroundings(id, &version);
        let given = Given {
            now,
            record,
            jitter: self.clock.jitter(),
            slots: slots.of_process(),
            block_slots: &slots.of_blocks(),
            values: &HashMap::new(),
            surroundings: &surroundings,
        };
        let lane = version.lane(Some(&start.outcome.data), &surroundings);
        let admission = match &lane {
            Ok(None) => Admission::Free,
            Ok(Some(_)) => Admission::Queued,
            Err(problem) => Admission::NoKey(problem.clone()),
        };
        let free = admission == Admission::Free;
        let Start { activation, outcome, dedupe, replayed, .. } = start;
        let beginning = Beginning { activation, outcome, replayed };
        let decision = run::start(&version.plan, beginning, admission, &given);
        let ended = decision.state.ended.is_some();
        let status = decision.state.status();
        let row = RunRow {
            id,
            workflow: workflow.clone(),
            version: version.row.id,
            status,
            state: encode_state(&decision.state),
            sequence: 0,
            due_at: decision.state.due_at(),
            created_at: now,
            finished_at: ended.then_some(now),
        };
        let body = encode_entries(&decision.entries);
        // Another lease would not find a run among those to take up that was created as its own.
        let _taking_part = self.taking_part()?;
        let lease = self.lease();
        let started = self
            .store
            .start_run(StartRun {
                run: row,
                record: Record { id: record, run: id, at: now, body },
                owned: free && !ended,
                activation,
                dedupe: dedupe.map(index_key),
                answer,
                lane: lane.ok().flatten(),
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

    /// A request to an execution's URL.
    pub(super) async fn receive_callback(
        self: &Arc<Self>,
        id: ExecutionId,
        request: Request,
    ) -> CallbackAnswer {
        let request = CallbackRequest::of(&request);
        let entry = Entry::CallbackReceived { execution: id.number, request: request.clone() };
        let body = encode_entries(&[entry]);
        let mut request = Some(request);
        loop {
            let addressee = match self.store.addressee(id.run).await {
                Ok(Some(addressee)) => addressee,
                // The token is authentic, so the run has been, and was removed after its end (o6).
                Ok(None) => return CallbackAnswer::Gone,
                Err(error) => return CallbackAnswer::Unavailable(error.to_string()),
            };
            let sequence = addressee.run.sequence;
            let state: RunState = match decode_state(&addressee.run.state) {
                Ok(state) => state,
                Err(error) => return CallbackAnswer::Unavailable(error.to_string()),
            };
            if !state.accepts_callback(id.number) {
                return CallbackAnswer::Gone;
            }
            let record = Record {
                id: self.store.next_record(),
                run: id.run,
                at: self.clock.now(),
                body: body.clone(),
            };
            let postponed = state.takes(id.number, record.at) == Takes::Later;
            if let Some(request) = request.take_if(|_| is_at_rest(&addressee, &state, id.number, record.at)) {
                let incoming = Incoming { execution: id.number, request, record };
                match self.take_at_once(addressee, state, incoming).await {
                    Some(answer) => return answer,
                    None => continue,
                }
            }
            let callback = Callback { execution: id.number, sequence, postponed, record };
            match self.store.append_callback(callback).await {
                Ok(()) => {
                    if !self.tell(id.run, Nudge::Look) && !postponed {
                        self.nudge(id.run, Nudge::Look);
                    }
                    return CallbackAnswer::Recorded;
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(error)) => return CallbackAnswer::Unavailable(error.to_string()),
            }
        }
    }
}

fn unavailable(error: &StoreError) -> TriggerAnswer {
    tracing::error!(error = %error, source = %error.source, "a request could not be handled");
    TriggerAnswer::Unavailable(error.to_string())
}

/// The answer to a request for which no handler can be called.
fn uncallable(error: Uncallable) -> TriggerAnswer {
    match error {
        Uncallable::Store(error) => unavailable(&error),
        Uncallable::Block(message) => TriggerAnswer::Failed(message),
    }
}

/// The answer to a request whose version cannot run now.
fn unrunnable(error: Unrunnable) -> TriggerAnswer {
    match error {
        Unrunnable::Store(error) => unavailable(&error),
        Unrunnable::Unfit { .. } => TriggerAnswer::Unfit,
        error @ Unrunnable::Missing(_) => TriggerAnswer::Failed(error.to_string()),
    }
}

/// The answer to a request whose handler did not return a result.
fn failed(ended: Ended<Result<(), TriggerError>>, limit: Duration) -> TriggerAnswer {
    match ended {
        Ended::Returned(Ok(())) => TriggerAnswer::NoOp,
        Ended::Returned(Err(error)) => match error.into_kind() {
            TriggerErrorKind::Failed { message } => TriggerAnswer::Failed(message),
            TriggerErrorKind::Rejected(rejected) => {
                TriggerAnswer::Rejected { status: rejected.status(), message: rejected.message().to_owned() }
            }
        },
        Ended::Panicked(message) => TriggerAnswer::Failed(format!("the handler panicked: {message}")),
        Ended::TimedOut => {
            TriggerAnswer::Failed(format!("the handler did not return within {} s", limit.as_secs()))
        }
    }
}

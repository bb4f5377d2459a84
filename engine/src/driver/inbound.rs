//! Requests from outside: events for triggers and callbacks for executions.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use stepwell::error::{TriggerError, TriggerErrorKind};
use stepwell::outcome::Outcome;
use stepwell::request::{Rejected, Request};
use stepwell::trigger::{Event as TriggerEvent, Trigger};

use super::answer::{CallbackAnswer, Refusal, TriggerAnswer};
use super::call::{Ended, contained};
use super::run::{Incoming, Nudge, is_at_rest};
use super::start::Start;
use super::trigger_call::Uncallable;
use super::version::Unrunnable;
use super::{Inner, first_answer, trigger_call};
use crate::core::run::{RunState, Takes};
use crate::model::{
    ActivationId, ActivationStatus, CallbackRequest, Entry, ExecutionId, decode_state, encode_entries,
};
use crate::store::{ActivationRow, Callback, CommitError, Record, Started, StoreError};

/// How long a request is held while its activation completes.
const LONGEST_HOLD: Duration = Duration::from_secs(10);

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
                match self.start_run(row.version, start).await {
                    Ok((run, Started::Created)) => TriggerAnswer::Started(run, response),
                    Ok((_, Started::Duplicate(run, answer))) => {
                        first_answer::answer_again(self, run, answer.as_deref())
                    }
                    Ok((_, Started::Gone)) => TriggerAnswer::Gone,
                    Err(Refusal::Problems(problems)) => {
                        let message: String = problems.into_iter().map(|problem| problem.message).collect();
                        TriggerAnswer::Rejected(Rejected::with_status(
                            StatusCode::UNPROCESSABLE_ENTITY,
                            message,
                        ))
                    }
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
            let addressee = match self.store.addressee(id.run, self.wanted()).await {
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
            TriggerErrorKind::Rejected(rejected) => TriggerAnswer::Rejected(rejected),
        },
        Ended::Panicked(message) => TriggerAnswer::Failed(format!("the handler panicked: {message}")),
        Ended::TimedOut => {
            TriggerAnswer::Failed(format!("the handler did not return within {} s", limit.as_secs()))
        }
    }
}

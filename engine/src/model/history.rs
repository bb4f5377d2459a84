//! A run as it is told: its journal, folded.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use stepwell::question::Question;

use super::{
    AttemptResult, CallAnswer, CallbackRequest, Entry, HandlerName, Origin, RecordId, RunId, RunStatus,
    Unused, VersionId, WorkflowId,
};

/// Everything that happened to a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct History {
    /// The event that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<TriggerView>,
    /// The run that this one goes through again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The execution that called it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_unique_execution_id: Option<String>,
    /// What was taken over from that run, by step.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub carried_over: Map<String, Value>,
    /// Its executions, in order.
    pub executions: Vec<ExecutionView>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The execution and the index of each round.
    #[serde(skip)]
    rounds: HashMap<u32, (u32, u32)>,
}

/// The event that started a run.
#[derive(Debug, Clone, Serialize)]
pub struct TriggerView {
    /// The outcome's id.
    pub outcome: String,
    /// Its data.
    pub data: Value,
    /// The activation that received it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unique_activation_id: Option<String>,
}

/// One visit to a step.
#[derive(Debug, Clone, Serialize)]
pub struct ExecutionView {
    /// The execution's number within the run.
    #[serde(skip)]
    pub number: u32,
    /// The step's id.
    pub step: String,
    /// The rounds of the loops around it, the outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<RoundView>,
    /// The steps that have led to it, if it is a join.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arrivals: Vec<ArrivalView>,
    /// The block's id.
    pub block: String,
    /// The execution's id.
    pub unique_execution_id: String,
    /// Where it stands.
    pub status: ExecutionStatus,
    /// The config that its handlers received.
    pub config: Value,
    /// The calls of its handlers, in order.
    pub attempts: Vec<AttemptView>,
    /// The runs that it has called, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ChildView>,
    /// The callbacks that came, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<CallbackView>,
    /// The outcome's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The outcome's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<Value>,
    /// What it asks people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<Box<Question>>,
    /// When it will be woken, while it is deferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
    /// Since when it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// Where it is finished, while it is deferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_callback_url: Option<String>,
}

/// A run that an execution has called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChildView {
    /// The run.
    pub run_id: RunId,
    /// Its workflow.
    pub workflow_id: WorkflowId,
    /// Its version.
    pub workflow_version_id: VersionId,
    /// How it ended, once it has told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
}

/// A round of a loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundView {
    /// The loop's step.
    pub step: String,
    /// Counts the rounds of the loop, from 0.
    pub index: u32,
}

/// A path that came to a join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArrivalView {
    /// The step that led to it.
    pub from: String,
    /// When.
    pub at: Timestamp,
    /// Whether the join had let the run go on before.
    pub late: bool,
}

/// Where an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// Its attempt is to be started.
    Queued,
    /// A handler is running, or waits to be called again.
    Running,
    /// It is deferred.
    Waiting,
    /// It had an outcome, or ended its path.
    Completed,
    /// It failed.
    Failed,
    /// It was cancelled, or its deadline passed.
    Cancelled,
}

/// One call of a handler.
#[derive(Debug, Clone, Serialize)]
pub struct AttemptView {
    /// The attempt's number.
    pub number: u32,
    /// The handler.
    pub handler: HandlerName,
    /// The release of the block's crate that was called, such as `issue-triage 1.2.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// When it was called.
    pub started_at: Timestamp,
    /// When it returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What came of it.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub result: Option<AttemptResult>,
}

/// One callback.
#[derive(Debug, Clone, Serialize)]
pub struct CallbackView {
    #[serde(skip)]
    record: RecordId,
    /// When it came.
    pub received_at: Timestamp,
    /// The request.
    pub request: Value,
    /// What became of it.
    #[serde(flatten)]
    pub fate: CallbackFate,
}

/// What became of a callback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum CallbackFate {
    /// It will be handed to `finish`, or handed again after a failure.
    Pending,
    /// `finish` is running with it.
    Running,
    /// `finish` took it and waits for no more.
    Finished,
    /// `finish` took it and goes on waiting.
    NoOp,
    /// `finish` refused it.
    Rejected {
        /// Why.
        message: String,
    },
    /// It was not handed to `finish`.
    Unused {
        /// Why.
        reason: Unused,
    },
}

impl History {
    /// Folds a journal. `execution_id` makes an execution's id, `callback_url` its address, from its number.
    pub fn of(
        journal: impl IntoIterator<Item = (RecordId, Timestamp, Vec<Entry>)>,
        execution_id: impl Fn(u32) -> String,
        callback_url: impl Fn(u32) -> String,
    ) -> Self {
        let mut history = Self::default();
        for (record, at, entries) in journal {
            for entry in entries {
                history.add(record, at, entry, &execution_id);
            }
        }
        for execution in
            history.executions.iter_mut().filter(|execution| execution.status == ExecutionStatus::Waiting)
        {
            if !execution.children.is_empty() {
                continue;
            }
            execution.finish_callback_url = Some(callback_url(execution.number));
        }
        history
    }

    fn add(&mut self, record: RecordId, at: Timestamp, entry: Entry, id: &impl Fn(u32) -> String) {
        match entry {
            Entry::RunStarted { activation, outcome, data, origin, caller } => {
                self.parent_unique_execution_id = caller.map(|id| id.to_string());
                self.origin = origin;
                let unique_activation_id = activation.map(|id| id.to_string());
                self.trigger = Some(TriggerView { outcome, data, unique_activation_id });
            }
            Entry::ExecutionStarted { execution, step, block, round, config } => {
                let rounds = round.map_or_else(Vec::new, |round| self.rounds_around(round));
                self.executions.push(ExecutionView {
                    number: execution,
                    rounds,
                    arrivals: Vec::new(),
                    step,
                    block,
                    unique_execution_id: id(execution),
                    status: ExecutionStatus::Queued,
                    config,
                    attempts: Vec::new(),
                    children: Vec::new(),
                    callbacks: Vec::new(),
                    outcome: None,
                    data: None,
                    error: None,
                    waiting_for: None,
                    question: None,
                    waiting_since: None,
                    wake_at: None,
                    finish_callback_url: None,
                });
            }
            Entry::RetryRequested => self.error = None,
            Entry::RunEnded { error, .. } => self.error = error,
            Entry::CancelRequested
            | Entry::CallGivenUp
            | Entry::RunAdmitted
            | Entry::RoundFailed { .. }
            | Entry::ErrorHandlerStarted { .. } => {}
            Entry::ValueCarriedOver { step, data } => {
                self.carried_over.insert(step, data);
            }
            Entry::RoundStarted { round, execution, index } => {
                self.rounds.insert(round, (execution, index));
            }
            Entry::Arrived { execution, .. }
            | Entry::WorkflowCalled { execution, .. }
            | Entry::CallAnswered { execution, .. }
            | Entry::ExecutionCompleted { execution, .. }
            | Entry::AttemptStarted { execution, .. }
            | Entry::AttemptEnded { execution, .. }
            | Entry::CallbackReceived { execution, .. }
            | Entry::CallbackUnused { execution, .. }
            | Entry::DeadlinePassed { execution }
            | Entry::ExecutionFailed { execution, .. }
            | Entry::ExecutionCancelled { execution } => {
                if let Some(view) = self.executions.iter_mut().find(|view| view.number == execution) {
                    view.add(record, at, entry);
                }
            }
        }
    }
}

impl History {
    fn rounds_around(&self, round: u32) -> Vec<RoundView> {
        let Some((execution, index)) = self.rounds.get(&round) else { return Vec::new() };
        let Some(of) = self.executions.iter().find(|view| view.number == *execution) else {
            return Vec::new();
        };
        let mut rounds = of.rounds.clone();
        rounds.push(RoundView { step: of.step.clone(), index: *index });
        rounds
    }
}

impl ExecutionView {
    fn add(&mut self, record: RecordId, at: Timestamp, entry: Entry) {
        match entry {
            Entry::AttemptStarted { attempt, handler, callback, release, .. } => {
                self.status = ExecutionStatus::Running;
                self.wake_at = self.wake_at.filter(|_| handler != HandlerName::Wake);
                self.attempts.push(AttemptView {
                    number: attempt,
                    handler,
                    release,
                    started_at: at,
                    ended_at: None,
                    result: None,
                });
                if let Some(callback) = callback {
                    self.decide(|view| view.record == callback, &CallbackFate::Running);
                }
            }
            Entry::AttemptEnded { attempt, result, .. } => {
                self.ended(at, &result);
                let given_up = self.status == ExecutionStatus::Failed;
                let fate = if given_up { CallbackFate::Finished } else { fate(&result) };
                self.decide(|view| view.fate == CallbackFate::Running, &fate);
                if let Some(view) = self.attempts.iter_mut().rfind(|view| view.number == attempt) {
                    view.ended_at = Some(at);
                    view.result = Some(result);
                }
            }
            Entry::CallbackReceived { request, .. } => self.callbacks.push(CallbackView {
                record,
                received_at: at,
                request: request_view(&request),
                fate: CallbackFate::Pending,
            }),
            Entry::CallbackUnused { callback, reason, .. } => {
                self.decide(|view| view.record == callback, &CallbackFate::Unused { reason });
            }
            Entry::WorkflowCalled { run, workflow, version, .. } => {
                self.status = ExecutionStatus::Waiting;
                self.waiting_since = Some(at);
                self.children.push(ChildView {
                    run_id: run,
                    workflow_id: workflow,
                    workflow_version_id: version,
                    status: None,
                });
            }
            Entry::CallAnswered { run, answer, .. } => {
                for child in self.children.iter_mut().filter(|child| child.run_id == run) {
                    child.status = Some(match answer {
                        CallAnswer::Completed { .. } => RunStatus::Completed,
                        CallAnswer::Failed { .. } => RunStatus::Failed,
                        CallAnswer::Cancelled => RunStatus::Cancelled,
                    });
                }
            }
            Entry::Arrived { from, late, .. } => {
                self.status = if late { self.status } else { ExecutionStatus::Running };
                self.arrivals.push(ArrivalView { from, at, late });
            }
            Entry::ExecutionCompleted { outcome, data, .. } => {
                self.status = ExecutionStatus::Completed;
                self.outcome = Some(outcome);
                self.data = Some(data);
            }
            Entry::ExecutionFailed { message, .. } => {
                self.status = ExecutionStatus::Failed;
                self.error = Some(message);
            }
            Entry::DeadlinePassed { .. } => self.error = Some("the deadline passed".to_owned()),
            Entry::ExecutionCancelled { .. } => {
                self.status = ExecutionStatus::Cancelled;
                let unused = CallbackFate::Unused { reason: Unused::Cancelled };
                self.decide(|view| view.fate == CallbackFate::Pending, &unused);
            }
            _ => {}
        }
    }

    fn decide(&mut self, of: impl Fn(&CallbackView) -> bool, fate: &CallbackFate) {
        for view in self.callbacks.iter_mut().filter(|view| of(view)) {
            view.fate = fate.clone();
        }
    }

    fn ended(&mut self, at: Timestamp, result: &AttemptResult) {
        match result {
            AttemptResult::Outcome { outcome, data } => {
                self.wake_at = None;
                self.status = ExecutionStatus::Completed;
                self.outcome = Some(outcome.clone());
                self.data = Some(data.clone());
            }
            AttemptResult::Exit => {
                self.wake_at = None;
                self.status = ExecutionStatus::Completed;
            }
            AttemptResult::Deferred { waiting_for, wake_at, question } => {
                self.wake_at = *wake_at;
                self.question.clone_from(question);
                self.status = ExecutionStatus::Waiting;
                self.waiting_since = Some(at);
                self.waiting_for = waiting_for.as_ref().map(|what| json!(what));
            }
            AttemptResult::NoOp { wake_at } => {
                self.wake_at = wake_at.or(self.wake_at);
                self.status = ExecutionStatus::Waiting;
            }
            AttemptResult::Rejected { .. } => self.status = ExecutionStatus::Waiting,
            AttemptResult::Error { message, retryable: false }
            | AttemptResult::Interrupted { message, given_up: true } => {
                self.status = ExecutionStatus::Failed;
                self.error = Some(message.clone());
            }
            AttemptResult::Error { .. } | AttemptResult::Interrupted { .. } | AttemptResult::Cancelled => {}
        }
    }
}

/// What the end of `finish` means for its callback.
fn fate(result: &AttemptResult) -> CallbackFate {
    match result {
        AttemptResult::NoOp { .. } => CallbackFate::NoOp,
        AttemptResult::Rejected { message } => CallbackFate::Rejected { message: message.clone() },
        AttemptResult::Error { retryable: true, .. } | AttemptResult::Interrupted { .. } => {
            CallbackFate::Pending
        }
        AttemptResult::Outcome { .. }
        | AttemptResult::Exit
        | AttemptResult::Deferred { .. }
        | AttemptResult::Cancelled
        | AttemptResult::Error { retryable: false, .. } => CallbackFate::Finished,
    }
}

/// The request with its body as text where it is text.
fn request_view(request: &CallbackRequest) -> Value {
    let bytes = STANDARD.decode(&request.body).unwrap_or_default();
    let body = String::from_utf8(bytes).map_or_else(|_| json!({ "base64": request.body }), Value::String);
    let mut view =
        json!({ "method": request.method, "query": request.query, "headers": request.headers, "body": body });
    if let Some(person) = request.sender {
        view["sender"] = json!(person);
    }
    view
}

#[cfg(test)]
mod tests;

//! Calls of other workflows: a run is begun with the decision to call it, and its end comes back as a message.
//!
//! Runs know of each other by messages alone, each committed with the decision that sends it: an answer to the caller,
//! or that the caller gives up. One that comes late or twice changes nothing.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::control::read;
use super::state::{Cause, Execution, Phase, RunState};
use super::transition::Transition;
use crate::core::IllegalEvent;
use crate::core::policy::RetryPolicy;
use crate::model::{
    CallAnswer, Entry, ExecutionId, RecordId, RunId, RunStatus, Unused, VersionId, WorkflowId,
};

/// The number that stands for the run itself where a message names an execution.
pub const THE_RUN: u32 = 0;

/// The config of a call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CallConfig {
    /// The workflow's id.
    pub workflow: String,
    /// The data of the trigger of the run that is called.
    #[serde(default = "no_data")]
    pub data: Value,
    /// Whether the caller waits for its end.
    #[serde(default = "yes")]
    pub wait: bool,
}

fn no_data() -> Value {
    json!({})
}

const fn yes() -> bool {
    true
}

impl CallConfig {
    /// The config of an execution.
    ///
    /// # Errors
    ///
    /// When it is not the config of a call.
    pub fn of(config: &Value) -> Result<Self, String> {
        read(config)
    }
}

/// Who has called a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The run.
    pub run: RunId,
    /// The execution's number.
    pub execution: u32,
    /// Whether it waits for the end.
    pub waits: bool,
    /// How many calls led to this run, this one counted.
    pub depth: u32,
    /// The lanes in which the callers hold a place as long as they wait, as workflow and key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<(WorkflowId, String)>,
}

/// What becomes of a call that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// This run begins with the decision.
    Run(Callee),
    /// It cannot be made, and why: the step fails.
    Refused(String),
    /// It cannot be made here and now, and is due again at this time.
    Later(Timestamp),
}

/// A run that begins with the decision to call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callee {
    /// The run.
    pub run: RunId,
    /// Its workflow.
    pub workflow: WorkflowId,
    /// Its version.
    pub version: VersionId,
}

/// What a decision tells another run, durable with the decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The run.
    pub to: RunId,
    /// The execution that it is for, or [`THE_RUN`].
    pub execution: u32,
    /// What it says: [`Entry::CallAnswered`] or [`Entry::CallGivenUp`].
    pub entry: Entry,
}

impl RunState {
    /// The calls that are to be made now, by execution.
    pub fn calls_due(&self, now: Timestamp) -> impl Iterator<Item = (u32, &Execution)> + '_ {
        let due = move |execution: &Execution| matches!(execution.phase, Phase::Calling { at } if at <= now);
        self.live.iter().map(|(number, execution)| (*number, execution)).filter(move |(_, it)| due(it))
    }

    /// Whether an execution calls a workflow, so that what its inbox holds are answers.
    pub fn is_call(&self, execution: u32) -> bool {
        self.live.get(&execution).is_some_and(Execution::is_call)
    }
}

impl Transition<'_> {
    /// Calls are made. One that was given up meanwhile, since another has failed, is left out.
    pub(super) fn call(&mut self, calls: Vec<(u32, Called)>) -> Result<(), IllegalEvent> {
        for (number, called) in calls {
            let Some(Phase::Calling { at }) = self.state.live.get_mut(&number).map(|it| &mut it.phase) else {
                continue;
            };
            match called {
                Called::Run(callee) => self.make_call(number, callee)?,
                Called::Refused(message) => self.fail_call(number, &message),
                Called::Later(again) => *at = again,
            }
        }
        Ok(())
    }

    fn make_call(
        &mut self,
        number: u32,
        Callee { run, workflow, version }: Callee,
    ) -> Result<(), IllegalEvent> {
        let waits = self.call_config(number).map_err(IllegalEvent)?.wait;
        let (now, plan) = (self.given.now, self.plan);
        let Some(execution) = self.state.live.get_mut(&number) else { return Ok(()) };
        execution.phase = Phase::Called { run };
        execution.attempts += 1;
        if execution.attempts == 1 {
            let deadline = plan.steps.get(&execution.step).and_then(|step| step.deadline);
            execution.deadline_at = deadline.and_then(|deadline| now.checked_add(deadline).ok());
        }
        self.called.push(run);
        self.record(Entry::WorkflowCalled { execution: number, run, workflow, version });
        if !waits {
            self.complete(number, "started", json!({ "run": run }));
        }
        Ok(())
    }

    fn call_config(&self, number: u32) -> Result<CallConfig, String> {
        let config = self.state.live.get(&number).and_then(|execution| self.value(execution.config));
        CallConfig::of(config.ok_or_else(|| format!("execution {number} has no config"))?.as_ref())
    }

    /// A run that was called has ended.
    pub(super) fn answered(
        &mut self,
        message: RecordId,
        number: u32,
        at: Timestamp,
        (run, answer): (RunId, CallAnswer),
    ) {
        self.taken.push(message);
        let waits = match self.state.live.get_mut(&number) {
            Some(execution) if execution.phase == (Phase::Called { run }) => {
                let passed = execution.deadline_at.is_some_and(|deadline| deadline < at);
                if passed && execution.teardown.is_none() {
                    execution.teardown = Some(Cause::Deadline);
                    self.record(Entry::DeadlinePassed { execution: number });
                }
                true
            }
            _ => false,
        };
        if !waits {
            return self.unused(number, message, Unused::Resolved);
        }
        let teardown = self.state.live.get(&number).and_then(|execution| execution.teardown);
        match (teardown, answer) {
            // The run is failing: what follows is left to a retry.
            (None | Some(Cause::RunFailed), CallAnswer::Completed { result }) => {
                self.complete(number, "completed", json!({ "result": result, "run": run }));
            }
            (Some(_), _) => self.settle(number),
            (None, CallAnswer::Failed { message }) => {
                if !self.call_again(number) {
                    self.fail_call(number, &message);
                }
            }
            (None, CallAnswer::Cancelled) => self.fail_call(number, &format!("the run {run} was cancelled")),
        }
    }

    /// Arms the next call; false if the step has none left.
    fn call_again(&mut self, number: u32) -> bool {
        let (now, jitter, plan) = (self.given.now, self.given.jitter, self.plan);
        let Some(execution) = self.state.live.get_mut(&number) else { return false };
        execution.failures += 1;
        let policy = plan.steps.get(&execution.step).map_or(RetryPolicy::NEVER, |step| step.retry);
        let delay = policy.delay(execution.failures, jitter, Some(Duration::ZERO));
        let Some(at) = delay.and_then(|delay| now.checked_add(delay).ok()) else { return false };
        execution.phase = Phase::Calling { at };
        true
    }

    fn fail_call(&mut self, number: u32, message: &str) {
        let value = self.record(Entry::ExecutionFailed { execution: number, message: message.to_owned() });
        self.fail(number, message, value);
    }

    /// Tells a run that it is called for nothing.
    pub(super) fn give_up_call(&mut self, run: RunId) {
        self.messages.push(Message { to: run, execution: THE_RUN, entry: Entry::CallGivenUp });
    }

    /// The run that called this one gives it up.
    pub(super) fn given_up(&mut self, message: RecordId) {
        self.taken.push(message);
        self.cancel();
    }

    /// Whether somebody waits for what the run comes to.
    pub(super) fn is_awaited(&self) -> bool {
        self.state.caller.as_ref().is_some_and(|caller| caller.waits)
    }

    /// Tells the caller how the run has ended.
    pub(super) fn answer_caller(&mut self, status: RunStatus) {
        let Some(caller) = self.state.caller.as_ref().filter(|caller| caller.waits) else { return };
        let (to, execution) = (caller.run, caller.execution);
        let answer = match status {
            RunStatus::Completed => {
                let result = self.state.result.and_then(|place| self.value(place));
                CallAnswer::Completed { result: result.map(std::borrow::Cow::into_owned).unwrap_or_default() }
            }
            RunStatus::Failed => {
                CallAnswer::Failed { message: self.state.failure.clone().unwrap_or_default() }
            }
            _ => CallAnswer::Cancelled,
        };
        let entry = Entry::CallAnswered { execution, run: self.given.run, answer };
        self.messages.push(Message { to, execution, entry });
    }
}

impl Caller {
    /// The execution.
    pub const fn id(&self) -> ExecutionId {
        ExecutionId { run: self.run, number: self.execution }
    }
}

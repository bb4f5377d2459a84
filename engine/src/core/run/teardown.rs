//! Giving executions up: cancellation, the failure of another step, a deadline.

use super::Admission;
use super::state::{Call, Cause, Execution, Phase, Place};
use super::transition::Transition;
use crate::model::{Entry, Unused, ValueRef};

impl Transition<'_> {
    /// Somebody asks to cancel the run.
    pub(super) fn cancel(&mut self) {
        if self.state.cancelling {
            return;
        }
        self.state.cancelling = true;
        self.state.queued = None;
        self.record(Entry::CancelRequested);
        self.give_up_all(Cause::RunCancelled);
    }

    /// Somebody asks to go on from the failed steps.
    pub(super) fn retry(&mut self) {
        self.record(Entry::RetryRequested);
        self.state.ended = None;
        self.state.failure = None;
        self.state.handling = None;
        self.state.stopped = None;
        self.state.active_before = std::time::Duration::ZERO;
        let places = std::mem::take(&mut self.state.unfinished);
        let admission = if self.plan.limited { Admission::Queued } else { Admission::Free };
        self.begin(places, admission);
    }

    pub(super) fn give_up_all(&mut self, cause: Cause) {
        let kept = |number: u32, execution: &Execution| match cause {
            Cause::RunFailed => execution.is_control(),
            Cause::RunStopped => self.is_kept(number, execution),
            _ => false,
        };
        let live = self.state.live.iter().filter(|(number, execution)| !kept(**number, execution));
        let live: Vec<u32> = live.map(|(number, _)| *number).collect();
        for number in live {
            self.give_up(number, cause);
        }
    }

    /// Gives an execution up: at once, or when its running attempt has ended.
    pub(super) fn give_up(&mut self, number: u32, cause: Cause) {
        let Some(execution) = self.state.live.get_mut(&number) else { return };
        let earlier = execution.teardown.replace(cause);
        match execution.phase {
            Phase::Called { run } if earlier.is_none() => self.give_up_call(run),
            Phase::Calling { .. } => self.settle(number),
            Phase::Running { .. }
            | Phase::Ready { call: Call::Cancel, .. }
            | Phase::Gathering(_)
            | Phase::Looping(_)
            | Phase::Called { .. } => {}
            Phase::Ready { call: Call::Finish { callback }, .. } => {
                let reason = if cause == Cause::Deadline { Unused::Deadline } else { Unused::Cancelled };
                self.unused(number, callback, reason);
                self.tear_down_state(number);
            }
            Phase::Ready { call: Call::Execute | Call::Wake, .. } | Phase::Waiting => {
                self.tear_down_state(number);
            }
        }
    }

    /// Calls `cancel` if the execution has deferred and its block can tear that down; else it is settled.
    pub(super) fn tear_down_state(&mut self, number: u32) {
        let now = self.given.now;
        let Some(execution) = self.state.live.get_mut(&number) else { return };
        let cancels = self.plan.steps.get(&execution.step).is_some_and(|step| step.cancels);
        if execution.deferred.is_some() && cancels {
            execution.failures = 0;
            execution.interruptions = 0;
            execution.phase = Phase::Ready { call: Call::Cancel, at: now };
        } else {
            self.settle(number);
        }
    }

    /// Whether the execution was being given up while its attempt ran; then its result is not followed.
    pub(super) fn torn_down(&mut self, number: u32) -> bool {
        let torn_down = self.state.live.get(&number).is_some_and(|execution| execution.teardown.is_some());
        if torn_down {
            self.settle(number);
        }
        torn_down
    }

    /// As [`torn_down`](Self::torn_down), for an outcome: where another step failed the run, a retry follows it.
    pub(super) fn torn_down_with(&mut self, number: u32, outcome: &str, value: ValueRef) -> bool {
        let failing = |execution: &Execution| execution.teardown == Some(Cause::RunFailed);
        if self.state.live.get(&number).is_none_or(|execution| !failing(execution)) {
            return self.torn_down(number);
        }
        // The run is failing: what follows is left to a retry.
        self.follow(number, outcome, value);
        true
    }

    /// Resolves an execution that was given up, as its cause says.
    pub(super) fn settle(&mut self, number: u32) {
        let Some(execution) = self.state.live.get(&number) else { return };
        match execution.teardown {
            Some(Cause::Deadline) => {
                let value = self.record(Entry::ExecutionCancelled { execution: number });
                self.follow(number, "deadline", value);
            }
            Some(Cause::RunFailed) => {
                let place = Place { step: execution.step.clone(), round: execution.round };
                self.state.unfinished.push(place);
                self.state.live.remove(&number);
                self.record(Entry::ExecutionCancelled { execution: number });
            }
            Some(Cause::RunCancelled | Cause::RunStopped | Cause::RoundFailed | Cause::Lost) | None => {
                self.state.live.remove(&number);
                self.record(Entry::ExecutionCancelled { execution: number });
            }
        }
    }
}

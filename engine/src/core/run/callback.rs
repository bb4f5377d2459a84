//! Callbacks that are taken from the inbox, and the time.

use jiff::Timestamp;

use super::state::{Call, Cause, Phase, Takes};
use super::transition::Transition;
use crate::core::IllegalEvent;
use crate::model::{Entry, RecordId, Unused};

impl Transition<'_> {
    /// The next callback of the inbox.
    pub(super) fn callback(
        &mut self,
        callback: RecordId,
        number: u32,
        at: Timestamp,
    ) -> Result<(), IllegalEvent> {
        if self.state.takes(number, at) == Takes::Later {
            return Err(IllegalEvent(format!("execution {number} has a call that comes first")));
        }
        self.taken.push(callback);
        let passed = self
            .state
            .live
            .get(&number)
            .and_then(|execution| execution.deadline_at)
            .is_some_and(|deadline| deadline < at);
        if passed {
            self.pass_deadline(number);
        }
        let plan = self.plan;
        match self.state.live.get_mut(&number) {
            Some(execution)
                if execution.teardown.is_none()
                    && plan.steps.get(&execution.step).is_some_and(|step| !step.finishes) =>
            {
                self.unused(number, callback, Unused::NoHandler);
            }
            Some(execution) if execution.teardown.is_none() => {
                execution.failures = 0;
                execution.phase = Phase::Ready { call: Call::Finish { callback }, at: self.given.now };
            }
            Some(execution) => {
                let reason = if execution.teardown == Some(Cause::Deadline) {
                    Unused::Deadline
                } else {
                    Unused::Cancelled
                };
                self.unused(number, callback, reason);
            }
            None => self.unused(number, callback, if passed { Unused::Deadline } else { Unused::Resolved }),
        }
        Ok(())
    }

    /// Callbacks of the inbox whose executions are resolved.
    pub(super) fn leftover(&mut self, callbacks: Vec<(RecordId, u32)>) -> Result<(), IllegalEvent> {
        for (callback, number) in callbacks {
            if self.state.live.contains_key(&number) {
                return Err(IllegalEvent(format!("execution {number} is not resolved")));
            }
            self.taken.push(callback);
            self.unused(number, callback, Unused::Resolved);
        }
        Ok(())
    }

    pub(super) fn unused(&mut self, execution: u32, callback: RecordId, reason: Unused) {
        self.record(Entry::CallbackUnused { execution, callback, reason });
    }

    /// Passes the deadlines and the wake times that have come, in that order where both have. What is ready is
    /// started at the end of every transition.
    pub(super) fn tick(&mut self) {
        self.pass_time_limit();
        let woken = self.wake_sleepers();
        let late: Vec<u32> = self
            .state
            .live
            .iter()
            .filter(|(number, execution)| {
                !woken.contains(number)
                    && !matches!(execution.phase, Phase::Running { .. })
                    && execution.deadline_at.is_some_and(|deadline| deadline <= self.given.now)
            })
            .map(|(number, _)| *number)
            .collect();
        for number in late {
            self.pass_deadline(number);
        }
    }

    fn wake_sleepers(&mut self) -> Vec<u32> {
        let now = self.given.now;
        let mut woken = Vec::new();
        for (number, execution) in &mut self.state.live {
            let before_deadline = |wake| execution.deadline_at.is_none_or(|deadline| wake < deadline);
            if execution.phase == Phase::Waiting
                && execution.teardown.is_none()
                && execution.wake_at.is_some_and(|wake| wake <= now && before_deadline(wake))
            {
                execution.wake_at = None;
                execution.failures = 0;
                execution.phase = Phase::Ready { call: Call::Wake, at: now };
                woken.push(*number);
            }
        }
        woken
    }

    /// Gives an execution up because its deadline has passed.
    fn pass_deadline(&mut self, number: u32) {
        let Some(execution) = self.state.live.get(&number) else { return };
        if execution.teardown.is_some() {
            return;
        }
        self.record(Entry::DeadlinePassed { execution: number });
        self.give_up(number, Cause::Deadline);
    }
}

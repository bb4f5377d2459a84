//! The end of an attempt.

use std::time::Duration;

use stepwell::block::IfInterrupted;
use stepwell::outcome::Outcome;

use super::Returned;
use super::state::{Call, Phase};
use super::transition::Transition;
use crate::core::IllegalEvent;
use crate::core::limits::TooMuch;
use crate::core::policy::{MOST_INTERRUPTIONS, RetryPolicy};
use crate::model::AttemptResult;

impl Transition<'_> {
    /// A handler has returned.
    pub(super) fn returned(&mut self, number: u32, returned: Returned) -> Result<(), IllegalEvent> {
        let now = self.given.now;
        let finishing = matches!(self.running(number)?.1, Call::Finish { .. });
        let returned = match returned {
            Returned::Outcome(outcome) => match self.take_room("the outcome's data", &outcome.data) {
                Ok(()) => Returned::Outcome(outcome),
                // What a callback brings ends no run (d12).
                Err(error @ (TooMuch::Value { .. } | TooMuch::Deep { .. })) if finishing => {
                    Returned::Rejected(error.to_string())
                }
                Err(error) => Returned::Error { message: error.to_string(), retry: None },
            },
            returned => returned,
        };
        let (execution, call) = self.running(number)?;
        execution.interruptions = 0;
        let (attempt, handler) = (execution.attempts, call.handler());
        match (call, returned) {
            (Call::Execute | Call::Finish { .. } | Call::Wake, Returned::Outcome(Outcome { id, data })) => {
                let result = AttemptResult::Outcome { outcome: id.clone(), data };
                let value = self.record_end(number, attempt, handler, result);
                if !self.torn_down_with(number, &id, value) {
                    self.follow(number, &id, value);
                }
            }
            (Call::Execute | Call::Finish { .. } | Call::Wake, Returned::Exit) => {
                self.record_end(number, attempt, handler, AttemptResult::Exit);
                if !self.torn_down(number) {
                    self.state.live.remove(&number);
                }
            }
            (Call::Execute, Returned::Defer { state, waiting_for, wake, question }) => {
                let wake_at = wake.map(|wake| wake.at(now));
                execution.deferred = Some(state);
                execution.wake_at = wake_at;
                let asks = question.is_some();
                let result = AttemptResult::Deferred { waiting_for, wake_at, question };
                let place = self.record_end(number, attempt, handler, result);
                if let Some(execution) = self.state.live.get_mut(&number) {
                    execution.question = asks.then_some(place);
                }
                self.wait(number);
            }
            (Call::Finish { .. } | Call::Wake, Returned::NoOp { state, wake }) => {
                let wake_at = wake.map(|wake| wake.at(now));
                execution.deferred = state.or_else(|| execution.deferred.take());
                execution.wake_at = wake_at.or(execution.wake_at);
                self.record_end(number, attempt, handler, AttemptResult::NoOp { wake_at });
                self.wait(number);
            }
            (Call::Finish { .. }, Returned::Rejected(message)) => {
                self.record_end(number, attempt, handler, AttemptResult::Rejected { message });
                self.wait(number);
            }
            (Call::Cancel, Returned::Cancelled) => {
                self.record_end(number, attempt, handler, AttemptResult::Cancelled);
                self.settle(number);
            }
            (Call::Cancel, Returned::Error { message, retry }) => {
                let after = retry.unwrap_or_default();
                let retryable = self.try_again(number, call, RetryPolicy::DEFAULT, after);
                self.record_end(number, attempt, handler, AttemptResult::Error { message, retryable });
                if !retryable {
                    self.settle(number);
                }
            }
            (Call::Execute | Call::Finish { .. } | Call::Wake, Returned::Error { message, retry }) => {
                self.erred(number, call, &message, retry);
            }
            (call, returned) => {
                return Err(IllegalEvent(format!("`{:?}` cannot return {returned:?}", call.handler())));
            }
        }
        Ok(())
    }

    fn erred(&mut self, number: u32, call: Call, message: &str, retry: Option<Duration>) {
        let Some(execution) = self.state.live.get(&number) else { return };
        let attempt = execution.attempts;
        let policy = self.plan.steps.get(&execution.step).map_or(RetryPolicy::DEFAULT, |step| step.retry);
        let torn_down = execution.teardown.is_some();
        let retryable = match retry {
            Some(after) if !torn_down => self.try_again(number, call, policy, after),
            _ => false,
        };
        let result = AttemptResult::Error { message: message.to_owned(), retryable };
        let value = self.record_end(number, attempt, call.handler(), result);
        match (torn_down, retryable) {
            (true, _) if retry.is_some() => self.tear_down_state(number),
            (true, _) => self.settle(number),
            (false, true) => {}
            (false, false) => self.fail(number, message, value),
        }
    }

    /// Arms the next try of a failed call; false if there is none left.
    fn try_again(&mut self, number: u32, call: Call, policy: RetryPolicy, after: Duration) -> bool {
        let (now, jitter) = (self.given.now, self.given.jitter);
        let Some(execution) = self.state.live.get_mut(&number) else { return false };
        execution.failures += 1;
        let delay = policy.delay(execution.failures, jitter, Some(after));
        let Some(at) = delay.and_then(|delay| now.checked_add(delay).ok()) else { return false };
        execution.phase = Phase::Ready { call, at };
        true
    }

    /// The engine died or the time limit passed while a handler ran.
    pub(super) fn interrupted(&mut self, number: u32, message: String) -> Result<(), IllegalEvent> {
        let (now, plan) = (self.given.now, self.plan);
        let (execution, call) = self.running(number)?;
        execution.interruptions += 1;
        let policy = plan.steps.get(&execution.step).map(|step| step.if_interrupted);
        let torn_down = execution.teardown.is_some();
        let attempt = execution.attempts;
        if call == Call::Cancel {
            // Whatever was set up outside would be left behind: it is at last tried again as one that failed (d8).
            let at_once = execution.interruptions < MOST_INTERRUPTIONS;
            if at_once {
                execution.phase = Phase::Ready { call, at: now };
            }
            let given_up = !at_once && !self.try_again(number, call, RetryPolicy::DEFAULT, Duration::ZERO);
            let result = AttemptResult::Interrupted { message, given_up };
            self.record_end(number, attempt, call.handler(), result);
            if given_up {
                self.settle(number);
            }
            return Ok(());
        }
        let never_repeated = policy == Some(IfInterrupted::Fail);
        let given_up = never_repeated || execution.interruptions >= MOST_INTERRUPTIONS;
        if !given_up {
            execution.phase = Phase::Ready { call, at: now };
        }
        let message = if never_repeated {
            format!(
                "{message}; the block says that an interrupted execution must not be repeated, so look outside whether its effect has happened"
            )
        } else if given_up {
            format!(
                "{message}; it was interrupted {MOST_INTERRUPTIONS} times in a row and is not tried again"
            )
        } else {
            message
        };
        let value = self.record_end(
            number,
            attempt,
            call.handler(),
            AttemptResult::Interrupted { message: message.clone(), given_up },
        );
        match (given_up, torn_down) {
            (false, false) => {}
            (true, false) => self.fail(number, &message, value),
            (_, true) => self.tear_down_state(number),
        }
        Ok(())
    }

    /// Waits for the next callback, or gives up what a cancellation has asked to give up meanwhile.
    fn wait(&mut self, number: u32) {
        let Some(execution) = self.state.live.get_mut(&number) else { return };
        execution.phase = Phase::Waiting;
        execution.failures = 0;
        if execution.teardown.is_some() {
            self.tear_down_state(number);
        }
    }
}

//! What the core carries out itself: joins, the stop, and the error handler. Loops are in [`super::loops`].

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

use super::plan::{Control, Variables};
use super::state::{Cause, Execution, Gathering, Phase};
use super::transition::Transition;
use crate::model::{Entry, RunStatus};

/// The config of a join.
#[derive(Deserialize)]
struct JoinConfig {
    #[serde(default)]
    wait_for: WaitFor,
    count: Option<u32>,
    #[serde(default)]
    cancel_others: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WaitFor {
    #[default]
    All,
    Any,
    Some,
}

/// The config of a stop.
#[derive(Deserialize)]
struct StopConfig {
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error: Option<String>,
}

impl Control {
    /// What an execution with this config does first.
    pub(super) fn begin(&self, config: &Value, from: &str, now: Timestamp) -> Result<Phase, String> {
        match self {
            Self::Join => {
                let JoinConfig { wait_for, count, cancel_others } = read(config)?;
                let needed = match wait_for {
                    WaitFor::All => None,
                    WaitFor::Any => Some(1),
                    WaitFor::Some => Some(count.ok_or("config `count`: say how many paths to wait for")?),
                };
                let arrived = vec![from.to_owned()];
                Ok(Phase::Gathering(Gathering { arrived, needed, cancels_others: cancel_others }))
            }
            Self::ForEach | Self::Repeat { .. } => self.begin_loop(config).map(Phase::Looping),
            Self::Call => Ok(Phase::Calling { at: now }),
            Self::Stop => Ok(Phase::Waiting),
        }
    }
}

/// A config that has been judged by its schema.
pub(super) fn read<'a, C: Deserialize<'a>>(config: &'a Value) -> Result<C, String> {
    C::deserialize(config).map_err(|error| format!("config: {error}"))
}

impl<'a> Transition<'a> {
    pub(super) fn control(&self, step: &str) -> Option<&'a Control> {
        self.plan.steps.get(step).and_then(|step| step.control.as_ref())
    }
}

impl Transition<'_> {
    /// Lets joins go on, rounds end and begin, and the error handler begin, until nothing more follows from it.
    pub(super) fn settle_controls(&mut self) {
        // What a queued run is to go on with may still lead to its joins.
        if self.state.ended.is_some() || self.state.queued.is_some() {
            return;
        }
        while self.drop_given_up() || self.go_on_from_join() || self.turn_loop() || self.handle_error() {}
    }

    /// Whether anything may still happen to the run. Joins and loops of a run that fails are kept for a retry.
    pub(super) fn goes_on(&self) -> bool {
        self.state.live.iter().any(|(number, execution)| !self.is_kept(*number, execution))
    }

    /// Whether this waits for nothing but a retry of the run.
    pub(super) fn is_kept(&self, number: u32, execution: &Execution) -> bool {
        self.state.failure.is_some()
            && execution.is_control()
            && execution.teardown.is_none()
            && self.state.handling.is_none_or(|first| number < first)
    }

    /// Whether a join or a loop goes on now.
    pub(super) fn turns(&self, number: u32, execution: &Execution) -> bool {
        execution.is_control() && execution.teardown.is_none() && !self.is_kept(number, execution)
    }

    /// Removes joins and loops that were given up, once nothing lives in them.
    fn drop_given_up(&mut self) -> bool {
        let given_up = self.state.live.iter().find(|(number, execution)| {
            execution.is_control() && execution.teardown.is_some() && !self.holds_any(**number)
        });
        let Some((&number, _)) = given_up else { return false };
        self.state.live.remove(&number);
        self.state.rounds.retain(|_, round| round.of != number);
        self.record(Entry::ExecutionCancelled { execution: number });
        true
    }

    /// Notes that a path has come to a join; false if it is the first.
    pub(super) fn arrive(&mut self, join: &str, round: Option<u32>, from: &str) -> bool {
        let joined = match round {
            None => Some(&self.state.joined),
            Some(round) => self.state.rounds.get(&round).map(|round| &round.joined),
        };
        if let Some(&execution) = joined.and_then(|joined| joined.get(join)) {
            self.record(Entry::Arrived { execution, from: from.to_owned(), late: true });
            return true;
        }
        let waiting = self.state.live.iter_mut().find_map(|(number, execution)| match &mut execution.phase {
            Phase::Gathering(gathering) if execution.step == join && execution.round == round => {
                Some((*number, gathering))
            }
            _ => None,
        });
        let Some((execution, gathering)) = waiting else { return false };
        gathering.arrived.push(from.to_owned());
        self.record(Entry::Arrived { execution, from: from.to_owned(), late: false });
        true
    }

    /// Goes on from a join at which enough paths have arrived, or to which no other can come any more.
    fn go_on_from_join(&mut self) -> bool {
        let ready = self.state.live.iter().find_map(|(number, execution)| {
            let Phase::Gathering(gathering) = &execution.phase else { return None };
            let arrived = u32::try_from(gathering.arrived.len()).unwrap_or(u32::MAX);
            let enough = gathering.needed.is_some_and(|needed| arrived >= needed);
            (self.turns(*number, execution) && (enough || self.coming(*number, execution).is_empty()))
                .then(|| (*number, execution.clone(), gathering.clone(), enough))
        });
        let Some((number, join, gathering, enough)) = ready else { return false };
        if gathering.cancels_others {
            for other in self.coming(number, &join) {
                self.give_up(other, Cause::Lost);
            }
        }
        let joined = match join.round {
            None => Some(&mut self.state.joined),
            Some(round) => self.state.rounds.get_mut(&round).map(|round| &mut round.joined),
        };
        if let Some(joined) = joined {
            joined.insert(join.step, number);
        }
        let outcome = if gathering.needed.is_none() || enough { "done" } else { "too_few" };
        self.complete(number, outcome, json!({ "arrived": gathering.arrived }));
        true
    }

    /// The executions whose paths may still come to a join.
    fn coming(&self, number: u32, join: &Execution) -> Vec<u32> {
        let lost = |cause| matches!(cause, Cause::Lost | Cause::RoundFailed | Cause::RunStopped);
        self.state
            .live
            .iter()
            .filter(|(other, execution)| **other != number && !execution.teardown.is_some_and(lost))
            .filter(|(_, execution)| {
                let step = self.step_in(execution, join.round);
                step.is_some_and(|step| self.plan.leads_to(step, &join.step))
            })
            .map(|(other, _)| *other)
            .collect()
    }

    /// Records the outcome of what the core carries out itself, and follows it.
    pub(super) fn complete(&mut self, number: u32, outcome: &str, data: Value) {
        if let Err(error) = self.take_room("the outcome's data", &data) {
            let message = error.to_string();
            let value = self.record(Entry::ExecutionFailed { execution: number, message: message.clone() });
            return self.fail(number, &message, value);
        }
        let outcome = outcome.to_owned();
        let value =
            self.record(Entry::ExecutionCompleted { execution: number, outcome: outcome.clone(), data });
        self.follow(number, &outcome, value);
    }

    /// Ends the run at a stop.
    pub(super) fn stop(&mut self, number: u32) {
        let Some(execution) = self.state.live.get(&number) else { return };
        let config = self.value(execution.config).map(Cow::into_owned).unwrap_or_default();
        let StopConfig { result, error } = match read(&config) {
            Ok(config) => config,
            Err(message) => {
                let value =
                    self.record(Entry::ExecutionFailed { execution: number, message: message.clone() });
                return self.fail(number, &message, value);
            }
        };
        let Some(Execution { step, round, .. }) = self.state.live.remove(&number) else { return };
        let outcome = "stopped".to_owned();
        let value = self.record(Entry::ExecutionCompleted { execution: number, outcome, data: result });
        self.state.result = self.is_awaited().then_some(value);
        let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Completed };
        if let Some(message) = error
            && self.state.handling.is_none()
        {
            self.state.failure.get_or_insert(message);
            self.state.unfinished = vec![super::state::Place { step, round }];
        }
        self.state.stopped = Some(status);
        self.give_up_all(Cause::RunStopped);
    }

    /// Begins the error handler of a run that fails, once nothing else goes on.
    fn handle_error(&mut self) -> bool {
        let Some(message) = self.state.failure.clone() else { return false };
        let plan = self.plan;
        if plan.on_error.is_empty()
            || self.state.handling.is_some()
            || self.state.cancelling
            || self.goes_on()
        {
            return false;
        }
        self.state.stopped = None;
        self.state.handling = Some(self.state.executions + 1);
        let step = self.state.unfinished.first().map(|place| place.step.clone());
        let value =
            self.record(Entry::ErrorHandlerStarted { data: json!({ "step": step, "message": message }) });
        self.state.values.insert("error".to_owned(), value);
        self.enter_all(&plan.on_error, None, "error");
        true
    }

    /// The variables with these names that a step in this round can see: those of the round, of the loops around it,
    /// and of the run.
    pub(super) fn variables<'b>(&'b self, names: &'b BTreeSet<String>, round: Option<u32>) -> Variables<'b> {
        let around = |name: &str| self.given.surroundings.get(name).map(Cow::Borrowed);
        let seen =
            |name: &'b String| Some((name.as_str(), self.variable(name, round).or_else(|| around(name))?));
        names.iter().filter_map(seen).collect()
    }

    fn variable(&self, name: &str, mut round: Option<u32>) -> Option<Cow<'_, Value>> {
        while let Some(number) = round {
            let inner = self.state.rounds.get(&number)?;
            let of = self.state.live.get(&inner.of)?;
            if of.step == name {
                return Some(Cow::Owned(self.loop_variable(of, inner)));
            }
            if let Some(place) = inner.values.get(name) {
                return self.value(*place);
            }
            round = of.round;
        }
        self.state.values.get(name).and_then(|place| self.value(*place))
    }
}

//! Loops: rounds that begin and end, one after the other or some at once.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::control::read;
use super::plan::Control;
use super::state::{Cause, Execution, Phase, Progress, Round};
use super::transition::Transition;
use crate::model::{Entry, RecordId, ValueRef};

/// The config of a loop over a list.
#[derive(Deserialize)]
struct ForEachConfig {
    items: Vec<Value>,
    #[serde(default = "one")]
    concurrency: u32,
    #[serde(default)]
    collect_errors: bool,
}

/// The config of a loop that repeats until something holds.
#[derive(Deserialize)]
struct RepeatConfig {
    at_most: u32,
}

const fn one() -> u32 {
    1
}

impl Control {
    pub(super) fn begin_loop(&self, config: &Value) -> Result<Progress, String> {
        if matches!(self, Self::ForEach) {
            let ForEachConfig { items, concurrency, collect_errors } = read(config)?;
            let most = u32::try_from(items.len()).map_err(|error| error.to_string())?;
            let at_once = concurrency.max(1);
            Ok(Progress { most, at_once, collects_errors: collect_errors, ..Progress::default() })
        } else {
            let RepeatConfig { at_most } = read(config)?;
            Ok(Progress { most: at_most, at_once: 1, ..Progress::default() })
        }
    }

    /// The edge that leads into the loop.
    const fn edge(&self) -> &'static str {
        match self {
            Self::ForEach => "each",
            _ => "round",
        }
    }
}

impl Transition<'_> {
    /// Ends a round that is over, begins one, or ends a loop. Whether there was anything to do.
    pub(super) fn turn_loop(&mut self) -> bool {
        let over = self.state.rounds.iter().find(|(number, round)| {
            let turns = self.state.live.get(&round.of).is_some_and(|of| self.turns(round.of, of));
            turns && !self.state.live.values().any(|execution| execution.round == Some(**number))
        });
        if let Some((&number, _)) = over {
            self.end_round(number);
            return true;
        }
        let next = self.state.live.iter().find_map(|(number, execution)| {
            let progress = execution.progress().filter(|_| self.turns(*number, execution))?;
            let open = self.state.rounds.values().filter(|round| round.of == *number).count();
            let more = progress.ends_with.is_none() && progress.begun < progress.most;
            match (more, open) {
                (true, open) if open < progress.at_once as usize => Some((*number, true)),
                (false, 0) => Some((*number, false)),
                _ => None,
            }
        });
        match next {
            Some((number, true)) => self.begin_round(number),
            Some((number, false)) => self.end_loop(number),
            None => return false,
        }
        true
    }

    fn begin_round(&mut self, of: u32) {
        let Some(execution) = self.state.live.get_mut(&of) else { return };
        let step = execution.step.clone();
        let Phase::Looping(progress) = &mut execution.phase else { return };
        let index = progress.begun;
        progress.begun += 1;
        self.state.rounds_begun += 1;
        let number = self.state.rounds_begun;
        let round = Round {
            of,
            index,
            values: std::collections::BTreeMap::new(),
            joined: std::collections::BTreeMap::new(),
            result: None,
            failed: false,
        };
        self.state.rounds.insert(number, round);
        self.record(Entry::RoundStarted { round: number, execution: of, index });
        let edge = self.control(&step).map_or("each", Control::edge);
        let targets = self.plan.steps.get(&step).and_then(|step| step.on.get(edge)).cloned();
        self.enter_all(&targets.unwrap_or_default(), Some(number), &step);
    }

    fn end_round(&mut self, number: u32) {
        let Some(of) = self.state.rounds.get(&number).map(|round| round.of) else { return };
        let until = self.until(of, number);
        let Some(round) = self.state.rounds.remove(&number) else { return };
        let Some(execution) = self.state.live.get_mut(&of) else { return };
        let Phase::Looping(progress) = &mut execution.phase else { return };
        progress.results.insert(round.index, round.result.map(|place| (place.record.0, place.entry)));
        match until {
            None => {}
            Some(Ok(true)) => progress.ends_with = Some("done".to_owned()),
            Some(Ok(false)) if progress.begun >= progress.most => {
                progress.ends_with = Some("exhausted".to_owned());
            }
            Some(Ok(false)) => {
                // Only the last result is told.
                let last = round.index;
                progress.results.retain(|index, _| *index == last);
            }
            Some(Err(message)) => {
                let value = self.record(Entry::ExecutionFailed { execution: of, message: message.clone() });
                self.fail(of, &message, value);
            }
        }
    }

    /// Whether a loop that repeats has reached its end with this round; none for other loops.
    fn until(&self, of: u32, round: u32) -> Option<Result<bool, String>> {
        let execution = self.state.live.get(&of)?;
        let Some(Control::Repeat { until }) = self.control(&execution.step) else { return None };
        let value = until.resolve(&self.variables(until.references(), Some(round)));
        Some(value.and_then(|value| {
            value.as_bool().ok_or_else(|| format!("config `until`: {value} is neither true nor false"))
        }))
    }

    fn end_loop(&mut self, number: u32) {
        let Some(execution) = self.state.live.get(&number) else { return };
        let Some(progress) = execution.progress() else { return };
        let result = |place: &Option<(i64, u16)>| {
            let place = place.map(|(record, entry)| ValueRef { record: RecordId(record), entry });
            place.and_then(|place| self.value(place)).map(Cow::into_owned).unwrap_or_default()
        };
        let results: Vec<Value> = progress.results.values().map(result).collect();
        let (outcome, data) = match &progress.ends_with {
            Some(outcome) => {
                (outcome.clone(), json!({ "rounds": progress.begun, "last": results.last().cloned() }))
            }
            None => ("done".to_owned(), json!({ "results": results })),
        };
        self.complete(number, &outcome, data);
    }

    /// What the steps of a round see of their loop.
    pub(super) fn loop_variable(&self, of: &Execution, round: &Round) -> Value {
        if matches!(self.control(&of.step), Some(Control::ForEach)) {
            let config = self.value(of.config);
            let items = config.as_deref().and_then(|config| config.get("items"));
            let item = items.and_then(|items| items.get(round.index as usize));
            return json!({ "index": round.index, "item": item });
        }
        let before = of.progress().and_then(|progress| progress.results.values().next_back().copied());
        let place = before.flatten().map(|(record, entry)| ValueRef { record: RecordId(record), entry });
        json!({ "index": round.index, "previous": place.and_then(|place| self.value(place)) })
    }

    /// The innermost round around this one, or this one, whose loop goes on when it fails.
    pub(super) fn collecting_round(&self, mut round: Option<u32>) -> Option<u32> {
        while let Some(number) = round {
            let of = self.state.live.get(&self.state.rounds.get(&number)?.of)?;
            if of.progress().is_some_and(|progress| progress.collects_errors) {
                return Some(number);
            }
            round = of.round;
        }
        None
    }

    /// Gives a round up whose loop goes on.
    pub(super) fn fail_round(&mut self, number: u32, step: &str, message: &str) {
        let data = json!({ "error": { "step": step, "message": message } });
        let value = self.record(Entry::RoundFailed { round: number, data });
        if let Some(round) = self.state.rounds.get_mut(&number) {
            round.failed = true;
            round.result = Some(value);
        }
        let within: Vec<u32> = self
            .state
            .live
            .iter()
            .filter(|(_, execution)| self.is_within(execution, number))
            .map(|(number, _)| *number)
            .collect();
        for execution in within {
            self.give_up(execution, Cause::RoundFailed);
        }
    }

    fn is_within(&self, execution: &Execution, round: u32) -> bool {
        let mut around = execution.round;
        while let Some(number) = around {
            if number == round {
                return true;
            }
            let of = self.state.rounds.get(&number).and_then(|round| self.state.live.get(&round.of));
            around = of.and_then(|of| of.round);
        }
        false
    }

    /// Whether a round is over or has failed, so that no path goes on in it.
    pub(super) fn is_lost(&self, round: Option<u32>) -> bool {
        round.is_some_and(|round| self.state.rounds.get(&round).is_none_or(|round| round.failed))
    }

    /// Whether any execution belongs to a round of this loop.
    pub(super) fn holds_any(&self, number: u32) -> bool {
        let within = |round: u32| self.state.rounds.get(&round).is_some_and(|round| round.of == number);
        self.state.live.values().any(|execution| execution.round.is_some_and(within))
    }

    /// The step that stands for an execution among those of a round, or outside of loops: its own, or that of a loop
    /// around it.
    pub(super) fn step_in<'a>(&'a self, execution: &'a Execution, round: Option<u32>) -> Option<&'a str> {
        let mut execution = execution;
        while execution.round != round {
            let around = self.state.rounds.get(&execution.round?)?;
            execution = self.state.live.get(&around.of)?;
        }
        Some(&execution.step)
    }
}

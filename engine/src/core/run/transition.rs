//! One step of the machine: the state while it changes, and what has been decided so far.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use super::plan::Control;
use super::state::{Call, Cause, Execution, Phase, Place, RunState};
use super::{Admission, Attempt, Decision, Given, Message, Plan};
use crate::core::IllegalEvent;
use crate::core::limits::{LARGEST_RUN, MOST_EXECUTIONS, TooMuch, checked_size};
use crate::model::{AttemptResult, Entry, HandlerName, RecordId, RunId, RunStatus, ValueRef};

/// Where the paths of a run begin.
pub(super) const TRIGGER: &str = "trigger";

pub(super) struct Transition<'a> {
    pub(super) plan: &'a Plan,
    pub(super) given: &'a Given<'a>,
    pub(super) state: RunState,
    entries: Vec<Entry>,
    calls: Vec<Attempt>,
    pub(super) taken: Vec<RecordId>,
    pub(super) called: Vec<RunId>,
    pub(super) messages: Vec<Message>,
    slots: usize,
    block_slots: HashMap<String, usize>,
    /// The values that were looked for and not given.
    lacking: RefCell<BTreeSet<ValueRef>>,
}

impl<'a> Transition<'a> {
    pub(super) fn new(plan: &'a Plan, state: RunState, given: &'a Given<'a>) -> Self {
        Self {
            plan,
            given,
            state,
            entries: Vec::new(),
            calls: Vec::new(),
            taken: Vec::new(),
            called: Vec::new(),
            messages: Vec::new(),
            slots: given.slots,
            block_slots: given.block_slots.clone(),
            lacking: RefCell::default(),
        }
    }

    /// Notes what happened and where its value will be found.
    pub(super) fn record(&mut self, entry: Entry) -> ValueRef {
        let index = u16::try_from(self.entries.len()).unwrap_or(u16::MAX);
        let place = ValueRef { record: self.given.record, entry: index };
        self.entries.push(entry);
        place
    }

    /// Lets joins and loops go on, starts what is ready, and ends the run if nothing more can happen to it.
    pub(super) fn finish(&mut self) {
        self.settle_controls();
        self.start_ready();
        if self.state.ended.is_none() && self.state.queued.is_none() && !self.goes_on() {
            let status = match (&self.state.failure, self.state.cancelling) {
                (_, true) => RunStatus::Cancelled,
                (Some(_), false) => RunStatus::Failed,
                (None, false) => RunStatus::Completed,
            };
            self.state.ended = Some(status);
            let error = self.state.failure.clone().filter(|_| status == RunStatus::Failed);
            self.record(Entry::RunEnded { status, error });
            self.answer_caller(status);
        }
        self.count_activity();
        self.forget_values();
    }

    pub(super) fn take_lacking(&mut self) -> BTreeSet<ValueRef> {
        self.lacking.take()
    }

    pub(super) fn into_decision(self) -> Decision {
        let Self { state, entries, calls, taken, called, messages, .. } = self;
        Decision { state, entries, calls, taken, called, messages }
    }

    /// Comes to the first steps, or queues the run before them.
    pub(super) fn begin(&mut self, places: Vec<Place>, admission: Admission) {
        match admission {
            Admission::Free => self.enter_places(places),
            Admission::Queued => self.state.queued = Some(places),
            Admission::NoKey(problem) => {
                self.state.unfinished = places;
                self.state.failure = Some(problem);
            }
        }
    }

    /// Goes on with a run that was queued.
    pub(super) fn admit(&mut self) -> Result<(), IllegalEvent> {
        let places = self.state.queued.take();
        let places = places.ok_or_else(|| IllegalEvent("the run is not queued".into()))?;
        self.record(Entry::RunAdmitted);
        self.enter_places(places);
        Ok(())
    }

    fn enter_places(&mut self, places: Vec<Place>) {
        for Place { step, round } in places {
            self.enter_all(&[step], round, TRIGGER);
        }
    }

    /// Comes from a step to each of these. Once the run fails, the rest is left to a retry.
    pub(super) fn enter_all(&mut self, steps: &[String], round: Option<u32>, from: &str) {
        for step in steps {
            if self.state.cancelling || self.state.stopped.is_some() || self.is_lost(round) {
                return;
            }
            let failing = self.state.failure.is_some() && self.state.handling.is_none();
            if failing && !matches!(self.control(step), Some(Control::Join)) {
                self.state.unfinished.push(Place { step: step.clone(), round });
            } else {
                self.enter(step, round, from);
            }
        }
    }

    fn enter(&mut self, id: &str, round: Option<u32>, from: &str) {
        let control = self.control(id);
        if matches!(control, Some(Control::Join)) && self.arrive(id, round, from) {
            return;
        }
        if self.state.executions >= MOST_EXECUTIONS {
            return self.fail_run(id.to_owned(), round, &TooMuch::Executions.to_string());
        }
        self.state.executions += 1;
        let number = self.state.executions;
        let Some(step) = self.plan.steps.get(id) else {
            return self.fail_run(id.to_owned(), round, &format!("the version has no step `{id}`"));
        };
        let resolved = step.config.resolve(&self.variables(step.config.references(), round));
        let checked = resolved.and_then(|config| {
            self.take_room("the config", &config).map_err(|error| error.to_string())?;
            Ok(config)
        });
        let (config, problem) = match checked {
            Ok(config) => (config, None),
            Err(problem) => (Value::Null, Some(problem)),
        };
        let phase = match control {
            Some(control) if problem.is_none() => control.begin(&config, from, self.given.now),
            _ => Ok(Phase::Ready { call: Call::Execute, at: self.given.now }),
        };
        let place = self.record(Entry::ExecutionStarted {
            execution: number,
            step: id.to_owned(),
            block: step.block.clone(),
            round,
            config,
        });
        let (phase, problem) = match phase {
            Ok(phase) => (phase, problem),
            Err(problem) => (Phase::Waiting, Some(problem)),
        };
        let gathering = matches!(phase, Phase::Gathering(_));
        self.state.live.insert(
            number,
            Execution {
                step: id.to_owned(),
                round,
                config: place,
                attempts: 0,
                failures: 0,
                interruptions: 0,
                deadline_at: None,
                deferred: None,
                question: None,
                wake_at: None,
                teardown: None,
                phase,
            },
        );
        if let Some(message) = problem {
            let value = self.record(Entry::ExecutionFailed { execution: number, message: message.clone() });
            self.fail(number, &message, value);
        } else if gathering {
            self.record(Entry::Arrived { execution: number, from: from.to_owned(), late: false });
        } else if matches!(control, Some(Control::Stop)) {
            self.stop(number);
        }
    }

    /// Counts a value that the run is to hold, if it may.
    pub(super) fn take_room(&mut self, what: &'static str, value: &Value) -> Result<(), TooMuch> {
        let size = self.state.size + checked_size(what, value)?;
        if size > LARGEST_RUN {
            return Err(TooMuch::Run);
        }
        self.state.size = size;
        Ok(())
    }

    /// A value. Without one that was not given, nothing is decided, whatever its absence leads to here.
    pub(super) fn value(&self, place: ValueRef) -> Option<Cow<'_, Value>> {
        if place.record == self.given.record {
            return self.entries.get(usize::from(place.entry)).and_then(entry_value);
        }
        let given = self.given.values.get(&place);
        if given.is_none() {
            self.lacking.borrow_mut().insert(place);
        }
        given.map(Cow::Borrowed)
    }

    /// Starts the attempts that are due, as far as there are slots. One whose block has none holds up no other.
    fn start_ready(&mut self) {
        let ready: Vec<u32> = self.state.ready(self.given.now).map(|(number, _)| number).collect();
        for number in ready {
            if self.slots == 0 {
                return;
            }
            if self.take_block_slot(number) {
                self.slots -= 1;
                self.start_attempt(number);
            }
        }
    }

    /// Takes a slot of an execution's block; false if the block is bounded and has none.
    fn take_block_slot(&mut self, number: u32) -> bool {
        let execution = self.state.live.get(&number);
        let step = execution.and_then(|execution| self.plan.steps.get(&execution.step));
        let Some(step) = step.filter(|step| step.bounded) else { return true };
        match self.block_slots.get_mut(&step.block) {
            Some(free @ 1..) => {
                *free -= 1;
                true
            }
            _ => false,
        }
    }

    fn start_attempt(&mut self, number: u32) {
        let Some(execution) = self.state.live.get_mut(&number) else { return };
        let Phase::Ready { call, .. } = execution.phase else { return };
        execution.phase = Phase::Running { call };
        execution.attempts += 1;
        if execution.attempts == 1
            && let Some(deadline) = self.plan.steps.get(&execution.step).and_then(|step| step.deadline)
        {
            execution.deadline_at = self.given.now.checked_add(deadline).ok();
        }
        let callback = match call {
            Call::Finish { callback } => Some(callback),
            Call::Execute | Call::Wake | Call::Cancel => None,
        };
        let attempt = Attempt {
            execution: number,
            attempt: execution.attempts,
            step: execution.step.clone(),
            call,
            config: execution.config,
            state: execution.deferred.clone(),
        };
        let release = self.plan.steps.get(&attempt.step).map(|step| step.release.clone());
        self.record(Entry::AttemptStarted {
            execution: number,
            attempt: attempt.attempt,
            handler: call.handler(),
            callback,
            release,
        });
        self.calls.push(attempt);
    }

    /// Resolves an execution and follows the edges of an outcome.
    pub(super) fn follow(&mut self, number: u32, outcome: &str, value: ValueRef) {
        let Some(Execution { step, round, .. }) = self.state.live.remove(&number) else { return };
        let targets = self.plan.steps.get(&step).and_then(|step| step.on.get(outcome)).cloned();
        let targets = targets.unwrap_or_default();
        self.keep(&step, round, value);
        if targets.is_empty() {
            self.note_result(round, value);
        }
        self.enter_all(&targets, round, &step);
    }

    /// Notes the data of an outcome that led nowhere: that of the last is what its round comes to, or the run.
    fn note_result(&mut self, round: Option<u32>, value: ValueRef) {
        let result = match round {
            Some(round) => self.state.rounds.get_mut(&round).map(|round| &mut round.result),
            None if self.is_awaited() && self.state.stopped.is_none() => Some(&mut self.state.result),
            None => None,
        };
        if let Some(result) = result {
            *result = Some(value);
        }
    }

    /// Keeps the value of a step's variable.
    pub(super) fn keep(&mut self, step: &str, round: Option<u32>, value: ValueRef) {
        let values = match round {
            None => Some(&mut self.state.values),
            Some(round) => self.state.rounds.get_mut(&round).map(|round| &mut round.values),
        };
        if let Some(values) = values {
            values.insert(step.to_owned(), value);
        }
    }

    /// Resolves an execution as failed: its `error` edge, the failure of its round, or that of the run.
    pub(super) fn fail(&mut self, number: u32, message: &str, value: ValueRef) {
        let Some(execution) = self.state.live.get(&number) else { return };
        let (step, round) = (execution.step.clone(), execution.round);
        if self.plan.steps.get(&step).is_some_and(|step| step.on.contains_key("error")) {
            return self.follow(number, "error", value);
        }
        self.state.live.remove(&number);
        match self.collecting_round(round) {
            Some(round) => self.fail_round(round, &step, message),
            None => self.fail_run(step, round, message),
        }
    }

    fn fail_run(&mut self, step: String, round: Option<u32>, message: &str) {
        self.state.failure.get_or_insert_with(|| format!("step `{step}` failed: {message}"));
        if self.state.handling.is_some() {
            return self.give_up_all(Cause::RunStopped);
        }
        self.state.unfinished.push(Place { step, round });
        self.give_up_all(Cause::RunFailed);
    }

    /// The running call of an execution.
    pub(super) fn running(&mut self, number: u32) -> Result<(&mut Execution, Call), IllegalEvent> {
        match self.state.live.get_mut(&number) {
            Some(execution) => match execution.phase {
                Phase::Running { call } => Ok((execution, call)),
                _ => Err(not_running(number)),
            },
            None => Err(not_running(number)),
        }
    }

    /// Records how an attempt ended.
    pub(super) fn record_end(
        &mut self,
        execution: u32,
        attempt: u32,
        handler: HandlerName,
        result: AttemptResult,
    ) -> ValueRef {
        self.record(Entry::AttemptEnded { execution, attempt, handler, result })
    }
}

fn not_running(number: u32) -> IllegalEvent {
    IllegalEvent(format!("execution {number} has no running attempt"))
}

/// The value that an entry stores for later steps.
pub(crate) fn entry_value(entry: &Entry) -> Option<Cow<'_, Value>> {
    match entry {
        Entry::RunStarted { data, .. }
        | Entry::ValueCarriedOver { data, .. }
        | Entry::ExecutionCompleted { data, .. }
        | Entry::RoundFailed { data, .. }
        | Entry::ErrorHandlerStarted { data }
        | Entry::AttemptEnded { result: AttemptResult::Outcome { data, .. }, .. } => {
            Some(Cow::Borrowed(data))
        }
        Entry::ExecutionStarted { config, .. } => Some(Cow::Borrowed(config)),
        Entry::AttemptEnded {
            result: AttemptResult::Error { message, .. } | AttemptResult::Interrupted { message, .. },
            ..
        }
        | Entry::ExecutionFailed { message, .. } => Some(Cow::Owned(json!({ "message": message }))),
        Entry::DeadlinePassed { .. } => Some(Cow::Owned(json!({}))),
        _ => None,
    }
}

/// The same of an entry that is needed no more.
pub(crate) fn into_value(entry: Entry) -> Option<Value> {
    match entry {
        Entry::RunStarted { data, .. }
        | Entry::ValueCarriedOver { data, .. }
        | Entry::ExecutionCompleted { data, .. }
        | Entry::RoundFailed { data, .. }
        | Entry::ErrorHandlerStarted { data }
        | Entry::AttemptEnded { result: AttemptResult::Outcome { data, .. }, .. } => Some(data),
        Entry::ExecutionStarted { config, .. } => Some(config),
        entry => entry_value(&entry).map(Cow::into_owned),
    }
}

//! Reads the journal of a run as the lifecycle's rules would have it, apart from the engine: an entry that no rule
//! allows at its place is a break, and so is a state that is not what the journal leads to.

mod calls;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use stepwell_engine::core::policy::{MOST_INTERRUPTIONS, RetryPolicy};
use stepwell_engine::core::run::{self, RunState};
use stepwell_engine::definition::{Definition, StepInstance};
use stepwell_engine::model::{
    AttemptResult, Entry, ExecutionId, HandlerName, RecordId, RunId, RunStatus, decode_entries,
};
use stepwell_engine::store::{Record, RunRow};

pub(crate) use calls::compare as compare_calls;

use crate::ledger::{End, Ledger};
use crate::world::{ROUNDS, ROUNDS_AT_ONCE};

/// Where the paths of a run begin.
const TRIGGER: &str = "trigger";

/// What a journal leads to.
pub(crate) struct Reading<'a> {
    definition: &'a Definition,
    ledger: &'a Ledger,
    run: RunId,
    executions: u32,
    pub(crate) live: BTreeMap<u32, Execution>,
    pub(crate) callbacks: BTreeMap<RecordId, Callback>,
    /// What other runs have said that changes nothing here, with the executions that it is for.
    messages: BTreeMap<RecordId, u32>,
    expected: Vec<Place>,
    unfinished: Vec<Place>,
    /// What follows when the run has a place in its lane.
    queued: Option<Vec<Place>>,
    /// The rounds of loops, from 1.
    rounds: Vec<Round>,
    /// The joins that have let the run go on, with their rounds.
    joined: BTreeMap<(String, Option<u32>), u32>,
    cancelling: bool,
    failing: bool,
    ended: Option<RunStatus>,
    /// The attempts that were started.
    pub(crate) attempts: BTreeMap<u32, u32>,
    pub(crate) broken: Vec<String>,
}

/// Where a path comes to, and from which step.
#[derive(Debug, Clone)]
struct Place {
    step: String,
    round: Option<u32>,
    from: String,
}

/// A round of a loop.
struct Round {
    of: u32,
}

/// A live execution.
pub(crate) struct Execution {
    pub(crate) step: String,
    round: Option<u32>,
    /// The core carries it out itself.
    control: bool,
    /// What it has called, if it calls.
    call: Option<calls::Call>,
    /// The steps that have led to it, if it is a join.
    arrived: Vec<String>,
    phase: Phase,
    attempts: u32,
    deferred: bool,
    given_up: Option<Cause>,
    failures: u32,
    interruptions: u32,
    /// After it was given up, a handler has said how it ended: there is nothing to take down any more.
    settled: bool,
    /// The call that is to be made again, and not before when.
    again: Option<(HandlerName, Option<RecordId>, Timestamp)>,
    pub(crate) deadline_at: Option<Timestamp>,
    pub(crate) wake_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ready,
    Running(HandlerName, Option<RecordId>),
    Waiting,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    RunCancelled,
    RunFailed,
    Deadline,
}

/// A callback that was received.
pub(crate) struct Callback {
    pub(crate) execution: u32,
    pub(crate) number: Option<usize>,
    pub(crate) at: Timestamp,
    pub(crate) fate: Fate,
}

/// What became of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Waits,
    Taken,
    Done,
    Unused,
}

impl<'a> Reading<'a> {
    /// Reads the whole journal of a run.
    pub(crate) fn of(run: RunId, definition: &'a Definition, ledger: &'a Ledger, records: &[Record]) -> Self {
        let mut reading = Self {
            definition,
            ledger,
            run,
            executions: 0,
            live: BTreeMap::new(),
            callbacks: BTreeMap::new(),
            messages: BTreeMap::new(),
            expected: Vec::new(),
            unfinished: Vec::new(),
            queued: None,
            rounds: Vec::new(),
            joined: BTreeMap::new(),
            cancelling: false,
            failing: false,
            ended: None,
            attempts: BTreeMap::new(),
            broken: Vec::new(),
        };
        for record in records {
            match decode_entries(&record.body) {
                Ok(entries) => reading.record(record, &entries),
                Err(error) => reading.broken(format!("a record cannot be read: {error}")),
            }
        }
        reading
    }

    fn broken(&mut self, what: impl Into<String>) {
        self.broken.push(what.into());
    }

    fn record(&mut self, record: &Record, entries: &[Entry]) {
        for entry in entries {
            if let Err(problem) = self.entry(record, entry) {
                self.broken(format!("{problem}, at {entry:?}"));
            }
        }
        let mut left = std::mem::take(&mut self.expected);
        if self.failing {
            // A join is come to all the same, and kept for a retry.
            let (joins, others) = left.into_iter().partition(|place| self.is_join(&place.step));
            self.unfinished.extend::<Vec<Place>>(others);
            left = joins;
        }
        if !left.is_empty() && !self.cancelling {
            self.broken(format!("s1: the steps {left:?} should have followed"));
        }
    }

    fn entry(&mut self, record: &Record, entry: &Entry) -> Result<(), String> {
        if self.ended.is_some() && !matches!(entry, Entry::CallbackUnused { .. } | Entry::RetryRequested) {
            return Err("something happened after the end".into());
        }
        match entry {
            Entry::RunStarted { outcome, .. } => {
                let steps = self.definition.trigger.on.0.get(outcome).cloned().unwrap_or_default();
                self.begin(steps.into_iter().map(|step| place(step, None, TRIGGER)).collect());
            }
            Entry::RunAdmitted => {
                self.expected = self.queued.take().ok_or("s12: the run was not queued")?;
            }
            Entry::ExecutionStarted { execution, step, round, .. } => {
                self.execution_started(*execution, step, *round)?;
            }
            Entry::RoundStarted { round, execution, index } => {
                self.round_started(*round, *execution, *index)?;
            }
            Entry::Arrived { execution, from, late } => self.arrived(*execution, from, *late)?,
            Entry::ExecutionCompleted { execution, outcome, data } => {
                self.completed(*execution, outcome, data)?;
            }
            Entry::AttemptStarted { execution, attempt, handler, callback, .. } => {
                self.attempt_started(*execution, *attempt, (*handler, *callback), record.at)?;
            }
            Entry::AttemptEnded { execution, attempt, handler, result } => {
                self.compare_with_ledger(*execution, *attempt, *handler, result)?;
                self.attempt_ended(*execution, *attempt, *handler, result, record.at)?;
            }
            Entry::CallbackReceived { execution, request } => {
                let number = callback_number(&request.body);
                let live = self.live.get(execution).ok_or("d6: the execution is resolved")?;
                if live.given_up.is_some() {
                    return Err("d6: the execution was given up".into());
                }
                let received = Callback { execution: *execution, number, at: record.at, fate: Fate::Waits };
                self.callbacks.insert(record.id, received);
            }
            Entry::CallbackUnused { execution, callback, .. }
                if self.messages.remove(callback) == Some(*execution) => {}
            Entry::CallbackUnused { execution, callback, .. } => {
                let known = self.callbacks.get_mut(callback).ok_or("o1: no such callback")?;
                if known.execution != *execution || matches!(known.fate, Fate::Done | Fate::Unused) {
                    return Err(format!("o1: the callback was dealt with before: {:?}", known.fate));
                }
                known.fate = Fate::Unused;
            }
            Entry::DeadlinePassed { execution } => {
                let live = live(&mut self.live, *execution)?;
                if matches!(live.phase, Phase::Running(..)) || live.given_up.is_some() {
                    return Err("d7: the deadline had to wait".into());
                }
                let deadline = live.deadline_at.filter(|deadline| *deadline <= record.at);
                let deadline = deadline.ok_or("d7: the deadline has not come")?;
                let earlier = |callback: &&Callback| {
                    callback.execution == *execution && callback.fate == Fate::Waits && callback.at < deadline
                };
                if live.phase == Phase::Waiting && self.callbacks.values().any(|known| earlier(&known)) {
                    return Err("d3: a callback came before the deadline".into());
                }
                live.give_up(Cause::Deadline);
            }
            Entry::WorkflowCalled { execution, run, .. } => {
                self.workflow_called(*execution, *run, record.at)?;
            }
            Entry::CallAnswered { execution, run, answer } => {
                self.call_answered(record.id, *execution, *run, answer);
            }
            Entry::CallGivenUp => drop(self.messages.insert(record.id, run::THE_RUN)),
            Entry::ExecutionFailed { execution, .. } => {
                live(&mut self.live, *execution)?;
                self.leaves_no_run(*execution)?;
                self.fail(*execution);
            }
            Entry::ExecutionCancelled { execution } => self.execution_cancelled(*execution)?,
            Entry::CancelRequested => {
                self.cancelling = true;
                self.queued = None;
                for live in self.live.values_mut() {
                    live.give_up(Cause::RunCancelled);
                }
            }
            Entry::RetryRequested => {
                if self.ended.take() != Some(RunStatus::Failed) {
                    return Err("o2: only a failed run is tried again".into());
                }
                self.failing = false;
                let mut places = std::mem::take(&mut self.unfinished);
                for place in &mut places {
                    TRIGGER.clone_into(&mut place.from);
                }
                self.begin(places);
            }
            Entry::RunEnded { status, .. } => self.run_ended(*status)?,
            Entry::ValueCarriedOver { .. }
            | Entry::RoundFailed { .. }
            | Entry::ErrorHandlerStarted { .. } => {
                return Err("no world has this".into());
            }
        }
        Ok(())
    }

    /// Comes to the first steps, at once or when the run has a place in its lane.
    fn begin(&mut self, places: Vec<Place>) {
        match self.definition.concurrency {
            None => self.expected = places,
            Some(_) => self.queued = Some(places),
        }
    }

    fn is_join(&self, step: &str) -> bool {
        self.definition.steps.get(step).is_some_and(|step| step.block == "core/join")
    }

    /// Whether anything goes on, or is to go on, in a round.
    fn is_open(&self, round: u32) -> bool {
        let mut places = self.expected.iter().chain(&self.unfinished);
        self.live.values().any(|execution| execution.round == Some(round))
            || places.any(|place| place.round == Some(round))
    }

    fn round_started(&mut self, round: u32, of: u32, index: u32) -> Result<(), String> {
        if self.queued.is_some() || self.failing || self.cancelling {
            return Err("s12: no round begins now".into());
        }
        let begun: Vec<u32> =
            (1..).zip(&self.rounds).filter(|(_, round)| round.of == of).map(|(n, _)| n).collect();
        let open = begun.iter().filter(|round| self.is_open(**round)).count();
        let known = self.rounds.len();
        self.rounds.push(Round { of });
        let execution = live(&mut self.live, of)?;
        if round as usize != known + 1 || index as usize != begun.len() || index >= ROUNDS {
            return Err(format!("round {round} with index {index} begins after {begun:?}"));
        }
        if open >= ROUNDS_AT_ONCE {
            return Err(format!("{open} rounds go on already"));
        }
        let step = execution.step.clone();
        let targets = self.definition.steps.get(&step).and_then(|step| step.on.0.get("each"));
        let places = targets.into_iter().flatten().map(|target| place(target.clone(), Some(round), &step));
        self.expected.extend(places);
        Ok(())
    }

    fn arrived(&mut self, number: u32, from: &str, late: bool) -> Result<(), String> {
        let at = |place: &Place, step: &str, round| {
            place.step == step && place.round == round && place.from == from
        };
        let known = self.joined.iter().find(|(_, join)| **join == number).map(|(place, _)| place.clone());
        let (step, round) = match (late, known) {
            (true, Some(known)) => known,
            (false, None) => {
                let join = live(&mut self.live, number)?;
                join.arrived.push(from.to_owned());
                (join.step.clone(), join.round)
            }
            _ => return Err("a path comes late to a join if it has let the run go on".into()),
        };
        let place = self.expected.iter().position(|place| at(place, &step, round));
        self.expected.remove(place.ok_or("s1: no edge leads here")?);
        Ok(())
    }

    /// A join or a loop goes on.
    fn completed(&mut self, number: u32, outcome: &str, data: &Value) -> Result<(), String> {
        let execution = live(&mut self.live, number)?;
        if execution.call.is_some() {
            return self.call_completed(number, outcome, data);
        }
        if self.queued.is_some() || self.failing || self.cancelling {
            return Err("s12: no join and no loop goes on now".into());
        }
        let execution = live(&mut self.live, number)?;
        if !execution.control {
            return Err("it has a handler".into());
        }
        let (step, round, arrived) = (execution.step.clone(), execution.round, execution.arrived.clone());
        if self.is_join(&step) {
            if self.joined.insert((step.clone(), round), number).is_some() {
                return Err("a join lets the run go on once".into());
            }
            if data["arrived"] != serde_json::json!(arrived) {
                return Err(format!("{arrived:?} have come"));
            }
            let all = self.definition.steps[&step].config["wait_for"] != "any";
            let coming = self.live.iter().find(|(other, execution)| {
                **other != number && execution.round == round && self.leads_to(&execution.step, &step)
            });
            if let Some((other, _)) = coming.filter(|_| all) {
                return Err(format!("execution {other} may still come"));
            }
        } else {
            let rounds: Vec<u32> =
                (1..).zip(&self.rounds).filter(|(_, round)| round.of == number).map(|(n, _)| n).collect();
            let results = data["results"].as_array().map_or(0, Vec::len);
            if rounds.len() != ROUNDS as usize || results != rounds.len() {
                return Err(format!("a loop of {ROUNDS} items ends after the rounds {rounds:?}"));
            }
            if let Some(open) = rounds.iter().find(|round| self.is_open(**round)) {
                return Err(format!("round {open} is not over"));
            }
        }
        self.follow(number, outcome);
        Ok(())
    }

    /// Whether a path from one step comes to another.
    fn leads_to(&self, from: &str, to: &str) -> bool {
        let targets = |step: &str| {
            self.definition.steps.get(step).into_iter().flat_map(|step| step.on.0.values().flatten())
        };
        let (mut open, mut seen) = (vec![from], BTreeSet::new());
        while let Some(step) = open.pop() {
            if targets(step).any(|target| target == to) {
                return true;
            }
            open.extend(targets(step).filter(|target| seen.insert(target.as_str())).map(String::as_str));
        }
        false
    }

    fn execution_started(&mut self, number: u32, step: &str, round: Option<u32>) -> Result<(), String> {
        self.executions += 1;
        if number != self.executions {
            return Err(format!("s2: the execution after {} is {number}", self.executions - 1));
        }
        let place = self.expected.iter().position(|place| place.step == step && place.round == round);
        let block = self.definition.steps.get(step).map_or("", |step| step.block.as_str());
        let control = block.starts_with("core/") && block != calls::CALL;
        let execution = Execution {
            step: step.to_owned(),
            round,
            control,
            call: (block == calls::CALL).then(calls::Call::default),
            arrived: Vec::new(),
            phase: if control { Phase::Waiting } else { Phase::Ready },
            attempts: 0,
            deferred: false,
            given_up: None,
            failures: 0,
            interruptions: 0,
            settled: false,
            again: None,
            deadline_at: None,
            wake_at: None,
        };
        let place = place.ok_or("s1: no edge leads here")?;
        if self.is_join(step) {
            // The path that has come is noted by itself.
            let twin = self.live.values().any(|other| other.step == step && other.round == round);
            if twin || self.joined.contains_key(&(step.to_owned(), round)) {
                return Err("a join gathers once".into());
            }
        } else {
            self.expected.remove(place);
        }
        self.live.insert(number, execution);
        Ok(())
    }

    fn attempt_started(
        &mut self,
        number: u32,
        attempt: u32,
        call: (HandlerName, Option<RecordId>),
        at: Timestamp,
    ) -> Result<(), String> {
        let deadline = step(self.definition, self.live.get(&number))?.deadline;
        let execution = live(&mut self.live, number)?;
        self.attempts.insert(number, attempt);
        execution.attempts += 1;
        if attempt != execution.attempts {
            return Err(format!("attempt {} should have followed", execution.attempts));
        }
        let given_up = execution.given_up.is_some();
        let before = std::mem::replace(&mut execution.phase, Phase::Running(call.0, call.1));
        if matches!(before, Phase::Running(..)) {
            return Err("d3: another attempt is running".into());
        }
        if attempt == 1 {
            execution.deadline_at = deadline.and_then(|deadline| at.checked_add(deadline).ok());
        }
        let again = execution.again.take();
        if let Some((handler, callback, not_before)) =
            again.filter(|again| !given_up || again.0 == HandlerName::Cancel)
        {
            if call != (handler, callback) {
                return Err(format!("{handler:?} was to be called again"));
            }
            if at < not_before {
                return Err(format!("s4: it was to be called again no earlier than {not_before}"));
            }
        } else {
            (execution.failures, execution.interruptions) = (0, 0);
        }
        match call {
            (HandlerName::Execute, None) if !execution.deferred && !given_up => {}
            (HandlerName::Wake, None) if execution.deferred && !given_up => {
                if again.is_none() && execution.wake_at.take().is_none_or(|wake| wake > at) {
                    return Err("d11: the wake time has not come".into());
                }
            }
            (HandlerName::Cancel, None) if execution.deferred && given_up => {}
            (HandlerName::Finish, Some(callback)) if execution.deferred && !given_up => {
                let known = self.callbacks.get_mut(&callback).ok_or("d3: no such callback")?;
                let fate = std::mem::replace(&mut known.fate, Fate::Taken);
                let before = if again.is_some() { Fate::Taken } else { Fate::Waits };
                if known.execution != number || fate != before {
                    return Err(format!("d5: the callback was dealt with before: {fate:?}"));
                }
            }
            _ => return Err("no rule calls this handler here".into()),
        }
        Ok(())
    }

    /// Whether the handler has really returned that.
    fn compare_with_ledger(
        &self,
        execution: u32,
        attempt: u32,
        handler: HandlerName,
        result: &AttemptResult,
    ) -> Result<(), String> {
        if matches!(result, AttemptResult::Interrupted { .. }) {
            return Ok(());
        }
        let id = ExecutionId { run: self.run, number: execution };
        let call = self.ledger.calls.get(&(id, attempt)).filter(|call| call.handler == handler);
        let end = call.ok_or("the handler was never called")?.end.ok_or("the handler has not returned")?;
        let same = match (end, result) {
            (End::Outcome(id), AttemptResult::Outcome { outcome, .. }) => id == outcome,
            (End::Deferred { wakes }, AttemptResult::Deferred { wake_at, .. })
            | (End::NoOp { wakes }, AttemptResult::NoOp { wake_at }) => wakes == wake_at.is_some(),
            // d8: however `cancel` fails, it is tried again.
            (End::Error { .. }, AttemptResult::Error { .. }) if handler == HandlerName::Cancel => true,
            (End::Exit, AttemptResult::Exit)
            | (End::NextState, AttemptResult::NoOp { wake_at: None })
            | (End::Rejected, AttemptResult::Rejected { .. })
            | (End::Cancelled, AttemptResult::Cancelled)
            | (End::Error { retryable: true }, AttemptResult::Error { .. })
            | (End::Error { retryable: false }, AttemptResult::Error { retryable: false, .. }) => true,
            _ => false,
        };
        if same { Ok(()) } else { Err(format!("the handler returned {end:?}")) }
    }

    fn attempt_ended(
        &mut self,
        number: u32,
        attempt: u32,
        handler: HandlerName,
        result: &AttemptResult,
        at: Timestamp,
    ) -> Result<(), String> {
        let instance = step(self.definition, self.live.get(&number))?;
        let policy = match (&instance.retry, handler) {
            (Some(retry), HandlerName::Execute | HandlerName::Finish | HandlerName::Wake) => {
                RetryPolicy { attempts: retry.attempts, first: retry.first, most: retry.most }
            }
            _ => RetryPolicy::DEFAULT,
        };
        let is_cancel = handler == HandlerName::Cancel;
        let careful = instance.block.ends_with("/careful") && !is_cancel;
        let id = ExecutionId { run: self.run, number };
        let said_retryable = self.ledger.calls.get(&(id, attempt)).and_then(|call| call.end)
            == Some(End::Error { retryable: true });
        let execution = live(&mut self.live, number)?;
        let Phase::Running(running, callback) = execution.phase else {
            return Err("no attempt was running".into());
        };
        if running != handler || attempt != execution.attempts {
            return Err("another attempt was running".into());
        }
        let given_up = execution.given_up;
        execution.phase = Phase::Ready;
        if !matches!(result, AttemptResult::Interrupted { .. }) {
            execution.interruptions = 0;
        }
        let mut dealt_with = true;
        execution.settled = given_up.is_some()
            && match result {
                AttemptResult::Outcome { .. } | AttemptResult::Exit | AttemptResult::Cancelled => true,
                AttemptResult::Error { .. } => handler == HandlerName::Cancel || !said_retryable,
                _ => handler == HandlerName::Cancel,
            };
        match result {
            AttemptResult::Outcome { outcome, .. } => match given_up {
                None | Some(Cause::RunFailed) => self.follow(number, outcome),
                Some(_) => {}
            },
            AttemptResult::Exit if given_up.is_none() => {
                self.live.remove(&number);
            }
            AttemptResult::Exit | AttemptResult::Cancelled => {}
            AttemptResult::Deferred { wake_at, .. } => {
                execution.deferred = true;
                execution.wake_at = *wake_at;
                execution.wait();
            }
            AttemptResult::NoOp { wake_at } => {
                execution.wake_at = wake_at.or(execution.wake_at);
                execution.wait();
            }
            AttemptResult::Rejected { .. } => execution.wait(),
            AttemptResult::Error { retryable, .. } => {
                let may = is_cancel || said_retryable && given_up.is_none();
                execution.failures += 1;
                let delay = policy.delay(execution.failures, 1.0, None).filter(|_| may);
                if *retryable != delay.is_some() {
                    return Err(format!("s4: after {} failures", execution.failures));
                }
                if let Some(not_before) = delay.and_then(|delay| at.checked_add(delay).ok()) {
                    execution.again = Some((handler, callback, not_before));
                    dealt_with = false;
                } else if given_up.is_none() {
                    self.fail(number);
                }
            }
            AttemptResult::Interrupted { given_up: ends, .. } => {
                execution.interruptions += 1;
                let too_often = execution.interruptions >= MOST_INTERRUPTIONS;
                // d8: a `cancel` that is interrupted too often goes on as one that fails.
                let not_before = if is_cancel && too_often {
                    execution.failures += 1;
                    let delay = policy.delay(execution.failures, 1.0, None);
                    delay.and_then(|delay| at.checked_add(delay).ok())
                } else {
                    Some(at).filter(|_| !careful && !too_often)
                };
                if *ends != not_before.is_none() {
                    return Err(format!("s7: after {} interruptions", execution.interruptions));
                }
                if let Some(not_before) = not_before.filter(|_| given_up.is_none() || is_cancel) {
                    execution.again = Some((handler, callback, not_before));
                    dealt_with = false;
                } else if given_up.is_none() {
                    self.fail(number);
                }
            }
        }
        if let Some(callback) = callback.filter(|_| dealt_with).and_then(|id| self.callbacks.get_mut(&id)) {
            callback.fate = Fate::Done;
        }
        Ok(())
    }

    fn follow(&mut self, number: u32, outcome: &str) {
        let Some(execution) = self.live.remove(&number) else { return };
        let Execution { step, round, .. } = execution;
        let targets = self.definition.steps.get(&step).and_then(|step| step.on.0.get(outcome));
        self.expected.extend(targets.into_iter().flatten().map(|target| place(target.clone(), round, &step)));
    }

    fn fail(&mut self, number: u32) {
        let has_edge =
            step(self.definition, self.live.get(&number)).is_ok_and(|step| step.on.0.contains_key("error"));
        if has_edge {
            return self.follow(number, "error");
        }
        if let Some(execution) = self.live.remove(&number) {
            self.unfinished.push(place(execution.step, execution.round, TRIGGER));
        }
        self.failing = true;
        for live in self.live.values_mut().filter(|live| !live.control) {
            live.give_up(Cause::RunFailed);
        }
    }

    fn execution_cancelled(&mut self, number: u32) -> Result<(), String> {
        let block = &step(self.definition, self.live.get(&number))?.block;
        let cancels = ["/ask", "/doze", "/gather"].iter().any(|name| block.ends_with(name));
        let execution = live(&mut self.live, number)?;
        if matches!(execution.phase, Phase::Running(..)) {
            return Err("d8: an attempt is running".into());
        }
        self.leaves_no_run(number)?;
        let execution = live(&mut self.live, number)?;
        if cancels && execution.deferred && !execution.settled {
            return Err("d8: `cancel` was not called".into());
        }
        let inside = self.rounds.iter().zip(1..).filter(|(round, _)| round.of == number);
        let rounds: Vec<u32> = inside.map(|(_, number)| number).collect();
        if let Some(open) =
            rounds.into_iter().find(|round| self.live.values().any(|live| live.round == Some(*round)))
        {
            return Err(format!("something lives in round {open}"));
        }
        let execution = live(&mut self.live, number)?;
        match execution.given_up {
            None => return Err("d8: nobody has given it up".into()),
            Some(Cause::Deadline) => self.follow(number, "deadline"),
            Some(Cause::RunFailed) => {
                let place = place(execution.step.clone(), execution.round, TRIGGER);
                self.unfinished.push(place);
                self.live.remove(&number);
            }
            Some(Cause::RunCancelled) => {
                self.live.remove(&number);
            }
        }
        Ok(())
    }

    fn run_ended(&mut self, status: RunStatus) -> Result<(), String> {
        self.ended = Some(status);
        let due = match (self.cancelling, self.failing) {
            (true, _) => RunStatus::Cancelled,
            (false, true) => RunStatus::Failed,
            (false, false) => RunStatus::Completed,
        };
        if status != due {
            return Err(format!("the run is {due}"));
        }
        // Joins and loops of a run that has failed are kept for a retry.
        let kept = |live: &Execution| live.control && status == RunStatus::Failed;
        if self.live.values().all(kept) { Ok(()) } else { Err("something of the run lives".into()) }
    }

    /// Whether the row says the same.
    pub(crate) fn compare_with_row(&mut self, row: &RunRow) {
        let Ok(state) = serde_json::from_slice::<RunState>(&row.state) else {
            return self.broken("the state cannot be read");
        };
        if state.ended != self.ended || state.status() != row.status {
            self.broken(format!(
                "the journal ends with {:?}, the state says {:?}, the row {}",
                self.ended, state.ended, row.status
            ));
        }
        if row.finished_at.is_some() != row.status.is_final() {
            self.broken(format!("a run that is {} has finished at {:?}", row.status, row.finished_at));
        }
        let journal: Vec<(u32, &str)> =
            self.live.iter().map(|(number, execution)| (*number, execution.phase.name())).collect();
        let stated: Vec<(u32, &str)> = state
            .live
            .iter()
            .map(|(number, execution)| {
                let phase = match execution.phase {
                    run::Phase::Ready { .. } | run::Phase::Calling { .. } => "ready",
                    run::Phase::Running { .. } => "running",
                    run::Phase::Waiting
                    | run::Phase::Called { .. }
                    | run::Phase::Gathering(_)
                    | run::Phase::Looping(_) => "waiting",
                };
                (*number, phase)
            })
            .collect();
        // A callback that was taken makes an execution ready before it is called.
        let same = journal.len() == stated.len()
            && journal.iter().zip(&stated).all(|(journal, stated)| {
                journal == stated || (journal.0 == stated.0 && journal.1 == "waiting" && stated.1 == "ready")
            });
        if !same {
            self.broken(format!("the journal leads to {journal:?}, the state has {stated:?}"));
        }
    }
}

impl Execution {
    fn wait(&mut self) {
        self.phase = if self.given_up.is_some() { Phase::Ready } else { Phase::Waiting };
        self.again = None;
        self.failures = 0;
    }

    fn give_up(&mut self, cause: Cause) {
        self.given_up = Some(cause);
        if self.phase == Phase::Waiting && !self.control && self.call.is_none() {
            self.phase = Phase::Ready;
        }
    }

    /// Whether it has been late for so long.
    pub(crate) fn late(&self, now: Timestamp, by: Duration) -> Option<&'static str> {
        let passed =
            |at: Option<Timestamp>| at.and_then(|at| at.checked_add(by).ok()).is_some_and(|at| at < now);
        if passed(self.deadline_at) && self.given_up.is_none() {
            Some("d7: its deadline has passed")
        } else if passed(self.wake_at) && self.phase == Phase::Waiting {
            Some("d11: its wake time has passed")
        } else {
            None
        }
    }
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running(..) => "running",
            Self::Waiting => "waiting",
        }
    }
}

fn place(step: String, round: Option<u32>, from: &str) -> Place {
    Place { step, round, from: from.to_owned() }
}

fn live(live: &mut BTreeMap<u32, Execution>, number: u32) -> Result<&mut Execution, String> {
    live.get_mut(&number).ok_or_else(|| format!("execution {number} does not live"))
}

fn step<'a>(definition: &'a Definition, execution: Option<&Execution>) -> Result<&'a StepInstance, String> {
    let execution = execution.ok_or("the execution does not live")?;
    definition.steps.get(&execution.step).ok_or_else(|| "there is no such step".to_owned())
}

fn callback_number(body: &str) -> Option<usize> {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.decode(body).ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    body["callback"].as_u64().and_then(|number| usize::try_from(number).ok())
}

//! The state machine of a run.

mod activity;
mod attempt;
mod callback;
mod calls;
mod control;
mod loops;
mod needs;
mod plan;
mod state;
mod teardown;
#[cfg(test)]
mod tests;
mod transition;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use stepwell::outcome::Outcome;
use stepwell::question::Question;
use stepwell::step::WaitingFor;
use stepwell::when::When;

pub use calls::{CallConfig, Called, Callee, Caller, Message, THE_RUN};
pub use plan::{Control, Plan, PlannedStep, ResolveConfig, Variables};
pub use state::{Call, Execution, Gathering, Phase, Place, Progress, Round, RunState, Sealed, Takes};

use super::IllegalEvent;
use crate::model::{ActivationId, CallAnswer, Entry, Origin, RecordId, RunId, RunStatus, ValueRef};
use transition::Transition;
pub(crate) use transition::{entry_value, into_value};

/// What a decision is given besides the state and the event.
pub struct Given<'a> {
    /// The time.
    pub now: Timestamp,
    /// The run.
    pub run: RunId,
    /// The id of the record that will hold the decision's entries.
    pub record: RecordId,
    /// A random number in 0..1, for back-off.
    pub jitter: f64,
    /// How many attempts may start at once with this decision.
    pub slots: usize,
    /// How many of them may be of each block that is bounded; none of one that is not here.
    pub block_slots: &'a HashMap<String, usize>,
    /// Values that the state refers to. What is [lacking](Undecided::Lacking) is told.
    pub values: &'a HashMap<ValueRef, Value>,
    /// The variables `run` and `workflow`.
    pub surroundings: &'a Map<String, Value>,
}

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A handler has returned.
    Returned {
        /// The execution's number.
        execution: u32,
        /// What it returned.
        returned: Returned,
    },
    /// The engine died or the time limit passed while a handler ran.
    Interrupted {
        /// The execution's number.
        execution: u32,
        /// Which of the two.
        message: String,
    },
    /// A callback is taken from the inbox. Only for an execution that [takes](RunState::takes) it.
    Callback {
        /// The callback's record.
        callback: RecordId,
        /// The execution's number.
        execution: u32,
        /// When it came.
        at: Timestamp,
    },
    /// Callbacks are taken from the inbox that came to executions which are resolved: each with its execution's number.
    Leftover(Vec<(RecordId, u32)>),
    /// The calls of these executions are made, as far as they can be.
    Called(Vec<(u32, Called)>),
    /// An answer to a call is taken from the inbox.
    Answered {
        /// The message's record.
        message: RecordId,
        /// The execution's number.
        execution: u32,
        /// When it came.
        at: Timestamp,
        /// The run that was called.
        run: RunId,
        /// How it ended.
        answer: CallAnswer,
    },
    /// A message is taken from the inbox by which the run's caller gives it up.
    GivenUp(RecordId),
    /// Time has passed, or slots have become free.
    Tick,
    /// Somebody asks to cancel the run.
    Cancel,
    /// Somebody asks to go on from the failed steps.
    Retry,
    /// The run, which was queued, has a place among those of its key that go on at once.
    Admit,
}

/// Whether a run goes on at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Nothing bounds how many runs go on at once.
    Free,
    /// It is queued until it has a place.
    Queued,
    /// Its key cannot be told, so that it fails.
    NoKey(String),
}

/// What a handler returned.
#[derive(Debug, Clone, PartialEq)]
pub enum Returned {
    /// The step is done.
    Outcome(Outcome),
    /// The path ends.
    Exit,
    /// The execution waits.
    Defer {
        /// The state, sealed.
        state: Sealed,
        /// For what it waits.
        waiting_for: Option<WaitingFor>,
        /// When `wake` is to be called.
        wake: Option<When>,
        /// What people are asked meanwhile.
        question: Option<Box<Question>>,
    },
    /// `finish` or `wake` goes on waiting.
    NoOp {
        /// The next state, sealed; `None` if it stays as it is.
        state: Option<Sealed>,
        /// When `wake` is to be called again.
        wake: Option<When>,
    },
    /// `finish` refused the callback.
    Rejected(String),
    /// `cancel` is done.
    Cancelled,
    /// The handler failed.
    Error {
        /// What went wrong.
        message: String,
        /// The shortest time to wait before it is tried again; `None` if it is not.
        retry: Option<Duration>,
    },
}

/// What follows from an event: store it, then make the calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The next state.
    pub state: RunState,
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// The attempts that have started.
    pub calls: Vec<Attempt>,
    /// The inbox entries that are dealt with.
    pub taken: Vec<RecordId>,
    /// The runs that are called: they begin in the same commit.
    pub called: Vec<RunId>,
    /// What other runs are told in the same commit.
    pub messages: Vec<Message>,
}

/// Why there is no decision. The state is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// The event does not fit the state.
    #[error(transparent)]
    Illegal(#[from] IllegalEvent),
    /// The decision needs these values too, and perhaps more after them.
    #[error("the decision needs {} values more", .0.len())]
    Lacking(BTreeSet<ValueRef>),
}

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The execution's number.
    pub execution: u32,
    /// The attempt's number within the execution.
    pub attempt: u32,
    /// The step's id.
    pub step: String,
    /// What to call.
    pub call: Call,
    /// Where the config is.
    pub config: ValueRef,
    /// The state that the execution deferred with.
    pub state: Option<Sealed>,
}

/// How a run begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Beginning {
    /// The activation that received the event.
    pub activation: Option<ActivationId>,
    /// The outcome of the trigger.
    pub outcome: Outcome,
    /// The run that this one goes through again.
    pub replayed: Option<Replayed>,
    /// Who has called it.
    pub caller: Option<Caller>,
}

/// An earlier run that is gone through again.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The run.
    pub run: RunId,
    /// The step to begin with; none for the beginning.
    pub from: Option<String>,
    /// What earlier steps have recorded.
    pub values: Vec<(String, Value)>,
}

/// Starts a run with an outcome of its trigger.
pub fn start(plan: &Plan, beginning: Beginning, admission: Admission, given: &Given<'_>) -> Decision {
    let mut transition = Transition::new(plan, RunState::default(), given);
    let Beginning { activation, outcome: Outcome { id, data }, replayed, caller } = beginning;
    let mut targets = plan.trigger.get(&id).cloned().unwrap_or_default();
    let origin = replayed.as_ref().map(|Replayed { run, from, .. }| Origin { run: *run, from: from.clone() });
    let by = caller.as_ref().map(Caller::id);
    transition.state.caller = caller;
    let value = transition.record(Entry::RunStarted { activation, outcome: id, data, origin, caller: by });
    transition.state.values.insert("trigger".to_owned(), value);
    if let Some(Replayed { from, values, .. }) = replayed {
        targets = from.map_or(targets, |step| vec![step]);
        for (step, data) in values {
            let value = transition.record(Entry::ValueCarriedOver { step: step.clone(), data });
            transition.state.values.insert(step, value);
        }
    }
    let places = targets.into_iter().map(|step| Place { step, round: None });
    transition.begin(places.collect(), admission);
    transition.finish();
    transition.into_decision()
}

/// Applies an event to a run.
///
/// # Errors
///
/// When the event does not fit the state, or the decision needs values that it was not given: decide again with them.
pub fn apply(plan: &Plan, state: RunState, event: Event, given: &Given<'_>) -> Result<Decision, Undecided> {
    let mut transition = Transition::new(plan, state, given);
    let fits = happen(&mut transition, event);
    if fits.is_ok() {
        transition.finish();
    }
    let lacking = transition.take_lacking();
    if !lacking.is_empty() {
        return Err(Undecided::Lacking(lacking));
    }
    fits?;
    Ok(transition.into_decision())
}

fn happen(transition: &mut Transition<'_>, event: Event) -> Result<(), IllegalEvent> {
    let ended = transition.state.ended;
    match (event, ended) {
        (Event::Callback { callback, execution, at }, _) => transition.callback(callback, execution, at)?,
        (Event::Leftover(callbacks), _) => transition.leftover(callbacks)?,
        (Event::Answered { message, execution, at, run, answer }, _) => {
            transition.answered(message, execution, at, (run, answer));
        }
        (Event::Retry, Some(RunStatus::Failed)) => transition.retry(),
        (Event::Retry, _) => return Err(IllegalEvent("only a failed run can be retried".into())),
        (_, Some(status)) => return Err(IllegalEvent(format!("the run is {status}"))),
        (Event::Returned { execution, returned }, None) => transition.returned(execution, returned)?,
        (Event::Interrupted { execution, message }, None) => transition.interrupted(execution, message)?,
        (Event::Tick, None) => transition.tick(),
        (Event::Cancel, None) => transition.cancel(),
        (Event::Called(calls), None) => transition.call(calls)?,
        (Event::GivenUp(message), None) => transition.given_up(message),
        (Event::Admit, None) => transition.admit()?,
    }
    Ok(())
}

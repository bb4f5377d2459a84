//! What the outside world has seen: kept beside the engine, and never asked by it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use stepwell_engine::model::{
    ActivationId, AttemptResult, Entry, Epoch, ExecutionId, HandlerName, RunId, WorkflowId,
};

use crate::lanes::Lanes;

/// Everything that the outside world has seen.
#[derive(Default)]
pub(crate) struct Ledger {
    /// The calls of steps' handlers.
    pub(crate) calls: BTreeMap<(ExecutionId, u32), Call>,
    /// The executions whose URL somebody knows, in the order in which they learned of it.
    pub(crate) executions: Vec<ExecutionId>,
    /// The events that were sent, by their number.
    pub(crate) events: Vec<Event>,
    /// The callbacks that were sent, by their number.
    pub(crate) callbacks: Vec<Callback>,
    /// The callbacks that were recorded as ones that count, without ending the wait of their execution.
    pub(crate) counted: BTreeMap<ExecutionId, Vec<usize>>,
    /// The executions that have asked people.
    pub(crate) asking: BTreeSet<ExecutionId>,
    /// The effects of `once`.
    pub(crate) effects: BTreeMap<(ExecutionId, String), Effect>,
    /// The calls of triggers' handlers.
    pub(crate) activations: BTreeMap<ActivationId, Activation>,
    /// The calls of triggers' handlers that are under way.
    pub(crate) calling: BTreeSet<TriggerCall>,
    /// Who works on which run, by the number of the lease, where several do.
    pub(crate) workers: BTreeMap<RunId, Epoch>,
    /// The runs of bounded workflows, in line.
    pub(crate) lanes: Lanes,
    /// Runs that a person has started and was told of.
    pub(crate) by_hand: BTreeSet<RunId>,
    /// The rules that were broken.
    pub(crate) broken: Vec<String>,
}

impl Ledger {
    /// Notes what records of a run that are durable now say of the state that its executions wait with.
    pub(crate) fn note_ends(&mut self, run: RunId, entries: &[Entry]) {
        for entry in entries {
            let Entry::AttemptEnded { execution, attempt, result, .. } = entry else { continue };
            let id = ExecutionId { run, number: *execution };
            match (result, self.calls.get(&(id, *attempt))) {
                (AttemptResult::Deferred { question: Some(_), .. }, _) => drop(self.asking.insert(id)),
                (AttemptResult::NoOp { .. }, Some(Call { end: Some(End::NextState), callback, .. })) => {
                    self.counted.entry(id).or_default().extend(*callback);
                }
                _ => {}
            }
        }
    }
}

/// A call of a trigger's handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TriggerCall {
    pub(crate) activation: ActivationId,
    pub(crate) handler: &'static str,
    pub(crate) process: u32,
    /// The lease that it is made under, where several processes share the database.
    pub(crate) epoch: Option<Epoch>,
}

/// A call of a step's handler.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) handler: HandlerName,
    pub(crate) process: u32,
    pub(crate) callback: Option<usize>,
    /// `None` if it has not returned.
    pub(crate) end: Option<End>,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Outcome(&'static str),
    Exit,
    Deferred { wakes: bool },
    NoOp { wakes: bool },
    NextState,
    Rejected,
    Cancelled,
    Error { retryable: bool },
}

/// An event that was sent to a trigger.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) workflow: WorkflowId,
    pub(crate) key: Option<String>,
    pub(crate) sent: u32,
    pub(crate) answers: Vec<EventAnswer>,
}

/// What the sender of an event was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventAnswer {
    Started(RunId),
    Duplicate(RunId),
    NoOp,
    Gone,
    /// 4xx or 5xx: nothing was started.
    Refused,
    /// The database failed: it is not known whether something was started.
    Unavailable,
}

/// A callback that was sent to an execution.
#[derive(Debug)]
pub(crate) struct Callback {
    pub(crate) execution: ExecutionId,
    pub(crate) answer: Option<Answer>,
}

/// What the sender of a callback was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Recorded,
    Gone,
    Unavailable,
}

/// An effect that is to happen once.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    pub(crate) happened: u32,
    /// What `once` has returned, from when on it must not happen again.
    pub(crate) recorded: Option<u32>,
}

/// An activation as the provider sees it.
#[derive(Debug, Default)]
pub(crate) struct Activation {
    /// The processes in which `activate` and `deactivate` have succeeded.
    pub(crate) activated: Vec<u32>,
    pub(crate) deactivated: Vec<u32>,
    /// Since when it is known to accept nothing.
    pub(crate) stopped: Option<Timestamp>,
    /// The URL that it was told.
    pub(crate) url: Option<String>,
    /// The ticks that were taken, by their time.
    pub(crate) ticks: BTreeSet<Timestamp>,
}

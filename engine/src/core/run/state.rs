//! The state of a run: small, authoritative, and all that the machine remembers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::calls::Caller;
use crate::model::{Format, HandlerName, RUN_FORMAT, RecordId, RunId, RunStatus, StoredState, ValueRef};

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// The version of the form that it was read from.
    #[serde(default, skip_serializing)]
    pub format: Format<RUN_FORMAT>,
    /// How many executions there have been.
    pub executions: u32,
    /// How many bytes all configs and outcomes have.
    #[serde(default)]
    pub size: usize,
    /// Those that are not resolved, by number.
    pub live: BTreeMap<u32, Execution>,
    /// The latest value of each variable that may still be needed: `trigger`, and the steps outside of loops that have
    /// had an outcome.
    pub values: BTreeMap<String, ValueRef>,
    /// How many rounds of loops there have been.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rounds_begun: u32,
    /// The rounds of loops that are not over, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rounds: BTreeMap<u32, Round>,
    /// The joins outside of loops that have let the run go on, with their executions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub joined: BTreeMap<String, u32>,
    /// Who has called the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// What the run has come to so far, if its caller waits for it: the data of the last outcome that led nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ValueRef>,
    /// The steps that follow once the run has a place among those of its key that go on at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Vec<Place>>,
    /// A cancellation was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelling: bool,
    /// Why the run fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The steps that failed, or were cancelled because another failed: where a retry goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<Place>,
    /// The number of the first execution of the error handler, once it has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handling: Option<u32>,
    /// A step has stopped the run, with this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<RunStatus>,
    /// How long the run has been active before it last became so.
    #[serde(default, skip_serializing_if = "Duration::is_zero")]
    pub active_before: Duration,
    /// Since when it is active: it has something to do besides waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_since: Option<Timestamp>,
    /// When its time limit is reached, unless it waits before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times_out_at: Option<Timestamp>,
    /// How the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<RunStatus>,
}

/// Where a path comes to: a step, in a round of a loop or outside of loops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredPlace", into = "StoredPlace")]
pub struct Place {
    /// The step.
    pub step: String,
    /// The round.
    pub round: Option<u32>,
}

/// A place outside of loops is stored as the step alone.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredPlace {
    Outside(String),
    Within { step: String, round: u32 },
}

impl From<StoredPlace> for Place {
    fn from(stored: StoredPlace) -> Self {
        match stored {
            StoredPlace::Outside(step) => Self { step, round: None },
            StoredPlace::Within { step, round } => Self { step, round: Some(round) },
        }
    }
}

impl From<Place> for StoredPlace {
    fn from(Place { step, round }: Place) -> Self {
        match round {
            None => Self::Outside(step),
            Some(round) => Self::Within { step, round },
        }
    }
}

/// A round of a loop that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The loop's execution.
    pub of: u32,
    /// Counts the rounds of the loop, from 0.
    pub index: u32,
    /// The values of the steps that have had an outcome in this round, as far as they may still be needed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, ValueRef>,
    /// The joins that have let this round go on, with their executions.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub joined: BTreeMap<String, u32>,
    /// The data of the last outcome that led nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ValueRef>,
    /// The round has failed, and its loop goes on all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub failed: bool,
}

/// How far a loop has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// How many rounds have begun.
    pub begun: u32,
    /// How many rounds there are at most.
    pub most: u32,
    /// How many may go on at once.
    pub at_once: u32,
    /// Whether the loop goes on when a round fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub collects_errors: bool,
    /// The result of each round that is over, as record and entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<u32, Option<(i64, u16)>>,
    /// The loop ends with this outcome when its rounds are over, and begins no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<String>,
}

/// What a join waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathering {
    /// The steps that have led to it, in order of arrival.
    pub arrived: Vec<String>,
    /// How many must arrive; none for all that can.
    pub needed: Option<u32>,
    /// Whether the others are cancelled then.
    pub cancels_others: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A live execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// The step's id.
    pub step: String,
    /// The round of the loop that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// Where the config is.
    pub config: ValueRef,
    /// How many attempts have started.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// How often the current call has failed and is to be tried again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// How often in a row the current call was interrupted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub interruptions: u32,
    /// When it must be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<Timestamp>,
    /// The state that it deferred with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deferred: Option<Sealed>,
    /// Where the end of the attempt is that asked people a question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<ValueRef>,
    /// When `wake` is to be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
    /// Why it is being given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teardown: Option<Cause>,
    /// What it is doing.
    pub phase: Phase,
}

/// What a live execution is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A call is to be made at a time, or as soon as there is a slot.
    Ready {
        /// The call.
        call: Call,
        /// Not before this time.
        at: Timestamp,
    },
    /// A handler is running.
    Running {
        /// The call.
        call: Call,
    },
    /// It is deferred.
    Waiting,
    /// A workflow is to be called, at a time.
    Calling {
        /// Not before this time.
        at: Timestamp,
    },
    /// It waits for the end of the run that it has called.
    Called {
        /// The run.
        run: RunId,
    },
    /// It is a join that waits for other paths.
    Gathering(Gathering),
    /// It is a loop whose rounds go on.
    Looping(Progress),
}

/// A call of a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `execute`.
    Execute,
    /// `finish`.
    Finish {
        /// The callback's record.
        callback: RecordId,
    },
    /// `wake`.
    Wake,
    /// `cancel`.
    Cancel,
}

impl Call {
    /// The handler.
    pub const fn handler(self) -> HandlerName {
        match self {
            Self::Execute => HandlerName::Execute,
            Self::Finish { .. } => HandlerName::Finish,
            Self::Wake => HandlerName::Wake,
            Self::Cancel => HandlerName::Cancel,
        }
    }
}

/// Why an execution is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A step has stopped the run.
    RunStopped,
    /// Its round of a loop has failed.
    RoundFailed,
    /// Another path was first.
    Lost,
    /// The run was cancelled.
    RunCancelled,
    /// Another step failed the run.
    RunFailed,
    /// Its deadline passed.
    Deadline,
}

/// A private value, encrypted before the machine sees it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Sealed")
    }
}

impl From<Sealed> for String {
    fn from(sealed: Sealed) -> Self {
        STANDARD.encode(sealed.0)
    }
}

impl TryFrom<String> for Sealed {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        STANDARD.decode(text).map(Self)
    }
}

/// Whether an execution takes the next callback of its inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// At once: it is waiting, or it never will be again.
    Now,
    /// Later: an attempt is running or about to.
    Later,
}

impl StoredState for RunState {
    const FORMAT: u32 = RUN_FORMAT;

    /// An engine of format 1 would forget who has called the run and whom a step asks.
    fn format(&self) -> u32 {
        let calls = self.caller.is_some() || self.result.is_some();
        let calls_or_asks = |it: &Execution| it.is_call() || it.question.is_some();
        if calls || self.live.values().any(calls_or_asks) { 2 } else { 1 }
    }
}

impl RunState {
    /// Whether callbacks to this execution are accepted. If not, its URL answers 410.
    pub fn accepts_callback(&self, execution: u32) -> bool {
        self.ended.is_none()
            && self
                .live
                .get(&execution)
                .is_some_and(|it| it.teardown.is_none() && !it.is_control() && !it.is_call())
    }

    /// Whether this execution takes a callback now that came at a time. One that is resolved does, to record it
    /// as unused; one whose wake time came before the callback is woken first.
    pub fn takes(&self, execution: u32, at: Timestamp) -> Takes {
        match self.live.get(&execution) {
            Some(Execution {
                teardown: None, phase: Phase::Ready { .. } | Phase::Running { .. }, ..
            }) => Takes::Later,
            Some(Execution { teardown: None, wake_at: Some(wake), deadline_at, .. })
                if *wake < at && deadline_at.is_none_or(|deadline| *wake <= deadline) =>
            {
                Takes::Later
            }
            _ => Takes::Now,
        }
    }

    /// Where the run stands.
    pub fn status(&self) -> RunStatus {
        if let Some(status) = self.ended {
            status
        } else if self.cancelling {
            RunStatus::Cancelling
        } else if self.queued.is_some() {
            RunStatus::Queued
        } else if self.live.values().all(|execution| !execution.is_active()) {
            RunStatus::Waiting
        } else if self.live.values().all(|execution| execution.attempts == 0)
            && self.executions as usize == self.live.len()
        {
            RunStatus::Queued
        } else {
            RunStatus::Running
        }
    }

    /// The attempts that are running, by execution.
    pub fn running(&self) -> impl Iterator<Item = u32> + '_ {
        self.live
            .iter()
            .filter(|(_, execution)| matches!(execution.phase, Phase::Running { .. }))
            .map(|(number, _)| *number)
    }

    /// The executions with an attempt that is due, by number.
    pub fn ready(&self, now: Timestamp) -> impl Iterator<Item = (u32, &Execution)> + '_ {
        let ready =
            move |execution: &Execution| matches!(execution.phase, Phase::Ready { at, .. } if at <= now);
        self.live.iter().map(|(number, execution)| (*number, execution)).filter(move |(_, it)| ready(it))
    }

    /// When [`Tick`](super::Event::Tick) next has something to do. `None` if only a callback, a person or the
    /// end of a running attempt can move the run.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.times().min()
    }

    /// As [`due_at`](Self::due_at), leaving out what was due before or is due now.
    pub fn due_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.times().filter(|time| *time > now).min()
    }

    fn times(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.live.values().flat_map(Execution::times).chain(self.times_out_at)
    }

    /// The values that the next decision may need, given the variables that the version refers to.
    pub fn needed<'a>(&'a self, references: &'a BTreeSet<String>) -> impl Iterator<Item = ValueRef> + 'a {
        let scopes = std::iter::once(&self.values).chain(self.rounds.values().map(|round| &round.values));
        let variables =
            scopes.flatten().filter(|(name, _)| references.contains(*name)).map(|(_, place)| *place);
        let results = self.live.values().filter_map(Execution::progress).flat_map(|progress| {
            progress
                .results
                .values()
                .flatten()
                .map(|(record, entry)| ValueRef { record: RecordId(*record), entry: *entry })
        });
        let open = self.rounds.values().filter_map(|round| round.result);
        let configs = self.live.values().map(|execution| execution.config);
        variables.chain(results).chain(open).chain(configs).chain(self.result)
    }
}

impl Execution {
    /// Whether the core carries it out itself.
    pub fn is_control(&self) -> bool {
        matches!(self.phase, Phase::Gathering(_) | Phase::Looping(_))
    }

    /// Whether it calls a workflow.
    pub fn is_call(&self) -> bool {
        matches!(self.phase, Phase::Calling { .. } | Phase::Called { .. })
    }

    /// Whether it has something to do besides waiting.
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Ready { .. } | Phase::Running { .. } | Phase::Calling { .. })
    }

    /// How far it has come, if it is a loop.
    pub fn progress(&self) -> Option<&Progress> {
        match &self.phase {
            Phase::Looping(progress) => Some(progress),
            _ => None,
        }
    }

    /// The times at which it has something to do.
    fn times(&self) -> impl Iterator<Item = Timestamp> + use<> {
        let deadline = self.deadline_at.filter(|_| self.teardown.is_none());
        let times = match &self.phase {
            Phase::Running { .. } | Phase::Gathering(_) | Phase::Looping(_) => [None, None],
            Phase::Ready { at, .. } | Phase::Calling { at } => [Some(*at), deadline],
            Phase::Called { .. } => [deadline, None],
            Phase::Waiting => [self.wake_at, deadline],
        };
        times.into_iter().flatten()
    }
}

//! The state of a run: small, authoritative, and all that the machine remembers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{HandlerName, RecordId, RunStatus, ValueRef};

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// How many executions there have been.
    pub executions: u32,
    /// How many bytes all configs and outcomes have.
    #[serde(default)]
    pub size: usize,
    /// Those that are not resolved, by number.
    pub live: BTreeMap<u32, Execution>,
    /// The latest value of each variable: `trigger`, and the steps that have had an outcome.
    pub values: BTreeMap<String, ValueRef>,
    /// The steps that follow once the run has a place among those of its key that go on at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued: Option<Vec<String>>,
    /// A cancellation was asked for.
    #[serde(default)]
    pub cancelling: bool,
    /// Why the run fails.
    #[serde(default)]
    pub failure: Option<String>,
    /// The steps that failed, or were cancelled because another failed: where a retry goes on.
    #[serde(default)]
    pub unfinished: Vec<String>,
    /// How the run ended.
    #[serde(default)]
    pub ended: Option<RunStatus>,
}

/// A live execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// The step's id.
    pub step: String,
    /// Where the config is.
    pub config: ValueRef,
    /// How many attempts have started.
    #[serde(default)]
    pub attempts: u32,
    /// How often the current call has failed and is to be tried again.
    #[serde(default)]
    pub failures: u32,
    /// How often in a row the current call was interrupted.
    #[serde(default)]
    pub interruptions: u32,
    /// When it must be done.
    #[serde(default)]
    pub deadline_at: Option<Timestamp>,
    /// The state that it deferred with.
    #[serde(default)]
    pub deferred: Option<Sealed>,
    /// When `wake` is to be called.
    #[serde(default)]
    pub wake_at: Option<Timestamp>,
    /// Why it is being given up.
    #[serde(default)]
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

impl RunState {
    /// Whether callbacks to this execution are accepted. If not, its URL answers 410.
    pub fn accepts_callback(&self, execution: u32) -> bool {
        self.ended.is_none()
            && self.live.get(&execution).is_some_and(|execution| execution.teardown.is_none())
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
        } else if self.live.values().all(|execution| execution.phase == Phase::Waiting) {
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

    /// When [`Tick`](super::Event::Tick) next has something to do. `None` if only a callback, a person or the
    /// end of a running attempt can move the run.
    pub fn due_at(&self) -> Option<Timestamp> {
        self.live.values().filter_map(Execution::due_at).min()
    }
}

impl Execution {
    fn due_at(&self) -> Option<Timestamp> {
        let deadline = self.deadline_at.filter(|_| self.teardown.is_none());
        match (&self.phase, deadline) {
            (Phase::Running { .. }, _) => None,
            (Phase::Ready { at, .. }, Some(deadline)) => Some((*at).min(deadline)),
            (Phase::Ready { at, .. }, None) => Some(*at),
            (Phase::Waiting, deadline) => [deadline, self.wake_at].into_iter().flatten().min(),
        }
    }
}

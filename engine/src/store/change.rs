//! The changes of a store, as they wait to be committed together.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Callback, Draft, OnceValue, OperationRow, PlaceChange, RunChange, StartRun, Started, WorkflowChange,
};
use crate::model::{RecordId, RunId, VersionId, WorkflowId};

/// A change that waits for its commit.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Draft(Draft),
    Workflow(WorkflowChange),
    Start(Box<StartRun>),
    Run(Box<RunChange>),
    Callback(Callback),
    Once(OnceValue),
    Token {
        hash: [u8; 32],
        name: String,
        now: Timestamp,
    },
    /// Takes over runs whose process has died.
    Adopt {
        limit: usize,
        /// The versions whose runs are left to others.
        left: Vec<VersionId>,
    },
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Done,
    /// Its guard failed: it has left no trace.
    Refused,
    Started(Started),
    Adopted(Vec<RunId>),
    Operations(Vec<OperationRow>),
    /// How many rows it has changed.
    Count(usize),
}

impl Change {
    /// What is tried, for error messages.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Draft(_) => "storing the draft",
            Self::Workflow(_) => "storing the workflow's state",
            Self::Start(_) => "storing the new run",
            Self::Run(_) => "storing the run's state",
            Self::Callback(_) => "storing the callback",
            Self::Once(_) => "storing the value of `once`",
            Self::Token { .. } => "storing the token",
            Self::Adopt { .. } => "taking runs over",
        }
    }

    /// Whether it comes so seldom that it has statements of its own.
    pub(super) fn is_rare(&self) -> bool {
        matches!(self, Self::Draft(_) | Self::Workflow(_) | Self::Token { .. } | Self::Adopt { .. })
    }

    /// Whether it queues a run in a lane, or takes one out of it.
    pub(super) fn touches_lane(&self) -> bool {
        match self {
            Self::Start(start) => start.lane.is_some(),
            Self::Run(change) => {
                matches!(change.place, PlaceChange::Queue(_) | PlaceChange::Leave)
                    || change.called.iter().any(|start| start.lane.is_some())
            }
            _ => false,
        }
    }

    /// The workflow whose row it changes.
    pub(super) fn workflow(&self) -> Option<&WorkflowId> {
        match self {
            Self::Draft(draft) => Some(&draft.id),
            Self::Workflow(change) => Some(&change.id),
            _ => None,
        }
    }

    /// The record that it adds to the journal of a run that exists.
    pub(super) fn record(&self) -> Option<RecordId> {
        match self {
            Self::Run(change) => {
                let arrived = change.arrival.as_ref().map(|arrival| &arrival.record);
                change.record.as_ref().or(arrived).map(|record| record.id)
            }
            Self::Callback(callback) => Some(callback.record.id),
            _ => None,
        }
    }

    /// Whether its record is one of these.
    pub(super) fn is_among(&self, records: &BTreeSet<RecordId>) -> bool {
        self.record().is_some_and(|record| records.contains(&record))
    }
}

/// A time as a database keeps it: microseconds since 1970.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A limit as a database takes it.
pub(super) fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// As [`micros`], rounded up: what is due in the database is due by the exact time as well.
pub(super) fn due_micros(time: Timestamp) -> i64 {
    let micros = time.as_microsecond();
    if time.as_nanosecond() > i128::from(micros) * 1000 { micros + 1 } else { micros }
}

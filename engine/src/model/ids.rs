//! Ids, each a type of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct UnknownId {
    text: String,
    expected: &'static str,
}

/// A workflow: chosen by its author, as the stem of its file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkflowId(pub String);

impl fmt::Display for WorkflowId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $expected:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = UnknownId;

            fn from_str(text: &str) -> Result<Self, UnknownId> {
                text.parse().map(Self).map_err(|_| UnknownId { text: text.to_owned(), expected: $expected })
            }
        }
    };
}

uuid_id!(
    /// A version of a workflow: an immutable copy of the draft, made by each enable.
    VersionId, "a version's id"
);
uuid_id!(
    /// An activation of a version's trigger.
    ActivationId, "an activation's id"
);
uuid_id!(
    /// A run. A UUID of version 7, so that runs are ordered by their start.
    RunId, "a run's id"
);
uuid_id!(
    /// An operation on all runs that a filter selects. A UUID of version 7, so that operations are ordered by their start.
    OperationId, "an operation's id"
);

/// A process on a database, under one lease: a process that takes another lease has another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub i64);

/// An execution: the `number`-th visit of a run to a step. Written `run.number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ExecutionId {
    /// The run.
    #[serde(rename = "run_id")]
    pub run: RunId,
    /// Counts the executions of the run, from 1.
    pub number: u32,
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.run, self.number)
    }
}

/// A journal record. Ids are given out in time order, with gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(pub i64);

/// A value, as the place in the journal where it is stored: the `entry`-th entry of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ValueRef {
    /// The record.
    pub record: RecordId,
    /// The entry within the record, from 0.
    pub entry: u16,
}

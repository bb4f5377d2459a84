//! The journal of a run: what happened, for reading. It is never replayed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use stepwell::question::Question;
use stepwell::step::WaitingFor;

use super::{ActivationId, ExecutionId, RecordId, RunId, RunStatus, VersionId, WorkflowId};

/// The newest version of the journal's form; each record carries the oldest in which all of its entries can be read.
pub const JOURNAL_FORMAT: u32 = 2;

/// A handler of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandlerName {
    /// `execute`.
    Execute,
    /// `finish`.
    Finish,
    /// `wake`.
    Wake,
    /// `cancel`.
    Cancel,
}

/// One thing that happened to a run. One commit records one or more of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// The run began with this outcome of its trigger.
    RunStarted {
        /// The activation that received the event; none if the run was started by hand.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activation: Option<ActivationId>,
        /// The trigger's outcome.
        outcome: String,
        /// Its data: the value of the variable `trigger`.
        data: Value,
        /// The run that this one goes through again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Origin>,
        /// The execution that called this run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caller: Option<ExecutionId>,
    },
    /// A step's data was taken over from the run that this one goes through again.
    ValueCarriedOver {
        /// The step.
        step: String,
        /// The data: the value of its variable.
        data: Value,
    },
    /// The run was queued, and has a place now among those of its key that go on at once.
    RunAdmitted,
    /// The run came to a step.
    ExecutionStarted {
        /// The execution's number within the run.
        execution: u32,
        /// The step's id.
        step: String,
        /// The step's block.
        block: String,
        /// The round of the loop that it belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        round: Option<u32>,
        /// The config with its variables resolved, which every handler of the execution receives.
        config: Value,
    },
    /// A round of a loop began.
    RoundStarted {
        /// The round's number within the run.
        round: u32,
        /// The loop's execution.
        execution: u32,
        /// Counts the rounds of the loop, from 0.
        index: u32,
    },
    /// A round failed, and its loop goes on all the same.
    RoundFailed {
        /// The round's number.
        round: u32,
        /// The round's result: the step that failed and why.
        data: Value,
    },
    /// A path came to a join.
    Arrived {
        /// The join's execution.
        execution: u32,
        /// The step that led to it.
        from: String,
        /// Whether the join had let the run go on before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        late: bool,
    },
    /// A join, a loop or another step that the core carries out itself had an outcome.
    ExecutionCompleted {
        /// The execution's number.
        execution: u32,
        /// The outcome's id.
        outcome: String,
        /// Its data: the value of the step's variable.
        data: Value,
    },
    /// The execution called a workflow: this run of it began in the same commit.
    WorkflowCalled {
        /// The execution's number.
        execution: u32,
        /// The run.
        #[serde(rename = "run_id")]
        run: RunId,
        /// Its workflow.
        #[serde(rename = "workflow_id")]
        workflow: WorkflowId,
        /// The version that was enabled.
        #[serde(rename = "workflow_version_id")]
        version: VersionId,
    },
    /// A run that the execution has called ended, and says how.
    CallAnswered {
        /// The execution's number.
        execution: u32,
        /// The run.
        #[serde(rename = "run_id")]
        run: RunId,
        /// How it ended.
        answer: CallAnswer,
    },
    /// The run that called this one gives it up: it is to be cancelled.
    CallGivenUp,
    /// The run failed, and its error handler began.
    ErrorHandlerStarted {
        /// The value of the variable `error`.
        data: Value,
    },
    /// A handler was called.
    AttemptStarted {
        /// The execution's number.
        execution: u32,
        /// Counts the attempts of the execution, from 1.
        attempt: u32,
        /// The handler.
        handler: HandlerName,
        /// The callback that `finish` was called with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        callback: Option<RecordId>,
        /// The release of the block's crate, its name and version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        release: Option<String>,
    },
    /// A handler has returned, or was interrupted.
    AttemptEnded {
        /// The execution's number.
        execution: u32,
        /// The attempt's number.
        attempt: u32,
        /// The handler.
        handler: HandlerName,
        /// What came of it.
        result: AttemptResult,
    },
    /// A callback came to the execution's URL.
    CallbackReceived {
        /// The execution's number.
        execution: u32,
        /// The request.
        request: CallbackRequest,
    },
    /// A callback will not be handed to `finish`.
    CallbackUnused {
        /// The execution's number.
        execution: u32,
        /// The record of the callback.
        callback: RecordId,
        /// Why.
        reason: Unused,
    },
    /// The step's deadline passed; the run follows the edge `deadline`.
    DeadlinePassed {
        /// The execution's number.
        execution: u32,
    },
    /// The execution failed without a handler's fault: a variable that cannot be resolved, a missing block.
    ExecutionFailed {
        /// The execution's number.
        execution: u32,
        /// What went wrong.
        message: String,
    },
    /// The execution was cancelled.
    ExecutionCancelled {
        /// The execution's number.
        execution: u32,
    },
    /// Somebody asked to cancel the run.
    CancelRequested,
    /// Somebody asked to try the failed steps again.
    RetryRequested,
    /// The run ended.
    RunEnded {
        /// How.
        status: RunStatus,
        /// Why it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
}

impl Entry {
    /// The oldest format that has it. A field that an older engine passes over needs none of its own.
    const fn format(&self) -> u32 {
        match self {
            Self::WorkflowCalled { .. } | Self::CallAnswered { .. } | Self::CallGivenUp => 2,
            _ => 1,
        }
    }
}

/// The run that another goes through again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The run.
    #[serde(rename = "run_id")]
    pub run: RunId,
    /// The step that the other began with; none for the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// How a run that was called ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum CallAnswer {
    /// It is done.
    Completed {
        /// What `core/stop` gave, or the data of the last outcome that led nowhere; null if there was none.
        result: Value,
    },
    /// It failed.
    Failed {
        /// Why.
        message: String,
    },
    /// It was cancelled.
    Cancelled,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum AttemptResult {
    /// The step is done.
    Outcome {
        /// The outcome's id.
        outcome: String,
        /// Its data: the value of the step's variable.
        data: Value,
    },
    /// The path ends without an outcome.
    Exit,
    /// The execution waits for a callback.
    Deferred {
        /// For what, in words for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waiting_for: Option<WaitingFor>,
        /// When `wake` will be called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wake_at: Option<Timestamp>,
        /// What people are asked meanwhile.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        question: Option<Box<Question>>,
    },
    /// `finish` or `wake` goes on waiting.
    NoOp {
        /// When `wake` will be called again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wake_at: Option<Timestamp>,
    },
    /// `finish` refused the callback.
    Rejected {
        /// Why.
        message: String,
    },
    /// `cancel` is done.
    Cancelled,
    /// The handler failed.
    Error {
        /// What went wrong.
        message: String,
        /// Whether it will be called again.
        retryable: bool,
    },
    /// The engine died or the time limit passed while the handler ran.
    Interrupted {
        /// Which of the two.
        message: String,
        /// Whether it is not attempted again.
        #[serde(default)]
        given_up: bool,
    },
}

/// Why a callback was not handed to `finish`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unused {
    /// The execution was resolved before.
    Resolved,
    /// The execution or its run was cancelled.
    Cancelled,
    /// The deadline came first.
    Deadline,
    /// The block waits for a time only: it has no `finish`.
    NoHandler,
}

/// A callback's request, as it is recorded: without `Authorization`, `Cookie` and `Referer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackRequest {
    /// The method.
    pub method: String,
    /// The query, without the question mark.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// The headers, in order; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, base64.
    pub body: String,
    /// The person whose link it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<u32>,
}

/// So many bytes most records have at most.
const USUAL_RECORD: usize = 1024;

/// The stored form of a record's entries.
#[derive(Serialize, Deserialize)]
struct Stored<T> {
    format: u32,
    entries: T,
}

/// Entries as the journal stores them: JSON, with the oldest version of their form that has them all.
pub fn encode_entries(entries: &[Entry]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(USUAL_RECORD);
    let format = entries.iter().map(Entry::format).max().unwrap_or(1);
    serde_json::to_writer(&mut stored, &Stored { format, entries })
        .expect("entries are JSON values, strings and numbers only");
    stored
}

/// Entries from the journal.
///
/// # Errors
///
/// When the record is damaged, or was written by a newer engine.
pub fn decode_entries(body: &[u8]) -> Result<Vec<Entry>, UnreadableRecord> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let damaged = match serde_json::from_slice::<Stored<Vec<Entry>>>(body) {
        Ok(Stored { format: ..=JOURNAL_FORMAT, entries }) => return Ok(entries),
        Ok(Stored { format, .. }) => return Err(UnreadableRecord::Newer { format }),
        Err(damaged) => damaged,
    };
    match serde_json::from_slice(body) {
        Ok(Format { format }) if format > JOURNAL_FORMAT => Err(UnreadableRecord::Newer { format }),
        _ => Err(damaged.into()),
    }
}

/// Why a journal record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableRecord {
    /// It is not what this engine writes.
    #[error("the journal record is damaged")]
    Damaged(#[from] serde_json::Error),
    /// A newer engine has written it.
    #[error(
        "the journal record has format {format}, and this engine reads up to {JOURNAL_FORMAT}; use a newer engine"
    )]
    Newer {
        /// The record's format.
        format: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_the_oldest_format_that_has_its_entries() {
        for (entries, format) in [
            (vec![Entry::RunAdmitted], 1),
            (vec![Entry::RunAdmitted, Entry::CallGivenUp, Entry::CancelRequested], 2),
            (Vec::new(), 1),
        ] {
            let stored = encode_entries(&entries);
            let json: Value = serde_json::from_slice(&stored).unwrap();
            assert_eq!(json["format"], format);
            assert_eq!(decode_entries(&stored).unwrap(), entries);
        }
    }

    #[test]
    fn a_record_of_a_newer_format_is_named_whatever_it_holds() {
        for entries in [r#"[{"kind":"unheard_of"}]"#, "[]", "7"] {
            let stored = format!(r#"{{"format":{},"entries":{entries}}}"#, JOURNAL_FORMAT + 1);
            let error = decode_entries(stored.as_bytes()).unwrap_err();
            assert!(matches!(error, UnreadableRecord::Newer { format } if format == JOURNAL_FORMAT + 1));
        }
        let damaged = decode_entries(br#"{"format":1,"entries":[{"kind":"unheard_of"}]}"#);
        assert!(matches!(damaged, Err(UnreadableRecord::Damaged(_))));
    }
}

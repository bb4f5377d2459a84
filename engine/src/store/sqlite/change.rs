//! The changes, each within the transaction that the writer has open. A guard is checked before anything of its
//! change is written, so that a refused change leaves no trace.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::{due_micros, micros, run_id};
use crate::model::RunId;
use crate::store::{Callback, Draft, Record, RunChange, StartRun, Started, WorkflowChange};

/// What came of a guarded change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guarded {
    Done,
    Refused,
}

/// A change for the writer.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Draft(Draft),
    Workflow(WorkflowChange),
    Start(Box<StartRun>),
    Run(Box<RunChange>),
    Callback(Callback),
    Once {
        run: RunId,
        execution: u32,
        name: String,
        value: Vec<u8>,
    },
    Token {
        hash: [u8; 32],
        name: String,
        now: Timestamp,
    },
    /// Changes nothing: asks the writer for its settings.
    Settings,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Guarded(Guarded),
    Started(Started),
    Settings { journal_mode: String, synchronous: i64 },
}

impl Change {
    /// Carries the change out.
    pub(super) fn apply(&self, connection: &Connection, epoch: i64) -> rusqlite::Result<Answer> {
        match self {
            Self::Draft(draft) => put_draft(connection, draft).map(done),
            Self::Workflow(change) => commit_workflow(connection, change).map(Answer::Guarded),
            Self::Start(start) => start_run(connection, start, epoch).map(Answer::Started),
            Self::Run(change) => commit_run(connection, change, epoch).map(Answer::Guarded),
            Self::Callback(callback) => append_callback(connection, callback).map(Answer::Guarded),
            Self::Once { run, execution, name, value } => {
                record_once(connection, *run, *execution, (name, value), epoch).map(Answer::Guarded)
            }
            Self::Token { hash, name, now } => put_token(connection, *hash, name, *now).map(done),
            Self::Settings => Ok(Answer::Settings {
                journal_mode: connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?,
                synchronous: connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?,
            }),
        }
    }

    /// What is tried, for error messages.
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Draft(_) => "storing the draft",
            Self::Workflow(_) => "storing the workflow's state",
            Self::Start(_) => "storing the new run",
            Self::Run(_) => "storing the run's state",
            Self::Callback(_) => "storing the callback",
            Self::Once { .. } => "storing the value of `once`",
            Self::Token { .. } => "storing the token",
            Self::Settings => "reading the settings",
        }
    }
}

fn done((): ()) -> Answer {
    Answer::Guarded(Guarded::Done)
}

fn put_draft(connection: &Connection, draft: &Draft) -> rusqlite::Result<()> {
    let sql = "INSERT INTO workflows (id, title, draft, state, sequence, created_at, updated_at)
        VALUES (?1, ?2, ?3, x'', 0, ?4, ?4)
        ON CONFLICT (id) DO UPDATE SET title = excluded.title, draft = excluded.draft, updated_at = excluded.updated_at";
    let Draft { id, title, definition, now } = draft;
    connection.prepare_cached(sql)?.execute(params![id.0, title, definition, micros(*now)])?;
    Ok(())
}

fn commit_workflow(connection: &Connection, change: &WorkflowChange) -> rusqlite::Result<Guarded> {
    let sql = "UPDATE workflows SET state = ?3, sequence = sequence + 1 WHERE id = ?1 AND sequence = ?2";
    let changed =
        connection.prepare_cached(sql)?.execute(params![change.id.0, change.sequence, change.state])?;
    if changed == 0 {
        return Ok(Guarded::Refused);
    }
    if let Some(version) = &change.version {
        let sql =
            "INSERT INTO versions (id, workflow, number, definition, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        connection.prepare_cached(sql)?.execute(params![
            version.id.0,
            version.workflow.0,
            version.number,
            version.definition,
            micros(version.created_at)
        ])?;
    }
    for row in &change.activations {
        let sql = "INSERT INTO activations (id, workflow, version, status, accepts, registration, error)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            ON CONFLICT (id) DO UPDATE SET status = excluded.status, accepts = excluded.accepts,
                registration = excluded.registration, error = excluded.error";
        connection.prepare_cached(sql)?.execute(params![
            row.id.0,
            row.workflow.0,
            row.version.0,
            row.status.as_str(),
            row.accepts,
            row.registration,
            row.error
        ])?;
    }
    Ok(Guarded::Done)
}

fn start_run(connection: &Connection, start: &StartRun, epoch: i64) -> rusqlite::Result<Started> {
    if let Some(activation) = start.activation {
        let sql = "SELECT accepts FROM activations WHERE id = ?1";
        let accepts: Option<bool> =
            connection.prepare_cached(sql)?.query_row([activation.0], |row| row.get(0)).optional()?;
        if accepts != Some(true) {
            return Ok(Started::Gone);
        }
    }
    let run = &start.run;
    if let Some(key) = &start.dedupe {
        let sql = "SELECT run FROM dedupe WHERE workflow = ?1 AND key = ?2";
        let first =
            connection.prepare_cached(sql)?.query_row(params![run.workflow.0, key], run_id).optional()?;
        if let Some(first) = first {
            return Ok(Started::Duplicate(first));
        }
        let sql = "INSERT INTO dedupe (workflow, key, run, at) VALUES (?1, ?2, ?3, ?4)";
        connection.prepare_cached(sql)?.execute(params![
            run.workflow.0,
            key,
            run.id.0,
            micros(run.created_at)
        ])?;
    }
    let sql = "INSERT INTO runs
        (id, workflow, version, status, state, sequence, head, due_at, owner, created_at, finished_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    connection.prepare_cached(sql)?.execute(params![
        run.id.0,
        run.workflow.0,
        run.version.0,
        run.status.as_str(),
        run.state,
        run.sequence,
        start.record.id.0,
        run.due_at.map(due_micros),
        start.owned.then_some(epoch),
        micros(run.created_at),
        run.finished_at.map(micros)
    ])?;
    append(connection, &start.record, None)?;
    Ok(Started::Created)
}

fn commit_run(connection: &Connection, change: &RunChange, epoch: i64) -> rusqlite::Result<Guarded> {
    let Some(head) = head_at(connection, change.id, change.sequence)? else { return Ok(Guarded::Refused) };
    let sql = "UPDATE runs SET status = ?2, state = ?3, sequence = sequence + 1, head = ?4, due_at = ?5, owner = ?6,
        finished_at = ?7 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        change.id.0,
        change.status.as_str(),
        change.state,
        change.record.as_ref().map_or(head, |record| record.id.0),
        change.due_at.map(due_micros),
        change.owned.then_some(epoch),
        change.finished_at.map(micros)
    ])?;
    if let Some(record) = &change.record {
        append(connection, record, Some(head))?;
    }
    for taken in &change.taken {
        let sql = "DELETE FROM inbox WHERE run = ?1 AND record = ?2";
        connection.prepare_cached(sql)?.execute(params![change.id.0, taken.0])?;
    }
    Ok(Guarded::Done)
}

fn append_callback(connection: &Connection, callback: &Callback) -> rusqlite::Result<Guarded> {
    let record = &callback.record;
    let Some(head) = head_at(connection, record.run, callback.sequence)? else { return Ok(Guarded::Refused) };
    append(connection, record, Some(head))?;
    connection
        .prepare_cached("UPDATE runs SET head = ?2 WHERE id = ?1")?
        .execute(params![record.run.0, record.id.0])?;
    let sql = "INSERT INTO inbox (run, record, execution, at) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![
        record.run.0,
        record.id.0,
        callback.execution,
        micros(record.at)
    ])?;
    Ok(Guarded::Done)
}

/// The newest record of a run, if the run is at this sequence.
fn head_at(connection: &Connection, run: RunId, sequence: i64) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT head FROM runs WHERE id = ?1 AND sequence = ?2";
    connection.prepare_cached(sql)?.query_row(params![run.0, sequence], |row| row.get(0)).optional()
}

fn append(connection: &Connection, record: &Record, previous: Option<i64>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO journal (id, run, previous, at, body) VALUES (?1, ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![
        record.id.0,
        record.run.0,
        previous,
        micros(record.at),
        record.body
    ])?;
    Ok(())
}

fn record_once(
    connection: &Connection,
    run: RunId,
    execution: u32,
    (name, value): (&str, &[u8]),
    epoch: i64,
) -> rusqlite::Result<Guarded> {
    let sql = "SELECT 1 FROM runs WHERE id = ?1 AND owner = ?2";
    if !connection.prepare_cached(sql)?.exists(params![run.0, epoch])? {
        return Ok(Guarded::Refused);
    }
    let sql = "INSERT INTO once (run, execution, name, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![run.0, execution, name, value])?;
    Ok(Guarded::Done)
}

fn put_token(connection: &Connection, hash: [u8; 32], name: &str, now: Timestamp) -> rusqlite::Result<()> {
    let sql = "INSERT INTO tokens (hash, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![hash.as_slice(), name, micros(now)])?;
    Ok(())
}

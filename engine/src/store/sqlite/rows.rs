//! Rows, read.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Error, Row};

use crate::model::{ActivationId, RecordId, RunId, VersionId, WorkflowId};
use crate::store::columns;
use crate::store::{ActivationRow, Addressee, InboxEntry, Record, RunRow, VersionRow, WorkflowRow};

pub(super) fn run_id(row: &Row<'_>) -> rusqlite::Result<RunId> {
    row.get(0).map(RunId)
}

/// Of [`RUN`](crate::store::columns::RUN).
pub(super) fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        id: RunId(row.get(0)?),
        workflow: WorkflowId(row.get(1)?),
        version: VersionId(row.get(2)?),
        status: parsed(row, 3)?,
        state: row.get(4)?,
        sequence: row.get(5)?,
        due_at: optional_time(row, 6)?,
        created_at: time(row, 7)?,
        finished_at: optional_time(row, 8)?,
        parent: row.get::<_, Option<_>>(9)?.map(RunId),
        set_aside: columns::is_set_aside(row.get(10)?),
    })
}

/// Of [`addressee`](crate::store::columns::addressee).
pub(super) fn addressee(row: &Row<'_>) -> rusqlite::Result<Addressee> {
    let (head, inbox_empty) = (RecordId(row.get(11)?), row.get(12)?);
    Ok(Addressee { run: run(row)?, head, inbox_empty, records: Vec::new() })
}

/// Of [`WORKFLOW`](crate::store::columns::WORKFLOW).
pub(super) fn workflow(row: &Row<'_>) -> rusqlite::Result<WorkflowRow> {
    Ok(WorkflowRow {
        id: WorkflowId(row.get(0)?),
        title: row.get(1)?,
        draft: row.get(2)?,
        state: row.get(3)?,
        sequence: row.get(4)?,
        created_at: time(row, 5)?,
        updated_at: time(row, 6)?,
    })
}

/// Of [`VERSION`](crate::store::columns::VERSION).
pub(super) fn version(row: &Row<'_>) -> rusqlite::Result<VersionRow> {
    Ok(VersionRow {
        id: VersionId(row.get(0)?),
        workflow: WorkflowId(row.get(1)?),
        number: row.get(2)?,
        definition: row.get(3)?,
        created_at: time(row, 4)?,
    })
}

/// Of [`ACTIVATION`](crate::store::columns::ACTIVATION).
pub(super) fn activation(row: &Row<'_>) -> rusqlite::Result<ActivationRow> {
    Ok(ActivationRow {
        id: ActivationId(row.get(0)?),
        workflow: WorkflowId(row.get(1)?),
        version: VersionId(row.get(2)?),
        status: parsed(row, 3)?,
        accepts: row.get(4)?,
        registration: row.get(5)?,
        error: row.get(6)?,
    })
}

/// Of the columns `id, run, at, body`.
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record { id: RecordId(row.get(0)?), run: RunId(row.get(1)?), at: time(row, 2)?, body: row.get(3)? })
}

/// Of the columns `record, execution, at`, and whether it is postponed.
pub(super) fn inbox_entry(row: &Row<'_>) -> rusqlite::Result<InboxEntry> {
    Ok(InboxEntry {
        record: RecordId(row.get(0)?),
        execution: row.get(1)?,
        at: time(row, 2)?,
        postponed: row.get(3)?,
    })
}

fn parsed<T: std::str::FromStr<Err = String>>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: String| Error::FromSqlConversionFailure(column, Type::Text, error.into()))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_microsecond(row.get(column)?)
        .map_err(|error| Error::FromSqlConversionFailure(column, Type::Integer, error.into()))
}

pub(super) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => time(row, column).map(Some),
    }
}

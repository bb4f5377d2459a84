//! Rows, read.

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::connection::QueryError;
use super::text;
use crate::model::{ActivationId, Epoch, RecordId, RunId, VersionId, WorkflowId};
use crate::store::columns;
use crate::store::{
    ActivationRow, Addressee, AdoptedWorkflow, InboxEntry, Record, RunRow, VersionRow, WorkflowRow,
};

pub(super) fn run_id(row: &Row) -> Result<RunId, QueryError> {
    get(row, 0).map(RunId)
}

/// Of [`RUN`](crate::store::columns::RUN).
pub(super) fn run(row: &Row) -> Result<RunRow, QueryError> {
    Ok(RunRow {
        id: run_id(row)?,
        workflow: WorkflowId(get(row, 1)?),
        version: VersionId(get(row, 2)?),
        status: parsed(row, 3)?,
        state: get(row, 4)?,
        sequence: get(row, 5)?,
        due_at: optional_time(row, 6)?,
        created_at: time(row, 7)?,
        finished_at: optional_time(row, 8)?,
        parent: get::<Option<_>>(row, 9)?.map(RunId),
        set_aside: columns::is_set_aside(get(row, 10)?),
    })
}

/// Of [`addressee`](crate::store::columns::addressee).
pub(super) fn addressee(row: &Row) -> Result<Addressee, QueryError> {
    let (head, inbox_empty) = (RecordId(get(row, 11)?), get(row, 12)?);
    Ok(Addressee { run: run(row)?, head, inbox_empty, records: Vec::new() })
}

/// Of [`WORKFLOW`](crate::store::columns::WORKFLOW).
pub(super) fn workflow(row: &Row) -> Result<WorkflowRow, QueryError> {
    Ok(WorkflowRow {
        id: WorkflowId(get(row, 0)?),
        title: text::read(get(row, 1)?),
        draft: get(row, 2)?,
        state: get(row, 3)?,
        sequence: get(row, 4)?,
        created_at: time(row, 5)?,
        updated_at: time(row, 6)?,
    })
}

/// Of [`WORKFLOW`](crate::store::columns::WORKFLOW), and the other processes that may be making calls for it.
pub(super) fn adopted_workflow(row: &Row) -> Result<AdoptedWorkflow, QueryError> {
    let others: Vec<i64> = get(row, 7)?;
    Ok(AdoptedWorkflow { row: workflow(row)?, others: others.into_iter().map(Epoch).collect() })
}

/// Of [`VERSION`](crate::store::columns::VERSION).
pub(super) fn version(row: &Row) -> Result<VersionRow, QueryError> {
    Ok(VersionRow {
        id: VersionId(get(row, 0)?),
        workflow: WorkflowId(get(row, 1)?),
        number: small(row, 2)?,
        definition: get(row, 3)?,
        created_at: time(row, 4)?,
    })
}

/// Of [`ACTIVATION`](crate::store::columns::ACTIVATION), which begin at `first`.
pub(super) fn activation(row: &Row, first: usize) -> Result<ActivationRow, QueryError> {
    Ok(ActivationRow {
        id: ActivationId(get(row, first)?),
        workflow: WorkflowId(get(row, first + 1)?),
        version: VersionId(get(row, first + 2)?),
        status: parsed(row, first + 3)?,
        accepts: get(row, first + 4)?,
        registration: get(row, first + 5)?,
        error: get::<Option<String>>(row, first + 6)?.map(text::read),
    })
}

/// Of the columns `id, run, at, body`.
pub(super) fn record(row: &Row) -> Result<Record, QueryError> {
    Ok(Record { id: RecordId(get(row, 0)?), run: RunId(get(row, 1)?), at: time(row, 2)?, body: get(row, 3)? })
}

/// Of the columns `record, execution, at`, and whether it is postponed.
pub(super) fn inbox_entry(row: &Row) -> Result<InboxEntry, QueryError> {
    Ok(InboxEntry {
        record: RecordId(get(row, 0)?),
        execution: small(row, 1)?,
        at: time(row, 2)?,
        postponed: get(row, 3)?,
    })
}

pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, QueryError> {
    Ok(row.try_get(column)?)
}

/// A count that the database keeps as a `BIGINT`, since it knows no unsigned numbers.
fn small(row: &Row, column: usize) -> Result<u32, QueryError> {
    u32::try_from(get::<i64>(row, column)?).map_err(|error| QueryError::Row(error.to_string()))
}

fn parsed<T: std::str::FromStr<Err = String>>(row: &Row, column: usize) -> Result<T, QueryError> {
    get::<&str>(row, column)?.parse().map_err(QueryError::Row)
}

pub(super) fn time(row: &Row, column: usize) -> Result<Timestamp, QueryError> {
    from_micros(get(row, column)?)
}

pub(super) fn optional_time(row: &Row, column: usize) -> Result<Option<Timestamp>, QueryError> {
    get::<Option<i64>>(row, column)?.map(from_micros).transpose()
}

fn from_micros(micros: i64) -> Result<Timestamp, QueryError> {
    Timestamp::from_microsecond(micros).map_err(|error| QueryError::Row(error.to_string()))
}

//! The changes, each within the transaction that the writer has open. A guard is checked before anything of its
//! change is written, so that a refused change leaves no trace.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::rows::run_id;
use crate::model::{ExecutionId, READS, RunId, VersionId};
use crate::store::change::{Answer, Change, due_micros, micros};
use crate::store::{
    Callback, Draft, Lane, Message, OnceValue, PlaceChange, Record, RunChange, StartRun, Started,
    WorkflowChange, columns,
};

/// Carries a change out.
pub(super) fn apply(change: &Change, connection: &Connection, epoch: i64) -> rusqlite::Result<Answer> {
    match change {
        Change::Draft(draft) => put_draft(connection, draft),
        Change::Workflow(change) => commit_workflow(connection, change),
        Change::Start(start) => start_run(connection, start, epoch).map(Answer::Started),
        Change::Run(change) => commit_run(connection, change, epoch),
        Change::Callback(callback) => append_callback(connection, callback),
        Change::Once(once) => record_once(connection, once, epoch),
        Change::Token { hash, name, now } => put_token(connection, *hash, name, *now),
        Change::Adopt { limit, left } => adopt(connection, *limit, left, epoch).map(Answer::Adopted),
    }
}

fn put_draft(connection: &Connection, draft: &Draft) -> rusqlite::Result<Answer> {
    let sql = "INSERT INTO workflows (id, title, draft, state, sequence, created_at, updated_at)
        VALUES (?1, ?2, ?3, x'', 0, ?4, ?4)
        ON CONFLICT (id) DO UPDATE SET title = excluded.title, draft = excluded.draft, updated_at = excluded.updated_at";
    let Draft { id, title, definition, now } = draft;
    connection.prepare_cached(sql)?.execute(params![id.0, title, definition, micros(*now)])?;
    Ok(Answer::Done)
}

fn commit_workflow(connection: &Connection, change: &WorkflowChange) -> rusqlite::Result<Answer> {
    let sql = "UPDATE workflows SET state = ?3, sequence = sequence + 1 WHERE id = ?1 AND sequence = ?2";
    let changed =
        connection.prepare_cached(sql)?.execute(params![change.id.0, change.sequence, change.state])?;
    if changed == 0 {
        return Ok(Answer::Refused);
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
    Ok(Answer::Done)
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
        let sql = "SELECT run, answer FROM dedupe WHERE workflow = ?1 AND key = ?2";
        let first = connection
            .prepare_cached(sql)?
            .query_row(params![run.workflow.0, key], |row| Ok((run_id(row)?, row.get(1)?)))
            .optional()?;
        if let Some((first, answer)) = first {
            return Ok(Started::Duplicate(first, answer));
        }
        let sql = "INSERT INTO dedupe (workflow, key, run, at, answer) VALUES (?1, ?2, ?3, ?4, ?5)";
        connection.prepare_cached(sql)?.execute(params![
            run.workflow.0,
            key,
            run.id.0,
            micros(run.created_at),
            start.answer
        ])?;
    }
    let sql = "INSERT INTO runs
        (id, workflow, version, status, state, sequence, head, due_at, owner, created_at, finished_at, parent)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
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
        run.finished_at.map(micros),
        run.parent.map(|parent| parent.0)
    ])?;
    append(connection, &start.record, None)?;
    if let Some(lane) = &start.lane {
        queue(connection, run.id, &run.workflow.0, lane)?;
    }
    tell(connection, &start.messages)?;
    Ok(Started::Created)
}

fn commit_run(connection: &Connection, change: &RunChange, epoch: i64) -> rusqlite::Result<Answer> {
    let due_at = change.due_at.map(due_micros);
    let owner = change.owned.then_some(epoch);
    let finished_at = change.finished_at.map(micros);
    let sql = "SELECT head, status IS ?3 AND due_at IS ?4 AND owner IS ?5 AND finished_at IS ?6
        FROM runs WHERE id = ?1 AND sequence = ?2";
    let indexed = params![change.id.0, change.sequence, change.status.as_str(), due_at, owner, finished_at];
    let found: Option<(i64, bool)> = connection
        .prepare_cached(sql)?
        .query_row(indexed, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((mut head, stays)) = found else { return Ok(Answer::Refused) };
    if change.arrival.as_ref().is_some_and(|arrival| arrival.head.0 != head) {
        return Ok(Answer::Refused);
    }
    let arrived = change.arrival.as_ref().map(|arrival| &arrival.record);
    for record in arrived.into_iter().chain(&change.record) {
        append(connection, record, Some(head))?;
        head = record.id.0;
    }
    if stays {
        // An index is written for each column that is set, also to what it was.
        let sql = "UPDATE runs SET state = ?2, sequence = sequence + 1, head = ?3 WHERE id = ?1";
        connection.prepare_cached(sql)?.execute(params![change.id.0, change.state, head])?;
    } else {
        let sql = "UPDATE runs SET status = ?2, state = ?3, sequence = sequence + 1, head = ?4, due_at = ?5,
            owner = ?6, finished_at = ?7 WHERE id = ?1";
        connection.prepare_cached(sql)?.execute(params![
            change.id.0,
            change.status.as_str(),
            change.state,
            head,
            due_at,
            owner,
            finished_at
        ])?;
    }
    for taken in &change.taken {
        let sql = "DELETE FROM inbox WHERE run = ?1 AND record = ?2";
        connection.prepare_cached(sql)?.execute(params![change.id.0, taken.0])?;
    }
    for postponed in &change.postponed {
        let sql = "UPDATE inbox SET postponed = ?3 WHERE run = ?1 AND record = ?2";
        connection.prepare_cached(sql)?.execute(params![change.id.0, postponed.0, change.sequence + 1])?;
    }
    change_place(connection, change.id, &change.place)?;
    for start in &change.called {
        start_run(connection, start, epoch)?;
    }
    tell(connection, &change.messages)?;
    Ok(Answer::Done)
}

/// Appends messages to the inboxes and journals of runs that have not ended.
fn tell(connection: &Connection, messages: &[Message]) -> rusqlite::Result<()> {
    for Message { execution, record } in messages {
        let sql = "SELECT head FROM runs WHERE id = ?1 AND finished_at IS NULL";
        let head = connection.prepare_cached(sql)?.query_row([record.run.0], |row| row.get(0)).optional()?;
        if let Some(head) = head {
            append_to_inbox(connection, record, head, *execution, None)?;
        }
    }
    Ok(())
}

fn change_place(connection: &Connection, run: RunId, place: &PlaceChange) -> rusqlite::Result<()> {
    match place {
        PlaceChange::None => {}
        PlaceChange::Queue(lane) => {
            let sql = "SELECT workflow FROM runs WHERE id = ?1";
            let workflow: String = connection.prepare_cached(sql)?.query_row([run.0], |row| row.get(0))?;
            queue(connection, run, &workflow, lane)?;
        }
        PlaceChange::TakeUp => {
            connection
                .prepare_cached("UPDATE places SET taken_up = true WHERE run = ?1")?
                .execute([run.0])?;
        }
        PlaceChange::Leave => {
            let sql = "DELETE FROM places WHERE run = ?1 RETURNING workflow, key";
            let lane: Option<(String, String)> = connection
                .prepare_cached(sql)?
                .query_row([run.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            if let Some((workflow, key)) = lane {
                connection.prepare_cached(columns::GIVE_PLACES)?.execute([workflow, key])?;
            }
        }
    }
    Ok(())
}

fn queue(connection: &Connection, run: RunId, workflow: &str, lane: &Lane) -> rusqlite::Result<()> {
    let sql = "INSERT INTO places (run, workflow, key, most) VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![run.0, workflow, lane.key, lane.limit])?;
    connection.prepare_cached(columns::GIVE_PLACES)?.execute([workflow, &lane.key])?;
    Ok(())
}

fn append_callback(connection: &Connection, callback: &Callback) -> rusqlite::Result<Answer> {
    let record = &callback.record;
    let Some(head) = head_at(connection, record.run, callback.sequence)? else { return Ok(Answer::Refused) };
    let postponed = callback.postponed.then_some(callback.sequence);
    append_to_inbox(connection, record, head, callback.execution, postponed)?;
    Ok(Answer::Done)
}

/// Adds a record to the journal and the inbox of its run, whose newest record is `head`.
fn append_to_inbox(
    connection: &Connection,
    record: &Record,
    head: i64,
    execution: u32,
    postponed: Option<i64>,
) -> rusqlite::Result<()> {
    append(connection, record, Some(head))?;
    connection
        .prepare_cached("UPDATE runs SET head = ?2 WHERE id = ?1")?
        .execute(params![record.run.0, record.id.0])?;
    let sql = "INSERT INTO inbox (run, record, execution, at, postponed) VALUES (?1, ?2, ?3, ?4, ?5)";
    let arrived = params![record.run.0, record.id.0, execution, micros(record.at), postponed];
    connection.prepare_cached(sql)?.execute(arrived)?;
    Ok(())
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

fn record_once(connection: &Connection, once: &OnceValue, epoch: i64) -> rusqlite::Result<Answer> {
    let OnceValue { execution: ExecutionId { run, number }, name, value } = once;
    let sql = "SELECT 1 FROM runs WHERE id = ?1 AND owner = ?2";
    if !connection.prepare_cached(sql)?.exists(params![run.0, epoch])? {
        return Ok(Answer::Refused);
    }
    let sql = "INSERT INTO once (run, execution, name, value) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![run.0, number, name, value])?;
    Ok(Answer::Done)
}

fn put_token(
    connection: &Connection,
    hash: [u8; 32],
    name: &str,
    now: Timestamp,
) -> rusqlite::Result<Answer> {
    let sql = "INSERT INTO tokens (hash, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![hash.as_slice(), name, micros(now)])?;
    Ok(Answer::Done)
}

/// What belongs to older epochs belongs to processes that have died: a database is for one process at a time. `left`:
/// the versions whose runs are left alone.
fn adopt(
    connection: &Connection,
    limit: usize,
    left: &[VersionId],
    epoch: i64,
) -> rusqlite::Result<Vec<RunId>> {
    let sql = format!(
        "UPDATE runs SET owner = {epoch} WHERE id IN
            (SELECT id FROM runs WHERE {} AND {} LIMIT {limit}) RETURNING id",
        orphaned(epoch),
        unless_left(left)
    );
    let left = left.iter().map(|id| id.0);
    connection.prepare(&sql)?.query_map(params_from_iter(left), run_id)?.collect()
}

/// The condition of runs that no process works on any more and that this engine can read, as far as is known.
pub(super) fn orphaned(epoch: i64) -> String {
    format!("owner > {} AND owner < {epoch}", columns::set_aside(READS))
}

/// The condition that leaves out the runs of so many versions.
pub(super) fn unless_left(left: &[VersionId]) -> String {
    format!("version NOT IN ({})", vec!["?"; left.len()].join(", "))
}

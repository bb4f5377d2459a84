//! Everything that is only read.

use deadpool_postgres::Client;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::connection::{Pool, QueryError};
use super::filter::condition;
use super::rows;
use super::text;
use crate::model::{ActivationId, ExecutionId, READS, RecordId, RunId, VersionId, WorkflowId};
use crate::store::change::{limited, micros};
use crate::store::columns;
use crate::store::{
    ActivationRow, Addressee, InboxEntry, Record, RunFilter, RunRow, VersionRow, Wanted, WorkflowRow,
};

pub(super) type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

pub(super) async fn all<T>(
    pool: &Pool,
    sql: &str,
    parameters: Parameters<'_>,
    read: impl Fn(&Row) -> Result<T, QueryError>,
) -> Result<Vec<T>, QueryError> {
    let mut idle = pool.most();
    loop {
        match pool.ask(async |client| query(client, sql, parameters).await).await {
            // It may have been cut while nobody used it, as may the others that are idle.
            Err(QueryError::Disconnected(_)) if idle > 0 => idle -= 1,
            rows => return rows?.iter().map(read).collect(),
        }
    }
}

async fn query(client: &Client, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>, QueryError> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, parameters).await?)
}

pub(super) async fn first<T>(
    pool: &Pool,
    sql: &str,
    parameters: Parameters<'_>,
    read: impl Fn(&Row) -> Result<T, QueryError>,
) -> Result<Option<T>, QueryError> {
    Ok(all(pool, sql, parameters, read).await?.into_iter().next())
}

pub(super) async fn workflow(pool: &Pool, id: &WorkflowId) -> Result<Option<WorkflowRow>, QueryError> {
    let sql = format!("SELECT {} FROM workflows WHERE id = $1", columns::WORKFLOW);
    first(pool, &sql, &[&id.0], rows::workflow).await
}

pub(super) async fn workflows(pool: &Pool) -> Result<Vec<WorkflowRow>, QueryError> {
    let sql = format!("SELECT {} FROM workflows ORDER BY id COLLATE \"C\"", columns::WORKFLOW);
    all(pool, &sql, &[], rows::workflow).await
}

pub(super) async fn version(pool: &Pool, id: VersionId) -> Result<Option<VersionRow>, QueryError> {
    let sql = format!("SELECT {} FROM versions WHERE id = $1", columns::VERSION);
    first(pool, &sql, &[&id.0], rows::version).await
}

pub(super) async fn versions(
    pool: &Pool,
    workflow: &WorkflowId,
) -> Result<Vec<(VersionRow, Option<ActivationRow>)>, QueryError> {
    let qualified = |table: &str, columns: &str| {
        columns.split(", ").map(|column| format!("{table}.{column}")).collect::<Vec<_>>().join(", ")
    };
    let sql = format!(
        "SELECT {}, {} FROM versions LEFT JOIN activations ON activations.version = versions.id
        WHERE versions.workflow = $1 ORDER BY versions.number DESC",
        qualified("versions", columns::VERSION),
        qualified("activations", columns::ACTIVATION)
    );
    let columns = columns::VERSION.split(", ").count();
    all(pool, &sql, &[&workflow.0], |row| {
        let activated = rows::get::<Option<uuid::Uuid>>(row, columns)?.is_some();
        Ok((rows::version(row)?, activated.then(|| rows::activation(row, columns)).transpose()?))
    })
    .await
}

pub(super) async fn activation(pool: &Pool, id: ActivationId) -> Result<Option<ActivationRow>, QueryError> {
    let sql = format!("SELECT {} FROM activations WHERE id = $1", columns::ACTIVATION);
    first(pool, &sql, &[&id.0], |row| rows::activation(row, 0)).await
}

pub(super) async fn run(pool: &Pool, id: RunId) -> Result<Option<RunRow>, QueryError> {
    let sql = format!("SELECT {} FROM runs WHERE id = $1", columns::RUN);
    first(pool, &sql, &[&id.0], rows::run).await
}

pub(super) async fn addressee(
    pool: &Pool,
    run: RunId,
    wanted: &Wanted,
) -> Result<Option<Addressee>, QueryError> {
    let found = first(pool, &columns::addressee("$1"), &[&run.0], rows::addressee).await?;
    let Some(mut addressee) = found else { return Ok(None) };
    let ids = wanted(&addressee.run);
    if !ids.is_empty() {
        addressee.records = records(pool, &ids).await?;
    }
    Ok(Some(addressee))
}

pub(super) async fn runs(pool: &Pool, filter: &RunFilter) -> Result<Vec<RunRow>, QueryError> {
    let (condition, values) = condition(filter);
    let sql = format!("SELECT {} FROM runs WHERE {condition} ORDER BY id DESC LIMIT $1", columns::RUN);
    let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
    all(pool, &sql, &parameters, rows::run).await
}

pub(super) async fn journal(pool: &Pool, run: RunId) -> Result<Vec<Record>, QueryError> {
    let sql = "WITH RECURSIVE chain (id, run, previous, at, body) AS (
            SELECT journal.id, journal.run, journal.previous, journal.at, journal.body
            FROM runs JOIN journal ON journal.id = runs.head WHERE runs.id = $1
            UNION ALL
            SELECT journal.id, journal.run, journal.previous, journal.at, journal.body
            FROM chain JOIN journal ON journal.id = chain.previous
        ) SELECT id, run, at, body FROM chain";
    let mut records = all(pool, sql, &[&run.0], rows::record).await?;
    records.reverse();
    Ok(records)
}

pub(super) async fn records(pool: &Pool, ids: &[RecordId]) -> Result<Vec<Record>, QueryError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let sql = "SELECT id, run, at, body FROM journal WHERE id = ANY($1) ORDER BY id";
    all(pool, sql, &[&ids], rows::record).await
}

pub(super) async fn inbox(pool: &Pool, run: RunId) -> Result<Vec<InboxEntry>, QueryError> {
    let sql = "SELECT record, execution, at, postponed IS NOT DISTINCT FROM runs.sequence
        FROM inbox JOIN runs ON runs.id = inbox.run WHERE run = $1 ORDER BY arrival";
    all(pool, sql, &[&run.0], rows::inbox_entry).await
}

pub(super) async fn due(
    pool: &Pool,
    now: Timestamp,
    limit: usize,
    left: &Vec<Uuid>,
) -> Result<Vec<RunId>, QueryError> {
    let sql = "SELECT id FROM (
            (SELECT id FROM runs WHERE owner IS NULL AND due_at <= $1 AND version <> ALL($3)
                ORDER BY due_at LIMIT $2)
            UNION
            (SELECT DISTINCT runs.id FROM inbox JOIN runs ON runs.id = inbox.run
                WHERE runs.owner IS NULL AND postponed IS DISTINCT FROM runs.sequence AND version <> ALL($3)
                LIMIT $2)
            UNION
            (SELECT runs.id FROM places JOIN runs ON runs.id = places.run
                WHERE given AND NOT taken_up AND runs.owner IS NULL AND version <> ALL($3) LIMIT $2)
        ) due LIMIT $2";
    let limit = limited(limit);
    all(pool, sql, &[&micros(now), &limit, left], rows::run_id).await
}

pub(super) async fn has_place(pool: &Pool, run: RunId) -> Result<bool, QueryError> {
    let sql = "SELECT 1 FROM places WHERE run = $1 AND given";
    Ok(first(pool, sql, &[&run.0], |_| Ok(())).await?.is_some())
}

pub(super) async fn next_due(pool: &Pool, left: &Vec<Uuid>) -> Result<Option<Timestamp>, QueryError> {
    let sql = "SELECT min(due_at) FROM runs
        WHERE owner IS NULL AND due_at IS NOT NULL AND version <> ALL($1)";
    Ok(first(pool, sql, &[left], |row| rows::optional_time(row, 0)).await?.flatten())
}

/// Whether any run belongs to a process that has died, and can be read as far as is known.
pub(super) async fn orphaned(pool: &Pool, left: &Vec<Uuid>) -> Result<bool, QueryError> {
    let sql = "SELECT 1 FROM runs WHERE owner > $2 AND version <> ALL($1) AND NOT EXISTS
        (SELECT 1 FROM processes WHERE epoch = owner AND expires_at > now()) LIMIT 1";
    Ok(first(pool, sql, &[left, &columns::set_aside(READS)], |_| Ok(())).await?.is_some())
}

/// Whether a process that has died may have been making calls for any workflow.
pub(super) async fn orphaned_workflows(pool: &Pool) -> Result<bool, QueryError> {
    let sql = "SELECT 1 FROM workflows, unnest(owners) AS owner WHERE NOT EXISTS
        (SELECT 1 FROM processes WHERE epoch = owner AND expires_at > now()) LIMIT 1";
    Ok(first(pool, sql, &[], |_| Ok(())).await?.is_some())
}

pub(super) async fn once(
    pool: &Pool,
    execution: ExecutionId,
    name: &str,
) -> Result<Option<Vec<u8>>, QueryError> {
    let sql = "SELECT value FROM once WHERE run = $1 AND execution = $2 AND name = $3";
    let ExecutionId { run, number } = execution;
    first(pool, sql, &[&run.0, &i64::from(number), &text::key(name)], |row| rows::get(row, 0)).await
}

pub(super) async fn has_token(pool: &Pool, hash: [u8; 32]) -> Result<bool, QueryError> {
    let sql = "SELECT 1 FROM tokens WHERE hash = $1";
    Ok(first(pool, sql, &[&hash.as_slice()], |_| Ok(())).await?.is_some())
}

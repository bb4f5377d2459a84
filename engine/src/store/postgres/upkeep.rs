//! The upkeep: removals in small transactions beside the committer. They wait for no row that somebody else has
//! locked, so that any number of processes may make them at once. What becomes free is found by autovacuum.

use async_trait::async_trait;
use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::connection::QueryError;
use super::filter::condition;
use super::read::{Parameters, all, first};
use super::{PostgresStore, failed, rows};
use crate::model::{OperationId, READS, RunId, RunStatus, VersionId, WorkflowId};
use crate::store::change::{limited, micros};
use crate::store::columns::{self, OPERATION};
use crate::store::{
    CommitError, Finished, OperationRow, Promise, Relying, RunFilter, RunRow, Size, StoreError, Upkeep,
};

/// How many removed runs are looked at in one transaction.
const RUNS: i64 = 20;
/// That the lease of the process with the epoch `$1` holds.
const FENCE: &str = "EXISTS (SELECT 1 FROM processes WHERE epoch = $1 AND expires_at > clock_timestamp())";

#[async_trait]
impl Upkeep for PostgresStore {
    async fn finished_beyond(
        &self,
        workflow: &WorkflowId,
        newest: usize,
    ) -> Result<Option<Finished>, StoreError> {
        let sql = "SELECT runs.id, runs.finished_at FROM versions JOIN runs ON runs.version = versions.id
            WHERE versions.workflow = $1 AND runs.finished_at IS NOT NULL
            ORDER BY runs.finished_at DESC, runs.id DESC LIMIT 1 OFFSET $2";
        let finished = |row: &Row| Ok(Finished { at: rows::time(row, 1)?, run: rows::run_id(row)? });
        let found = first(self.readers(), sql, &[&workflow.0, &limited(newest)], finished).await;
        found.map_err(failed("looking for finished runs"))
    }

    async fn remove_runs(
        &self,
        version: VersionId,
        until: Finished,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let sql = "WITH old AS (
                DELETE FROM runs WHERE id IN (
                    SELECT id FROM runs WHERE version = $1 AND finished_at IS NOT NULL AND owner IS NULL
                        AND (finished_at, id) <= ($2, $3) AND NOT EXISTS (SELECT 1 FROM runs AS caller
                            WHERE caller.id = runs.parent AND caller.finished_at IS NULL)
                    ORDER BY finished_at, id LIMIT $4 FOR UPDATE SKIP LOCKED
                ) RETURNING id, head
            ) INSERT INTO removals (run, head) SELECT id, head FROM old";
        let parameters: Parameters<'_> = &[&version.0, &micros(until.at), &until.run.0, &limited(limit)];
        self.count("removing runs", sql, parameters).await
    }

    async fn remove_records(&self, limit: usize) -> Result<bool, StoreError> {
        self.remove_chains(limit).await.map_err(failed("removing records"))
    }

    async fn remove_keys(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM dedupe WHERE (workflow, key) IN (
            SELECT workflow, key FROM dedupe WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)";
        self.count("removing deduplication keys", sql, &[&micros(before), &limited(limit)]).await
    }

    async fn remove_operations(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let sql = "DELETE FROM operations WHERE id IN (
            SELECT id FROM operations WHERE finished_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";
        self.count("removing operations", sql, &[&micros(before), &limited(limit)]).await
    }

    async fn remove_version(&self, id: VersionId) -> Result<bool, StoreError> {
        let remove = self.readers().ask(async |client| {
            let transaction = client.transaction().await?;
            let used = "SELECT 1 FROM runs WHERE version = $1
                UNION ALL SELECT 1 FROM activations WHERE version = $1 AND accepts LIMIT 1";
            if transaction.query_opt(used, &[&id.0]).await?.is_some() {
                return Ok(0);
            }
            for table in ["activations", "reliances"] {
                transaction.execute(&format!("DELETE FROM {table} WHERE version = $1"), &[&id.0]).await?;
            }
            let removed = transaction.execute("DELETE FROM versions WHERE id = $1", &[&id.0]).await?;
            transaction.commit().await?;
            Ok(removed)
        });
        Ok(remove.await.map_err(failed("removing a version"))? > 0)
    }

    async fn give_back_space(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn size(&self) -> Result<Size, StoreError> {
        let sql = "SELECT pg_database_size(current_database())";
        let total = first(self.readers(), sql, &[], |row| rows::get::<i64>(row, 0)).await;
        let total = total.map_err(failed("measuring the database"))?.unwrap_or_default();
        Ok(Size { total: u64::try_from(total).unwrap_or(0), free: None, gives_back: true })
    }

    async fn count_runs(&self, filter: RunFilter) -> Result<usize, StoreError> {
        let (condition, values) = condition(&filter);
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM runs WHERE {condition} LIMIT $1) AS selected");
        let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
            values.iter().map(|value| &**value as _).collect();
        let counted = first(self.readers(), &sql, &parameters, |row| count(row, 0)).await;
        Ok(counted.map_err(failed("counting runs"))?.unwrap_or_default())
    }

    async fn oldest(&self, status: RunStatus) -> Result<Option<RunRow>, StoreError> {
        let sql = format!("SELECT {} FROM runs WHERE status = $1 ORDER BY id LIMIT 1", columns::RUN);
        let found = first(self.readers(), &sql, &[&status.as_str()], rows::run).await;
        found.map_err(failed("looking for the oldest run"))
    }

    async fn put_operation(&self, row: OperationRow) -> Result<(), StoreError> {
        let sql = "INSERT INTO operations (id, state, sequence, created_at, finished_at)
            VALUES ($1, $2, $3, $4, $5)";
        let (created_at, finished_at) = (micros(row.created_at), row.finished_at.map(micros));
        let parameters: Parameters<'_> = &[&row.id.0, &row.state, &row.sequence, &created_at, &finished_at];
        self.count("storing the operation", sql, parameters).await.map(|_| ())
    }

    async fn commit_operation(&self, row: OperationRow) -> Result<(), CommitError> {
        let sql = format!(
            "UPDATE operations SET state = $4, sequence = sequence + 1, finished_at = $5
            WHERE id = $2 AND sequence = $3 AND finished_at IS NULL AND {FENCE}"
        );
        let (epoch, finished_at) = (self.lease.epoch(), row.finished_at.map(micros));
        let parameters: Parameters<'_> = &[&epoch, &row.id.0, &row.sequence, &row.state, &finished_at];
        match self.count("storing the operation's state", &sql, parameters).await? {
            0 => Err(CommitError::Conflict),
            _ => Ok(()),
        }
    }

    async fn operation(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
        let sql = format!("SELECT {OPERATION} FROM operations WHERE id = $1");
        first(self.readers(), &sql, &[&id.0], operation).await.map_err(failed("reading the operation"))
    }

    async fn operations(&self, limit: usize) -> Result<Vec<OperationRow>, StoreError> {
        let sql = format!("SELECT {OPERATION} FROM operations ORDER BY id DESC LIMIT $1");
        let found = all(self.readers(), &sql, &[&limited(limit)], operation).await;
        found.map_err(failed("listing the operations"))
    }

    async fn adopt_operations(&self) -> Result<Vec<OperationRow>, StoreError> {
        let left = "finished_at IS NULL AND (owner IS NULL OR NOT EXISTS
            (SELECT 1 FROM processes WHERE epoch = owner AND expires_at > now()))";
        let found = format!("SELECT 1 FROM operations WHERE {left} LIMIT 1");
        let sql = format!(
            "UPDATE operations SET owner = $1, sequence = sequence + 1 WHERE id IN
                (SELECT id FROM operations WHERE {left} FOR UPDATE OF operations SKIP LOCKED)
            AND {FENCE} RETURNING {OPERATION}"
        );
        let adopt = async {
            // Nearly always there are none, and then nothing is written.
            if first(self.readers(), &found, &[], |_| Ok(())).await?.is_none() {
                return Ok(Vec::new());
            }
            all(self.readers(), &sql, &[&self.lease.epoch()], operation).await
        };
        adopt.await.map_err(failed::<QueryError>("taking operations over"))
    }

    async fn rely(&self, version: VersionId, promises: Vec<Promise>) -> Result<(), StoreError> {
        let note = self.readers().ask(async |client| {
            let transaction = client.transaction().await?;
            for Promise { fingerprint, block, manifest } in &promises {
                let fingerprint = fingerprint.as_slice();
                let sql = "INSERT INTO promises (fingerprint, block, manifest) VALUES ($1, $2, $3)
                    ON CONFLICT DO NOTHING";
                transaction.execute(sql, &[&fingerprint, block, manifest]).await?;
                let sql =
                    "INSERT INTO reliances (fingerprint, version) VALUES ($1, $2) ON CONFLICT DO NOTHING";
                transaction.execute(sql, &[&fingerprint, &version.0]).await?;
            }
            Ok(transaction.commit().await?)
        });
        note.await.map_err(failed("noting what a version relies on"))
    }

    async fn promises_to(&self, version: VersionId) -> Result<Vec<Promise>, StoreError> {
        let sql = "SELECT fingerprint, block, manifest FROM promises JOIN reliances USING (fingerprint)
            WHERE version = $1 ORDER BY block, fingerprint";
        let found = all(self.readers(), sql, &[&version.0], promise).await;
        found.map_err(failed("reading what a version relies on"))
    }

    async fn promises(&self) -> Result<Vec<Promise>, StoreError> {
        let sql = "SELECT fingerprint, block, manifest FROM promises
            WHERE fingerprint IN (SELECT fingerprint FROM reliances) ORDER BY block, fingerprint";
        all(self.readers(), sql, &[], promise).await.map_err(failed("reading what versions rely on"))
    }

    async fn relying(&self, fingerprint: [u8; 32], limit: usize) -> Result<Vec<Relying>, StoreError> {
        let sql = "SELECT versions.id, versions.workflow, (SELECT count(*) FROM
                (SELECT 1 FROM runs WHERE version = versions.id AND finished_at IS NULL LIMIT $2) AS live)
            FROM reliances JOIN versions ON versions.id = reliances.version
            WHERE fingerprint = $1 ORDER BY versions.workflow, versions.number";
        let relying = |row: &Row| {
            let workflow = WorkflowId(rows::get(row, 1)?);
            Ok(Relying { version: VersionId(rows::get(row, 0)?), workflow, runs: count(row, 2)? })
        };
        let found = all(self.readers(), sql, &[&fingerprint.as_slice(), &limited(limit)], relying).await;
        found.map_err(failed("counting what relies on a block"))
    }

    async fn leave_version(&self, id: VersionId) -> Result<(), StoreError> {
        self.left.lock().expect("no holder panics").insert(id);
        // No process has the epoch 0.
        let sql = "UPDATE runs SET owner = 0 WHERE version = $1 AND finished_at IS NULL AND owner = $2";
        let epoch = self.lease.epoch();
        self.count("leaving a version's runs", sql, &[&id.0, &epoch]).await.map(|_| ())
    }

    async fn set_aside(&self, run: RunId, sequence: i64, reads: u32) -> Result<bool, StoreError> {
        let sql =
            "UPDATE runs SET owner = $4 WHERE id = $1 AND sequence = $2 AND (owner IS NULL OR owner = $3)";
        let (epoch, owner) = (self.lease.epoch(), columns::set_aside(reads));
        Ok(self.count("setting a run aside", sql, &[&run.0, &sequence, &epoch, &owner]).await? > 0)
    }

    async fn take_back(&self) -> Result<(), StoreError> {
        let sql = "UPDATE runs SET owner = 0 WHERE owner >= $1 AND owner < 0";
        self.count("taking runs back", sql, &[&columns::set_aside(READS)]).await.map(|_| ())
    }
}

impl PostgresStore {
    /// The versions whose runs are left to other processes.
    pub(super) fn left(&self) -> Vec<VersionId> {
        self.left.lock().expect("no holder panics").iter().copied().collect()
    }

    /// As [`left`](Self::left), as a parameter.
    pub(super) fn left_ids(&self) -> Vec<Uuid> {
        self.left().into_iter().map(|id| id.0).collect()
    }

    /// Carries out one statement; says how many rows it has changed.
    pub(super) async fn count(
        &self,
        operation: &'static str,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<usize, StoreError> {
        let changed = self.readers().ask(async |client| {
            let statement = client.prepare_cached(sql).await?;
            Ok(client.execute(&statement, parameters).await?)
        });
        let changed = changed.await.map_err(failed(operation))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    async fn remove_chains(&self, limit: usize) -> Result<bool, QueryError> {
        let remove = self.readers().ask(async |client| {
            let transaction = client.transaction().await?;
            let sql = "SELECT run, head FROM removals LIMIT $1 FOR UPDATE SKIP LOCKED";
            let removals = transaction.query(sql, &[&RUNS]).await?;
            let mut left = limit;
            for row in &removals {
                if left == 0 {
                    break;
                }
                left = remove_chain(&transaction, rows::run_id(row)?, rows::get(row, 1)?, left).await?;
            }
            transaction.commit().await?;
            Ok(!removals.is_empty())
        });
        remove.await
    }
}

/// Removes at most `left` records of a removed run; says how many may still be removed.
async fn remove_chain(
    transaction: &Transaction<'_>,
    run: RunId,
    head: i64,
    left: usize,
) -> Result<usize, QueryError> {
    let sql = "WITH RECURSIVE chain (id, previous, place) AS (
            SELECT id, previous, 1::bigint FROM journal WHERE id = $1
            UNION ALL
            SELECT journal.id, journal.previous, place + 1 FROM chain JOIN journal ON journal.id = chain.previous
            WHERE place < $2
        ), removed AS (DELETE FROM journal WHERE id IN (SELECT id FROM chain))
        SELECT previous, place FROM chain ORDER BY place DESC LIMIT 1";
    let last = transaction.query_opt(sql, &[&head, &limited(left)]).await?;
    let (next, removed) = match &last {
        Some(last) => (rows::get::<Option<i64>>(last, 0)?, count(last, 1)?),
        None => (None, 0),
    };
    if let Some(next) = next {
        let sql = "UPDATE removals SET head = $2 WHERE run = $1";
        transaction.execute(sql, &[&run.0, &next]).await?;
        return Ok(0);
    }
    for table in ["once", "inbox", "places", "removals"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE run = $1"), &[&run.0]).await?;
    }
    Ok(left.saturating_sub(removed))
}

fn operation(row: &Row) -> Result<OperationRow, QueryError> {
    Ok(OperationRow {
        id: OperationId(rows::get(row, 0)?),
        state: rows::get(row, 1)?,
        sequence: rows::get(row, 2)?,
        created_at: rows::time(row, 3)?,
        finished_at: rows::optional_time(row, 4)?,
    })
}

fn promise(row: &Row) -> Result<Promise, QueryError> {
    let fingerprint: Vec<u8> = rows::get(row, 0)?;
    let fingerprint = fingerprint.try_into().map_err(|_| QueryError::Row("not a fingerprint".to_owned()))?;
    Ok(Promise { fingerprint, block: rows::get(row, 1)?, manifest: rows::get(row, 2)? })
}

fn count(row: &Row, column: usize) -> Result<usize, QueryError> {
    Ok(usize::try_from(rows::get::<i64>(row, column)?).unwrap_or(0))
}

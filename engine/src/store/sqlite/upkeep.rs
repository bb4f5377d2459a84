//! The upkeep: removals in small transactions of the writer, free pages given back to the file system.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};
use uuid::Uuid;

use super::filter::condition;
use super::{Mode, SqliteStore, change, connection, rows};
use crate::model::{OperationId, READS, RunId, RunStatus, VersionId, WorkflowId};
use crate::store::change::{Answer, micros};
use crate::store::{
    CommitError, Finished, OperationRow, Promise, Relying, RunFilter, RunRow, Size, StoreError, Upkeep,
    columns,
};

/// How many pages are given back at once: 1 MiB.
const PAGES: i64 = 256;
/// The columns of an operation.
const OPERATION: &str = "id, state, sequence, created_at, finished_at";

#[async_trait]
impl Upkeep for SqliteStore {
    async fn finished_beyond(
        &self,
        workflow: &WorkflowId,
        newest: usize,
    ) -> Result<Option<Finished>, StoreError> {
        let workflow = workflow.0.clone();
        self.read("looking for finished runs", move |connection| {
            let sql = "SELECT runs.id, runs.finished_at FROM versions JOIN runs ON runs.version = versions.id
                WHERE versions.workflow = ?1 AND runs.finished_at IS NOT NULL
                ORDER BY runs.finished_at DESC, runs.id DESC LIMIT 1 OFFSET ?2";
            let finished = |row: &Row<'_>| Ok(Finished { at: rows::time(row, 1)?, run: rows::run_id(row)? });
            connection.prepare_cached(sql)?.query_row(params![workflow, limited(newest)], finished).optional()
        })
        .await
    }

    async fn remove_runs(
        &self,
        version: VersionId,
        until: Finished,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.count("removing runs", move |connection| {
            let sql =
                "SELECT id, head FROM runs WHERE version = ?1 AND finished_at IS NOT NULL AND owner IS NULL
                    AND (finished_at, id) <= (?2, ?3) AND NOT EXISTS (SELECT 1 FROM runs AS caller
                        WHERE caller.id = runs.parent AND caller.finished_at IS NULL)
                    ORDER BY finished_at, id LIMIT ?4";
            let found: Vec<(Uuid, i64)> = connection
                .prepare_cached(sql)?
                .query_map(params![version.0, micros(until.at), until.run.0, limited(limit)], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<Result<_, _>>()?;
            let mut remove = connection.prepare_cached("DELETE FROM runs WHERE id = ?1")?;
            let mut note = connection.prepare_cached("INSERT INTO removals (run, head) VALUES (?1, ?2)")?;
            for (run, head) in &found {
                remove.execute([run])?;
                note.execute(params![run, head])?;
            }
            Ok(found.len())
        })
        .await
    }

    async fn remove_records(&self, limit: usize) -> Result<bool, StoreError> {
        let removed = self.count("removing records", move |connection| {
            let sql = "SELECT run, head FROM removals LIMIT 1";
            let next = |row: &Row<'_>| Ok::<(Uuid, i64), rusqlite::Error>((row.get(0)?, row.get(1)?));
            let mut left = limit;
            while left > 0 {
                let removal = connection.prepare_cached(sql)?.query_row([], next).optional()?;
                let Some((run, head)) = removal else { break };
                left = remove_chain(connection, run, head, left)?;
            }
            Ok(limit - left)
        });
        Ok(removed.await? > 0)
    }

    async fn remove_keys(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.count("removing deduplication keys", move |connection| {
            let sql = "DELETE FROM dedupe WHERE (workflow, key) IN
                (SELECT workflow, key FROM dedupe WHERE at < ?1 ORDER BY at LIMIT ?2)";
            connection.prepare_cached(sql)?.execute(params![micros(before), limited(limit)])
        })
        .await
    }

    async fn remove_operations(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.count("removing operations", move |connection| {
            let sql = "DELETE FROM operations WHERE id IN
                (SELECT id FROM operations WHERE finished_at < ?1 LIMIT ?2)";
            connection.prepare_cached(sql)?.execute(params![micros(before), limited(limit)])
        })
        .await
    }

    async fn remove_version(&self, id: VersionId) -> Result<bool, StoreError> {
        let removed = self.count("removing a version", move |connection| {
            let used = "SELECT 1 FROM runs WHERE version = ?1
                UNION ALL SELECT 1 FROM activations WHERE version = ?1 AND accepts LIMIT 1";
            if connection.prepare_cached(used)?.exists([id.0])? {
                return Ok(0);
            }
            connection.prepare_cached("DELETE FROM activations WHERE version = ?1")?.execute([id.0])?;
            connection.prepare_cached("DELETE FROM reliances WHERE version = ?1")?.execute([id.0])?;
            let unused = "DELETE FROM promises WHERE fingerprint NOT IN (SELECT fingerprint FROM reliances)";
            connection.prepare_cached(unused)?.execute([])?;
            connection.prepare_cached("DELETE FROM versions WHERE id = ?1")?.execute([id.0])
        });
        Ok(removed.await? > 0)
    }

    async fn give_back_space(&self) -> Result<bool, StoreError> {
        let operation = "giving space back";
        let free = self
            .count(operation, |connection| {
                // Each row that is asked for gives one page back.
                let mut pages = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
                let mut pages = pages.query([])?;
                while pages.next()?.is_some() {}
                connection.query_row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0)).map(count)
            })
            .await?;
        let more = free > 0 && self.size().await?.gives_back;
        if !more {
            self.checkpoint().await?;
        }
        Ok(more)
    }

    async fn size(&self) -> Result<Size, StoreError> {
        self.read("measuring the database", |connection| {
            let pragma =
                |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
            let page = pragma("page_size")?;
            let bytes = |pages: i64| u64::try_from(pages * page).unwrap_or(0);
            Ok(Size {
                total: bytes(pragma("page_count")?),
                free: Some(bytes(pragma("freelist_count")?)),
                gives_back: pragma("auto_vacuum")? == connection::INCREMENTAL,
            })
        })
        .await
    }

    async fn count_runs(&self, filter: RunFilter) -> Result<usize, StoreError> {
        self.read("counting runs", move |connection| {
            let (condition, values) = condition(filter);
            let sql = format!("SELECT count(*) FROM (SELECT 1 FROM runs WHERE {condition} LIMIT ?)");
            let counted: i64 =
                connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
            Ok(count(counted))
        })
        .await
    }

    async fn oldest(&self, status: RunStatus) -> Result<Option<RunRow>, StoreError> {
        self.read("looking for the oldest run", move |connection| {
            let sql = format!("SELECT {} FROM runs WHERE status = ?1 ORDER BY id LIMIT 1", columns::RUN);
            connection.prepare_cached(&sql)?.query_row([status.as_str()], rows::run).optional()
        })
        .await
    }

    async fn put_operation(&self, row: OperationRow) -> Result<(), StoreError> {
        self.count("storing the operation", move |connection| {
            let sql = "INSERT INTO operations (id, state, sequence, created_at, finished_at)
                VALUES (?1, ?2, ?3, ?4, ?5)";
            connection.prepare_cached(sql)?.execute(params![
                row.id.0,
                row.state,
                row.sequence,
                micros(row.created_at),
                row.finished_at.map(micros)
            ])
        })
        .await
        .map(|_| ())
    }

    async fn commit_operation(&self, row: OperationRow) -> Result<(), CommitError> {
        let changed = self.count("storing the operation's state", move |connection| {
            let sql = "UPDATE operations SET state = ?3, sequence = sequence + 1, finished_at = ?4
                WHERE id = ?1 AND sequence = ?2 AND finished_at IS NULL";
            connection.prepare_cached(sql)?.execute(params![
                row.id.0,
                row.sequence,
                row.state,
                row.finished_at.map(micros)
            ])
        });
        if changed.await? == 0 { Err(CommitError::Conflict) } else { Ok(()) }
    }

    async fn operation(&self, id: OperationId) -> Result<Option<OperationRow>, StoreError> {
        self.read("reading the operation", move |connection| {
            let sql = format!("SELECT {OPERATION} FROM operations WHERE id = ?1");
            connection.prepare_cached(&sql)?.query_row([id.0], operation).optional()
        })
        .await
    }

    async fn operations(&self, limit: usize) -> Result<Vec<OperationRow>, StoreError> {
        self.read("listing the operations", move |connection| {
            let sql = format!("SELECT {OPERATION} FROM operations ORDER BY id DESC LIMIT ?1");
            connection.prepare_cached(&sql)?.query_map([limited(limit)], operation)?.collect()
        })
        .await
    }

    async fn adopt_operations(&self) -> Result<Vec<OperationRow>, StoreError> {
        let epoch = self.epoch;
        let left = self.read("looking for operations", move |connection| {
            let sql = "SELECT 1 FROM operations WHERE finished_at IS NULL AND (owner IS NULL OR owner < ?1)";
            connection.prepare_cached(sql)?.exists([epoch])
        });
        // Nearly always there are none, and then nothing is written.
        if !left.await? {
            return Ok(Vec::new());
        }
        let adopted = self.writer.carry_out("taking operations over", move |connection| {
            let sql = format!(
                "UPDATE operations SET owner = ?1, sequence = sequence + 1
                WHERE finished_at IS NULL AND (owner IS NULL OR owner < ?1) RETURNING {OPERATION}"
            );
            let mut adopt = connection.prepare_cached(&sql)?;
            let adopted: rusqlite::Result<_> = adopt.query_map([epoch], operation)?.collect();
            adopted.map(Answer::Operations)
        });
        match adopted.await? {
            Answer::Operations(adopted) => Ok(adopted),
            _ => Err(StoreError { operation: "taking operations over", source: "no answer".into() }),
        }
    }

    async fn rely(&self, version: VersionId, promises: Vec<Promise>) -> Result<(), StoreError> {
        self.count("noting what a version relies on", move |connection| {
            let promise = "INSERT INTO promises (fingerprint, block, manifest) VALUES (?1, ?2, ?3)
                ON CONFLICT DO NOTHING";
            let reliance =
                "INSERT INTO reliances (fingerprint, version) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            for Promise { fingerprint, block, manifest } in &promises {
                connection.prepare_cached(promise)?.execute(params![fingerprint, block, manifest])?;
                connection.prepare_cached(reliance)?.execute(params![fingerprint, version.0])?;
            }
            Ok(promises.len())
        })
        .await
        .map(|_| ())
    }

    async fn promises_to(&self, version: VersionId) -> Result<Vec<Promise>, StoreError> {
        self.read("reading what a version relies on", move |connection| {
            let sql = "SELECT fingerprint, block, manifest FROM promises JOIN reliances USING (fingerprint)
                WHERE version = ?1 ORDER BY block, fingerprint";
            connection.prepare_cached(sql)?.query_map([version.0], promise)?.collect()
        })
        .await
    }

    async fn promises(&self) -> Result<Vec<Promise>, StoreError> {
        self.read("reading what versions rely on", |connection| {
            let sql = "SELECT fingerprint, block, manifest FROM promises ORDER BY block, fingerprint";
            connection.prepare_cached(sql)?.query_map([], promise)?.collect()
        })
        .await
    }

    async fn relying(&self, fingerprint: [u8; 32], limit: usize) -> Result<Vec<Relying>, StoreError> {
        self.read("counting what relies on a block", move |connection| {
            let sql = "SELECT versions.id, versions.workflow, (SELECT count(*) FROM
                    (SELECT 1 FROM runs WHERE version = versions.id AND finished_at IS NULL LIMIT ?2))
                FROM reliances JOIN versions ON versions.id = reliances.version
                WHERE fingerprint = ?1 ORDER BY versions.workflow, versions.number";
            let relying = |row: &Row<'_>| {
                let runs = count(row.get(2)?);
                Ok(Relying { version: VersionId(row.get(0)?), workflow: WorkflowId(row.get(1)?), runs })
            };
            connection
                .prepare_cached(sql)?
                .query_map(params![fingerprint, limited(limit)], relying)?
                .collect()
        })
        .await
    }

    async fn leave_version(&self, id: VersionId) -> Result<(), StoreError> {
        self.left.lock().expect("no holder panics").insert(id);
        let epoch = self.epoch;
        self.count("leaving a version's runs", move |connection| {
            let sql = "UPDATE runs SET owner = 0 WHERE version = ?1 AND finished_at IS NULL AND owner = ?2";
            connection.prepare_cached(sql)?.execute(params![id.0, epoch])
        })
        .await
        .map(|_| ())
    }

    async fn set_aside(&self, run: RunId, sequence: i64, reads: u32) -> Result<bool, StoreError> {
        let (epoch, owner) = (self.epoch, columns::set_aside(reads));
        let set_aside = self.count("setting a run aside", move |connection| {
            let sql = "UPDATE runs SET owner = ?4 WHERE id = ?1 AND sequence = ?2 AND (owner IS NULL OR owner = ?3)";
            connection.prepare_cached(sql)?.execute(params![run.0, sequence, epoch, owner])
        });
        Ok(set_aside.await? > 0)
    }

    async fn take_back(&self) -> Result<(), StoreError> {
        self.count("taking runs back", move |connection| {
            let sql = "UPDATE runs SET owner = 0 WHERE owner >= ?1 AND owner < 0";
            connection.prepare_cached(sql)?.execute([columns::set_aside(READS)])
        })
        .await
        .map(|_| ())
    }
}

impl SqliteStore {
    /// Carries out a change that counts what it has changed.
    pub(super) async fn count(
        &self,
        operation: &'static str,
        change: impl Fn(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<usize, StoreError> {
        match self
            .writer
            .carry_out(operation, move |connection| change(connection).map(Answer::Count))
            .await?
        {
            Answer::Count(count) => Ok(count),
            _ => Err(StoreError { operation, source: "no answer".into() }),
        }
    }

    /// Brings the write-ahead log into the database's file, which only then becomes smaller. Waits for nobody.
    async fn checkpoint(&self) -> Result<(), StoreError> {
        let path = self.readers.path().to_owned();
        let operation = "writing a checkpoint";
        let done = match self.mode {
            Mode::Threads => tokio::task::spawn_blocking(move || connection::checkpoint(&path)).await,
            Mode::Inline => Ok(connection::checkpoint(&path)),
        };
        match done {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(StoreError { operation, source: error.into() }),
            Err(error) => Err(StoreError { operation, source: error.into() }),
        }
    }

    /// The versions whose runs are left to other processes.
    pub(super) fn left(&self) -> Vec<VersionId> {
        self.left.lock().expect("no holder panics").iter().copied().collect()
    }

    /// The condition that leaves out the versions that are left to other processes, and its values.
    pub(super) fn unless_left(&self) -> (String, Vec<Value>) {
        let left = self.left();
        let values = left.iter().map(|id| id.0.as_bytes().to_vec().into()).collect();
        (change::unless_left(&left), values)
    }
}

/// Removes at most `left` records of a removed run; says how many may still be removed.
fn remove_chain(connection: &Connection, run: Uuid, head: i64, mut left: usize) -> rusqlite::Result<usize> {
    let mut remove = connection.prepare_cached("DELETE FROM journal WHERE id = ?1 RETURNING previous")?;
    let mut next = Some(head);
    while let Some(record) = next {
        if left == 0 {
            let sql = "UPDATE removals SET head = ?2 WHERE run = ?1";
            connection.prepare_cached(sql)?.execute(params![run, record])?;
            return Ok(0);
        }
        left -= 1;
        next = remove.query_row([record], |row| row.get(0)).optional()?.flatten();
    }
    for table in ["once", "inbox", "places", "removals"] {
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE run = ?1"))?.execute([run])?;
    }
    Ok(left)
}

fn operation(row: &Row<'_>) -> rusqlite::Result<OperationRow> {
    Ok(OperationRow {
        id: OperationId(row.get(0)?),
        state: row.get(1)?,
        sequence: row.get(2)?,
        created_at: rows::time(row, 3)?,
        finished_at: rows::optional_time(row, 4)?,
    })
}

fn promise(row: &Row<'_>) -> rusqlite::Result<Promise> {
    Ok(Promise { fingerprint: row.get(0)?, block: row.get(1)?, manifest: row.get(2)? })
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn count(rows: i64) -> usize {
    usize::try_from(rows).unwrap_or(0)
}

//! The embedded database: `SQLite` in WAL mode, `synchronous=FULL`, one writer, a few readers.

mod activations;
mod change;
mod connection;
mod disk;
mod filter;
mod memory;
mod pace;
mod queue;
mod readers;
mod rows;
mod upkeep;
mod vault;
mod writer;

pub use memory::MemoryDatabase;

use std::collections::HashSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::change::{Answer, Change, limited, micros};
use super::columns;
use super::{
    ActivationRow, Addressee, AdoptedWorkflow, Callback, CommitError, Draft, InboxEntry, OnceValue, Record,
    RunChange, RunFilter, RunRow, StartRun, Started, Store, StoreError, VersionRow, Wanted, WorkflowChange,
    WorkflowRow,
};
use crate::model::{ActivationId, Epoch, ExecutionId, RecordId, RunId, VersionId, WorkflowId};
use activations::Activations;
use connection::OpenError;
use readers::Readers;
use writer::Writer;

/// So many records are looked up where tasks are run; to read more is work.
const FEW_RECORDS: usize = 64;

/// A store in a directory of its own, for one process at a time.
pub struct SqliteStore {
    writer: Writer,
    readers: Arc<Readers>,
    mode: Mode,
    epoch: i64,
    next_record: AtomicI64,
    durability: (String, i64),
    workflows_adopted: AtomicBool,
    /// The versions whose runs are left to other processes.
    left: Mutex<HashSet<VersionId>>,
    activations: Arc<Activations>,
}

/// Where a store does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It writes on a thread of its own, and reads on threads for blocking work.
    Threads,
    /// It reads and writes on the caller's thread.
    Inline,
}

impl SqliteStore {
    /// Opens the database `stepwell.db` in this directory, or creates it.
    ///
    /// # Errors
    ///
    /// When another process has it open, it was made by a newer engine, or the disk fails.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let lock = lock(directory)?;
        let path = directory.join("stepwell.db");
        // SQLite gives the files beside it the same mode.
        let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        opened.map_err(|error| not_writable(&path, &error))?;
        Self::enter(path, Mode::Threads, lock)
    }

    /// Counts this process in. `keep` lives as long as the store.
    fn enter<K: Send + 'static>(path: PathBuf, mode: Mode, keep: K) -> Result<Self, StoreError> {
        let connection = connection::writer(&path).map_err(opening)?;
        let durability = connection::durability(&connection).map_err(opening)?;
        let (journal_mode, synchronous) = &durability;
        tracing::info!(journal_mode, synchronous, "the database is open");
        let (epoch, next) = connection::enter(&connection).map_err(opening)?;
        let activations = Arc::new(Activations::default());
        let writer = match mode {
            Mode::Threads => {
                Writer::start(connection, epoch, Arc::clone(&activations), keep).map_err(opening)?
            }
            Mode::Inline => Writer::inline(connection, epoch),
        };
        let readers = Arc::new(Readers::new(path));
        let next_record = AtomicI64::new(next);
        Ok(Self {
            writer,
            readers,
            mode,
            epoch,
            next_record,
            durability,
            workflows_adopted: AtomicBool::new(false),
            left: Mutex::default(),
            activations,
        })
    }

    /// The journal mode and the `synchronous` level of the connection that writes, as it reported them when it was
    /// opened.
    pub fn durability(&self) -> (&str, i64) {
        (&self.durability.0, self.durability.1)
    }

    /// Reads on a thread for blocking work.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let here = self.mode == Mode::Inline;
        self.read_with(here, operation, move |readers| readers.read(read)).await
    }

    /// Looks up a few rows by their keys: on the caller's thread while that is quick.
    async fn look_up<T: Send + 'static>(
        &self,
        operation: &'static str,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let here = self.mode == Mode::Inline || self.readers.are_quick();
        self.read_with(here, operation, move |readers| readers.look_up(read)).await
    }

    async fn read_with<T: Send + 'static>(
        &self,
        here: bool,
        operation: &'static str,
        read: impl FnOnce(&Readers) -> Result<T, OpenError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let result = if here {
            Ok(read(&self.readers))
        } else {
            let readers = Arc::clone(&self.readers);
            tokio::task::spawn_blocking(move || read(&readers)).await
        };
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(StoreError { operation, source: error.into() }),
            Err(error) => Err(StoreError { operation, source: error.into() }),
        }
    }

    async fn guarded(&self, change: Change) -> Result<(), CommitError> {
        match self.writer.store(change).await? {
            Answer::Refused => Err(CommitError::Conflict),
            _ => Ok(()),
        }
    }

    async fn write(&self, change: Change) -> Result<(), StoreError> {
        self.writer.store(change).await.map(|_| ())
    }
}

fn records(connection: &Connection, ids: &[RecordId]) -> rusqlite::Result<Vec<Record>> {
    let mut statement = connection.prepare_cached("SELECT id, run, at, body FROM journal WHERE id = ?1")?;
    ids.iter().filter_map(|id| statement.query_row([id.0], rows::record).optional().transpose()).collect()
}

/// Holds the directory for this process.
fn lock(directory: &Path) -> Result<File, StoreError> {
    let path = directory.join("lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = opened.map_err(|error| not_writable(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let directory = directory.display();
            Err(opening(format!(
                "another process has {directory} open; stop it, or choose another directory"
            )))
        }
        Err(TryLockError::Error(error)) => Err(opening(error)),
    }
}

fn not_writable(path: &Path, error: &std::io::Error) -> StoreError {
    opening(format!(
        "{} cannot be written ({error}); make the data directory and its files writable for this user, or choose \
         another with --data",
        path.display()
    ))
}

fn opening(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError { operation: "opening the database", source: error.into() }
}

#[async_trait]
impl Store for SqliteStore {
    fn epoch(&self) -> Epoch {
        Epoch(self.epoch)
    }

    fn next_record(&self) -> RecordId {
        RecordId(self.next_record.fetch_add(1, Ordering::Relaxed))
    }

    async fn put_draft(&self, draft: Draft) -> Result<WorkflowRow, StoreError> {
        let id = draft.id.clone();
        self.write(Change::Draft(draft)).await?;
        self.workflow(&id).await?.ok_or_else(|| StoreError {
            operation: "storing the draft",
            source: "the workflow was removed meanwhile".into(),
        })
    }

    async fn workflow(&self, id: &WorkflowId) -> Result<Option<WorkflowRow>, StoreError> {
        let id = id.clone();
        self.look_up("reading the workflow", move |connection| {
            let sql = format!("SELECT {} FROM workflows WHERE id = ?1", columns::WORKFLOW);
            connection.prepare_cached(&sql)?.query_row([&id.0], rows::workflow).optional()
        })
        .await
    }

    async fn workflows(&self) -> Result<Vec<WorkflowRow>, StoreError> {
        self.read("listing the workflows", |connection| {
            let sql = format!("SELECT {} FROM workflows ORDER BY id", columns::WORKFLOW);
            connection.prepare_cached(&sql)?.query_map([], rows::workflow)?.collect()
        })
        .await
    }

    async fn commit_workflow(&self, change: WorkflowChange) -> Result<(), CommitError> {
        self.guarded(Change::Workflow(change)).await
    }

    async fn version(&self, id: VersionId) -> Result<Option<VersionRow>, StoreError> {
        self.look_up("reading the version", move |connection| {
            let sql = format!("SELECT {} FROM versions WHERE id = ?1", columns::VERSION);
            connection.prepare_cached(&sql)?.query_row([id.0], rows::version).optional()
        })
        .await
    }

    async fn versions(
        &self,
        workflow: &WorkflowId,
    ) -> Result<Vec<(VersionRow, Option<ActivationRow>)>, StoreError> {
        let workflow = workflow.clone();
        self.read("listing the versions", move |connection| {
            let sql =
                format!("SELECT {} FROM versions WHERE workflow = ?1 ORDER BY number DESC", columns::VERSION);
            let versions: Vec<VersionRow> = connection
                .prepare_cached(&sql)?
                .query_map([&workflow.0], rows::version)?
                .collect::<Result<_, _>>()?;
            let sql = format!("SELECT {} FROM activations WHERE version = ?1", columns::ACTIVATION);
            let mut activation = connection.prepare_cached(&sql)?;
            versions
                .into_iter()
                .map(|version| {
                    let activation = activation.query_row([version.id.0], rows::activation).optional()?;
                    Ok((version, activation))
                })
                .collect()
        })
        .await
    }

    async fn activation(&self, id: ActivationId) -> Result<Option<ActivationRow>, StoreError> {
        let changes = match self.activations.get(id) {
            Ok(row) => return Ok(Some(row)),
            Err(changes) => changes,
        };
        let read = self.look_up("reading the activation", move |connection| {
            let sql = format!("SELECT {} FROM activations WHERE id = ?1", columns::ACTIVATION);
            connection.prepare_cached(&sql)?.query_row([id.0], rows::activation).optional()
        });
        let row = read.await?;
        // Whoever writes on the caller's thread shares the database with others.
        if let (Some(row), Mode::Threads) = (&row, self.mode) {
            self.activations.keep(row, changes);
        }
        Ok(row)
    }

    async fn start_run(&self, start: StartRun) -> Result<Started, StoreError> {
        match self.writer.store(Change::Start(Box::new(start))).await? {
            Answer::Started(started) => Ok(started),
            _ => Err(StoreError { operation: "storing the new run", source: "no answer".into() }),
        }
    }

    async fn commit_run(&self, change: RunChange) -> Result<(), CommitError> {
        self.guarded(Change::Run(Box::new(change))).await
    }

    async fn append_callback(&self, callback: Callback) -> Result<(), CommitError> {
        self.guarded(Change::Callback(callback)).await
    }

    async fn addressee(&self, run: RunId, wanted: Wanted) -> Result<Option<Addressee>, StoreError> {
        self.look_up("reading the run", move |connection| {
            let sql = columns::addressee("?1");
            let found = connection.prepare_cached(&sql)?.query_row([run.0], rows::addressee).optional()?;
            let Some(mut addressee) = found else { return Ok(None) };
            addressee.records = records(connection, &wanted(&addressee.run))?;
            Ok(Some(addressee))
        })
        .await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunRow>, StoreError> {
        self.look_up("reading the run", move |connection| {
            let sql = format!("SELECT {} FROM runs WHERE id = ?1", columns::RUN);
            connection.prepare_cached(&sql)?.query_row([id.0], rows::run).optional()
        })
        .await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Vec<RunRow>, StoreError> {
        self.read("listing the runs", move |connection| {
            let order = if filter.unreadable { "+id" } else { "id" };
            let (condition, values) = filter::condition(filter);
            let sql =
                format!("SELECT {} FROM runs WHERE {condition} ORDER BY {order} DESC LIMIT ?", columns::RUN);
            connection.prepare_cached(&sql)?.query_map(params_from_iter(values), rows::run)?.collect()
        })
        .await
    }

    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError> {
        self.read("reading the journal", move |connection| {
            let sql = "WITH RECURSIVE chain (id, run, previous, at, body) AS (
                    SELECT journal.id, journal.run, journal.previous, journal.at, journal.body
                    FROM runs JOIN journal ON journal.id = runs.head WHERE runs.id = ?1
                    UNION ALL
                    SELECT journal.id, journal.run, journal.previous, journal.at, journal.body
                    FROM chain JOIN journal ON journal.id = chain.previous
                ) SELECT id, run, at, body FROM chain";
            let mut records: Vec<Record> = connection
                .prepare_cached(sql)?
                .query_map([run.0], rows::record)?
                .collect::<Result<_, _>>()?;
            records.reverse();
            Ok(records)
        })
        .await
    }

    async fn records(&self, ids: &[RecordId]) -> Result<Vec<Record>, StoreError> {
        let (operation, ids) = ("reading journal records", ids.to_vec());
        if ids.len() > FEW_RECORDS {
            return self.read(operation, move |connection| records(connection, &ids)).await;
        }
        self.look_up(operation, move |connection| records(connection, &ids)).await
    }

    async fn inbox(&self, run: RunId) -> Result<Vec<InboxEntry>, StoreError> {
        self.look_up("reading the inbox", move |connection| {
            let sql = "SELECT record, execution, at, postponed IS runs.sequence
                FROM inbox JOIN runs ON runs.id = inbox.run WHERE run = ?1 ORDER BY record";
            connection.prepare_cached(sql)?.query_map([run.0], rows::inbox_entry)?.collect()
        })
        .await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let (unless_left, left) = self.unless_left();
        self.read("looking for due runs", move |connection| {
            let sql = format!(
                "SELECT id FROM (SELECT id FROM runs WHERE owner IS NULL AND due_at <= ? AND {unless_left}
                    ORDER BY due_at LIMIT ?)
                UNION SELECT id FROM (SELECT DISTINCT runs.id FROM inbox JOIN runs ON runs.id = inbox.run
                    WHERE runs.owner IS NULL AND postponed IS NOT runs.sequence AND {unless_left} LIMIT ?)
                UNION SELECT id FROM (SELECT runs.id FROM places JOIN runs ON runs.id = places.run
                    WHERE given AND NOT taken_up AND runs.owner IS NULL AND {unless_left} LIMIT ?)
                LIMIT ?"
            );
            let limit = Value::from(limited(limit));
            let mut values = vec![Value::from(micros(now))];
            for _ in 0..3 {
                values.extend(left.iter().cloned());
                values.push(limit.clone());
            }
            values.push(limit);
            connection.prepare_cached(&sql)?.query_map(params_from_iter(values), rows::run_id)?.collect()
        })
        .await
    }

    async fn has_place(&self, run: RunId) -> Result<bool, StoreError> {
        self.look_up("looking for the run's place", move |connection| {
            connection.prepare_cached("SELECT 1 FROM places WHERE run = ?1 AND given")?.exists([run.0])
        })
        .await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let (unless_left, left) = self.unless_left();
        self.read("looking for the next due run", move |connection| {
            let sql = format!(
                "SELECT min(due_at) FROM runs WHERE owner IS NULL AND due_at IS NOT NULL AND {unless_left}"
            );
            connection
                .prepare_cached(&sql)?
                .query_row(params_from_iter(left), |row| rows::optional_time(row, 0))
        })
        .await
    }

    async fn adopt_runs(&self, limit: usize) -> Result<Vec<RunId>, StoreError> {
        let epoch = self.epoch;
        let (unless_left, values) = self.unless_left();
        let orphaned = self.read("looking for orphaned runs", move |connection| {
            let sql =
                format!("SELECT 1 FROM runs WHERE {} AND {unless_left} LIMIT 1", change::orphaned(epoch));
            connection.prepare_cached(&sql)?.exists(params_from_iter(values))
        });
        // Nearly always there are none, and then nothing is written.
        if !orphaned.await? {
            return Ok(Vec::new());
        }
        match self.writer.store(Change::Adopt { limit, left: self.left() }).await? {
            Answer::Adopted(runs) => Ok(runs),
            _ => Err(StoreError { operation: "taking runs over", source: "no answer".into() }),
        }
    }

    async fn adopt_workflows(&self) -> Result<Vec<AdoptedWorkflow>, StoreError> {
        if self.workflows_adopted.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let workflows = self.workflows().await?;
        self.workflows_adopted.store(true, Ordering::Relaxed);
        Ok(workflows.into_iter().map(|row| AdoptedWorkflow { row, others: Vec::new() }).collect())
    }

    async fn once(&self, execution: ExecutionId, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.look_up("reading a value of `once`", move |connection| {
            let sql = "SELECT value FROM once WHERE run = ?1 AND execution = ?2 AND name = ?3";
            connection
                .prepare_cached(sql)?
                .query_row(params![execution.run.0, execution.number, name], |row| row.get(0))
                .optional()
        })
        .await
    }

    async fn record_once(&self, value: OnceValue) -> Result<(), CommitError> {
        self.guarded(Change::Once(value)).await
    }

    async fn put_token(&self, hash: [u8; 32], name: &str, now: Timestamp) -> Result<(), StoreError> {
        self.write(Change::Token { hash, name: name.to_owned(), now }).await
    }

    async fn check_writable(&self) -> Result<(), StoreError> {
        self.writer.check_disk()
    }

    async fn has_token(&self, hash: [u8; 32]) -> Result<bool, StoreError> {
        self.look_up("looking for the token", move |connection| {
            connection.prepare_cached("SELECT 1 FROM tokens WHERE hash = ?1")?.exists([hash.as_slice()])
        })
        .await
    }
}

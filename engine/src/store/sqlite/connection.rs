//! Connections, their settings, and the migrations.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, ffi, params};

use crate::store::migration::{MigrationError, pending};

/// How long a connection waits for another one's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;

/// The migrations in order. A migration that was released never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_places.sql"),
    include_str!("migrations/0003_upkeep.sql"),
    include_str!("migrations/0004_answers.sql"),
    include_str!("migrations/0005_connections.sql"),
    include_str!("migrations/0006_postponed.sql"),
    include_str!("migrations/0007_calls.sql"),
];
/// The mode of `auto_vacuum` in which free pages are given back in steps.
pub(super) const INCREMENTAL: i64 = 2;
/// After how many pages the write-ahead log is brought into the database. A page that has changed often is brought once.
const CHECKPOINT_AFTER: i64 = 4000;
/// How much of the database a connection that reads keeps in memory, in KiB. The operating system keeps it as well, and
/// what was read is old after the next commit.
const READ_CACHE: i64 = 512;
/// How long the write-ahead log stays, in bytes, once a checkpoint has brought it into the database.
const LONGEST_LOG: i64 = 64 * 1024 * 1024;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Migrations(#[from] MigrationError),
}

/// The connection that writes: durable with every commit.
pub(super) fn writer(path: &Path) -> Result<Connection, OpenError> {
    let mut connection = Connection::open(path)?;
    // It takes effect before the first table only.
    connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "journal_size_limit", LONGEST_LOG)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_AFTER)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    prepare(&connection)?;
    migrate(&mut connection)?;
    Ok(connection)
}

/// A connection that reads.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI,
    )?;
    connection.pragma_update(None, "cache_size", -READ_CACHE)?;
    prepare(&connection)?;
    Ok(connection)
}

/// Brings as much of the write-ahead log into the database as nobody reads, without waiting.
pub(super) fn checkpoint(path: &Path) -> Result<(), rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

fn prepare(connection: &Connection) -> Result<(), OpenError> {
    // Plans do not depend on the values that are looked for; else each use of a statement would plan it anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, checksum BLOB NOT NULL) STRICT",
    )?;
    let applied: Vec<Vec<u8>> = transaction
        .prepare("SELECT checksum FROM migrations ORDER BY number")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for migration in pending(MIGRATIONS, &applied)? {
        transaction.execute_batch(migration.sql)?;
        transaction.execute(
            "INSERT INTO migrations (number, checksum) VALUES (?1, ?2)",
            params![migration.number, migration.checksum],
        )?;
    }
    transaction.commit()?;
    Ok(())
}

/// Counts this process in, and says the number of its epoch and the first free record id.
pub(super) fn enter(connection: &Connection) -> Result<(i64, i64), rusqlite::Error> {
    let epoch =
        connection.query_row("UPDATE epochs SET epoch = epoch + 1 RETURNING epoch", [], |row| row.get(0))?;
    let last: Option<i64> = connection.query_row("SELECT max(id) FROM journal", [], |row| row.get(0))?;
    Ok((epoch, last.unwrap_or(0) + 1))
}

/// Fails if a process has come in after the one of this epoch.
pub(super) fn check_epoch(connection: &Connection, epoch: i64) -> Result<(), rusqlite::Error> {
    let current: i64 =
        connection.prepare_cached("SELECT epoch FROM epochs")?.query_row([], |row| row.get(0))?;
    if current == epoch {
        return Ok(());
    }
    let message = "another process has taken the database over".to_owned();
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_PERM), Some(message)))
}

/// The journal mode and the `synchronous` level.
pub(super) fn durability(connection: &Connection) -> Result<(String, i64), rusqlite::Error> {
    let journal_mode = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let synchronous = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    Ok((journal_mode, synchronous))
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_cached_statement_is_planned_once_whatever_it_looks_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("stepwell.db");
        let writer = writer(&path).unwrap();
        let reader = reader(&path).unwrap();
        for connection in [&writer, &reader] {
            for sql in [
                "SELECT record FROM inbox JOIN runs ON runs.id = inbox.run WHERE run = ?1 ORDER BY record",
                "SELECT id FROM runs WHERE id < ?1 ORDER BY id DESC LIMIT ?1",
            ] {
                for value in 0..3 {
                    let mut statement = connection.prepare_cached(sql).unwrap();
                    assert!(!statement.exists([value]).unwrap());
                }
                let statement = connection.prepare_cached(sql).unwrap();
                assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{sql}");
            }
        }
    }
}

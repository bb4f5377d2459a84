//! Connections, their settings, and the migrations.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

/// How long a connection waits for another one's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;

/// The migrations in order. A migration that was released never changes.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_initial.sql")];

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(
        "the database has schema version {found}, and this engine knows up to {known}; use a newer engine"
    )]
    Newer { found: i64, known: i64 },
    #[error("migration {0} was applied with another content; the database was made by a different engine")]
    Altered(i64),
}

/// The connection that writes: durable with every commit.
pub(super) fn writer(path: &Path) -> Result<Connection, OpenError> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
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
    prepare(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection) -> Result<(), OpenError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, checksum BLOB NOT NULL) STRICT",
    )?;
    let found: i64 = transaction.query_row("SELECT count(*) FROM migrations", [], |row| row.get(0))?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (number, sql) in (1_i64..).zip(MIGRATIONS) {
        let checksum = Sha256::digest(sql.as_bytes()).to_vec();
        let applied: Option<Vec<u8>> = transaction
            .query_row("SELECT checksum FROM migrations WHERE number = ?1", [number], |row| row.get(0))
            .optional()?;
        match applied {
            Some(applied) if applied == checksum => {}
            Some(_) => return Err(OpenError::Altered(number)),
            None => {
                transaction.execute_batch(sql)?;
                transaction.execute(
                    "INSERT INTO migrations (number, checksum) VALUES (?1, ?2)",
                    params![number, checksum],
                )?;
            }
        }
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

/// The journal mode and the `synchronous` level.
pub(super) fn durability(connection: &Connection) -> Result<(String, i64), rusqlite::Error> {
    let journal_mode = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let synchronous = connection.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    Ok((journal_mode, synchronous))
}

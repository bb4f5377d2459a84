//! The migrations: numbered files with checksums, applied in one transaction by one process at a time.

use sha2::{Digest as _, Sha256};
use tokio_postgres::{Client, IsolationLevel};

/// The migrations in order. A migration that was released never changes.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_initial.sql")];
/// The advisory lock that a process takes while it sets a database up: "stepwell" in ASCII.
pub(super) const LOCK: i64 = 0x7374_6570_7765_6c6c;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum MigrationError {
    #[error(transparent)]
    Database(#[from] tokio_postgres::Error),
    #[error(
        "the database has schema version {found}, and this engine knows up to {known}; use a newer engine"
    )]
    Newer { found: i64, known: i64 },
    #[error("migration {0} was applied with another content; the database was made by a different engine")]
    Altered(i64),
}

/// Brings the database to the newest schema. Who comes second waits and finds nothing left to do.
pub(super) async fn migrate(client: &mut Client) -> Result<(), MigrationError> {
    let transaction =
        client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, checksum BYTEA NOT NULL)",
        )
        .await?;
    let applied = transaction.query("SELECT number, checksum FROM migrations ORDER BY number", &[]).await?;
    let (found, known) = (count(applied.len()), count(MIGRATIONS.len()));
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    for (index, (number, sql)) in (1_i64..).zip(MIGRATIONS).enumerate() {
        let checksum = Sha256::digest(sql.as_bytes()).to_vec();
        match applied.get(index) {
            Some(row) if row.try_get::<_, Vec<u8>>(1)? == checksum => {}
            Some(_) => return Err(MigrationError::Altered(number)),
            None => {
                transaction.batch_execute(sql).await?;
                let insert = "INSERT INTO migrations (number, checksum) VALUES ($1, $2)";
                transaction.execute(insert, &[&number, &checksum]).await?;
            }
        }
    }
    transaction.commit().await?;
    Ok(())
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

//! The migrations, applied in one transaction by one process at a time.

use tokio_postgres::Client;

use super::connection::QueryError;
use crate::store::migration::pending;

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
/// The advisory lock that a process takes while it sets a database up: "stepwell" in ASCII.
pub(super) const LOCK: i64 = 0x7374_6570_7765_6c6c;

/// Brings the database to the newest schema. Who comes second waits and finds nothing left to do.
pub(super) async fn migrate(client: &mut Client) -> Result<(), QueryError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, checksum BYTEA NOT NULL)",
        )
        .await?;
    let rows = transaction.query("SELECT checksum FROM migrations ORDER BY number", &[]).await?;
    let applied: Vec<Vec<u8>> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    for migration in pending(MIGRATIONS, &applied)? {
        transaction.batch_execute(migration.sql).await?;
        let insert = "INSERT INTO migrations (number, checksum) VALUES ($1, $2)";
        transaction.execute(insert, &[&migration.number, &migration.checksum]).await?;
    }
    Ok(transaction.commit().await?)
}

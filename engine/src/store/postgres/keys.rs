//! Which keys belong to a database.

use tokio_postgres::Client;

use super::connection::QueryError;
use super::migrations::LOCK;

/// Notes the current key, if this process has every key that was noted before.
pub(super) async fn check(
    client: &mut Client,
    current: [u8; 32],
    known: &[[u8; 32]],
) -> Result<(), QueryError> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    for row in transaction.query("SELECT fingerprint FROM keys", &[]).await? {
        let fingerprint: Vec<u8> = row.try_get(0)?;
        if !known.iter().any(|known| known.as_slice() == fingerprint) {
            return Err(QueryError::OtherKeys);
        }
    }
    let sql = "INSERT INTO keys (fingerprint) VALUES ($1) ON CONFLICT DO NOTHING";
    transaction.execute(sql, &[&current.as_slice()]).await?;
    Ok(transaction.commit().await?)
}

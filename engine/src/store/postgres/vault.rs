//! The credentials of connections.

use async_trait::async_trait;
use tokio_postgres::Row;

use super::connection::QueryError;
use super::read::{Parameters, all, first};
use super::{PostgresStore, failed, rows};
use crate::store::change::micros;
use crate::store::{ConnectionRow, StoreError, Vault, columns};

#[async_trait]
impl Vault for PostgresStore {
    async fn put_connection(&self, row: ConnectionRow) -> Result<bool, StoreError> {
        let ConnectionRow { kind, name, credentials, created_at, updated_at } = &row;
        // `xmax` is 0 in a row that was inserted.
        let sql = "INSERT INTO connections (kind, name, credentials, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (kind, name) DO UPDATE SET credentials = excluded.credentials, updated_at = excluded.updated_at
            RETURNING xmax = 0";
        let (created_at, updated_at) = (micros(*created_at), micros(*updated_at));
        let parameters: Parameters<'_> = &[kind, name, credentials, &created_at, &updated_at];
        let stored = first(self.readers(), sql, parameters, |row| rows::get(row, 0));
        Ok(stored.await.map_err(failed("storing the connection"))?.unwrap_or_default())
    }

    async fn connection(&self, kind: &str, name: &str) -> Result<Option<ConnectionRow>, StoreError> {
        let sql = format!("SELECT {} FROM connections WHERE kind = $1 AND name = $2", columns::CONNECTION);
        first(self.readers(), &sql, &[&kind, &name], row).await.map_err(failed("reading the connection"))
    }

    async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError> {
        let sql = format!("SELECT {} FROM connections ORDER BY kind, name", columns::CONNECTION);
        all(self.readers(), &sql, &[], row).await.map_err(failed("listing the connections"))
    }

    async fn remove_connection(&self, kind: &str, name: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM connections WHERE kind = $1 AND name = $2";
        Ok(self.count("removing the connection", sql, &[&kind, &name]).await? > 0)
    }
}

fn row(row: &Row) -> Result<ConnectionRow, QueryError> {
    Ok(ConnectionRow {
        kind: rows::get(row, 0)?,
        name: rows::get(row, 1)?,
        credentials: rows::get(row, 2)?,
        created_at: rows::time(row, 3)?,
        updated_at: rows::time(row, 4)?,
    })
}

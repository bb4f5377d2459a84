//! The credentials of connections.

use async_trait::async_trait;
use rusqlite::{OptionalExtension as _, Row, params};

use super::{SqliteStore, rows};
use crate::store::change::micros;
use crate::store::{ConnectionRow, StoreError, Vault, columns};

#[async_trait]
impl Vault for SqliteStore {
    async fn put_connection(&self, row: ConnectionRow) -> Result<bool, StoreError> {
        let inserted = self.count("storing the connection", move |connection| {
            let ConnectionRow { kind, name, credentials, created_at, updated_at } = &row;
            let sql =
                "UPDATE connections SET credentials = ?3, updated_at = ?4 WHERE kind = ?1 AND name = ?2";
            let replaced = connection.prepare_cached(sql)?.execute(params![
                kind,
                name,
                credentials,
                micros(*updated_at)
            ])?;
            if replaced > 0 {
                return Ok(0);
            }
            let sql = "INSERT INTO connections (kind, name, credentials, created_at, updated_at)
                VALUES (?1, ?2, ?3, ?4, ?5)";
            connection.prepare_cached(sql)?.execute(params![
                kind,
                name,
                credentials,
                micros(*created_at),
                micros(*updated_at)
            ])
        });
        Ok(inserted.await? > 0)
    }

    async fn connection(&self, kind: &str, name: &str) -> Result<Option<ConnectionRow>, StoreError> {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        self.look_up("reading the connection", move |connection| {
            let sql =
                format!("SELECT {} FROM connections WHERE kind = ?1 AND name = ?2", columns::CONNECTION);
            connection.prepare_cached(&sql)?.query_row([kind, name], row).optional()
        })
        .await
    }

    async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError> {
        self.read("listing the connections", |connection| {
            let sql = format!("SELECT {} FROM connections ORDER BY kind, name", columns::CONNECTION);
            connection.prepare_cached(&sql)?.query_map([], row)?.collect()
        })
        .await
    }

    async fn remove_connection(&self, kind: &str, name: &str) -> Result<bool, StoreError> {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        let removed = self.count("removing the connection", move |connection| {
            let sql = "DELETE FROM connections WHERE kind = ?1 AND name = ?2";
            connection.prepare_cached(sql)?.execute([&kind, &name])
        });
        Ok(removed.await? > 0)
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<ConnectionRow> {
    Ok(ConnectionRow {
        kind: row.get(0)?,
        name: row.get(1)?,
        credentials: row.get(2)?,
        created_at: rows::time(row, 3)?,
        updated_at: rows::time(row, 4)?,
    })
}

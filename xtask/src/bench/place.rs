//! Where an engine under measure keeps its things: an empty database that is looked at from outside.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use super::server::Server;
use super::{Outcome, failed, process};

/// Which database.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Database {
    /// The one in the data directory
    Sqlite,
    /// A server of the bench's own
    Postgres,
}

impl Database {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// A data directory, and a database on the server if there is one.
pub(super) struct Place {
    data: TempDir,
    remote: Option<(Arc<Server>, String)>,
}

impl Place {
    /// An empty one.
    pub(super) async fn empty(server: Option<&Arc<Server>>, name: &str) -> Outcome<Self> {
        let data = super::directory()?;
        let remote = match server {
            Some(server) => {
                let client = server.connect("postgres").await?;
                client
                    .batch_execute(&format!("CREATE DATABASE {name}"))
                    .await
                    .map_err(failed("CREATE DATABASE"))?;
                Some((Arc::clone(server), name.to_owned()))
            }
            None => None,
        };
        Ok(Self { data, remote })
    }

    /// The same database for one more engine, with a data directory of its own and the same keys.
    pub(super) fn shared(&self) -> Outcome<Self> {
        let data = super::directory()?;
        std::fs::copy(self.data.path().join("keys"), data.path().join("keys")).map_err(failed("the keys"))?;
        Ok(Self { data, remote: self.remote.clone() })
    }

    pub(super) fn data(&self) -> &Path {
        self.data.path()
    }

    /// The URL of the database, if it is not in the data directory.
    pub(super) fn url(&self) -> Option<String> {
        self.remote.as_ref().map(|(server, name)| server.url(name))
    }

    /// The bytes of the database once everything is where it stays.
    pub(super) async fn checkpointed(&self) -> Outcome<f64> {
        let Some((server, name)) = &self.remote else {
            let connection = self.sqlite()?;
            connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
                .map_err(failed("wal_checkpoint"))?;
            return process::size(&self.data.path().join("stepwell.db"));
        };
        let client = server.connect(name).await?;
        // Each by itself, since `VACUUM` takes no part in a transaction.
        for sql in ["VACUUM", "CHECKPOINT"] {
            client.batch_execute(sql).await.map_err(failed(sql))?;
        }
        let row = client.query_one("SELECT pg_database_size(current_database())", &[]).await;
        let bytes: i64 = row.map_err(failed("pg_database_size"))?.get(0);
        #[expect(clippy::cast_precision_loss, reason = "no database here has 2^52 bytes")]
        Ok(bytes as f64)
    }

    /// The settings that decide whether a commit is durable, as the database tells them. Of `SQLite` the file tells its
    /// journal mode; the level is the connection's own, and the engine tells it.
    pub(super) async fn durability(&self) -> Outcome<String> {
        let Some((server, name)) = &self.remote else {
            let mode: String = self
                .sqlite()?
                .query_row("PRAGMA journal_mode", [], |row| row.get(0))
                .map_err(failed("journal_mode"))?;
            return Ok(format!("file_journal_mode={mode}"));
        };
        let client = server.connect(name).await?;
        let mut told = Vec::new();
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let row = client.query_one(&format!("SHOW {setting}"), &[]).await.map_err(failed(setting))?;
            told.push(format!("{setting}={}", row.get::<_, String>(0)));
        }
        Ok(told.join(" "))
    }

    fn sqlite(&self) -> Outcome<Connection> {
        let path = self.data.path().join("stepwell.db");
        Connection::open(&path).map_err(failed("stepwell.db"))
    }
}

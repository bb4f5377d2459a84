//! Connections: made and removed by a person, opened for each attempt.

use serde_json::Value;

use super::answer::Refusal;
use super::{Driver, Inner};
use crate::connections::{ConnectionError, chosen};
use crate::definition::{CatalogConnection, Problem, is_connection_name, unknown};
use crate::store::{ConnectionRow, StoreError};

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoCredentials {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Driver {
    /// Keeps the credentials of a connection, sealed, or replaces them; attempts that begin afterwards get them.
    /// Whether the connection is new.
    ///
    /// # Errors
    ///
    /// When there is no such kind, the name or the credentials do not fit, or the database fails.
    pub async fn put_connection(&self, kind: &str, name: &str, credentials: &Value) -> Result<bool, Refusal> {
        let inner = &self.inner;
        let mut problems = inner.connection_kind(kind)?.validate(credentials);
        if !is_connection_name(name) {
            let message = "A connection's name is 1 to 100 letters, digits, `-` and `_`, such as `billing`";
            problems.push(Problem::new("name", message));
        }
        if !problems.is_empty() {
            return Err(Refusal::Problems(problems));
        }
        let plain = serde_json::to_vec(credentials).expect("a value has a JSON form");
        let now = inner.clock.now();
        let row = ConnectionRow {
            kind: kind.to_owned(),
            name: name.to_owned(),
            credentials: inner.keys.seal(&purpose(kind, name), &plain),
            created_at: now,
            updated_at: now,
        };
        Ok(inner.store.put_connection(row).await?)
    }

    /// All connections that were made, by kind and name.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError> {
        self.inner.store.connections().await
    }

    /// Removes a connection; attempts that begin afterwards fail for want of it.
    ///
    /// # Errors
    ///
    /// When there is none, or the database fails.
    pub async fn remove_connection(&self, kind: &str, name: &str) -> Result<(), Refusal> {
        if self.inner.store.remove_connection(kind, name).await? {
            return Ok(());
        }
        Err(Refusal::NotFound(format!("There is no connection `{name}` of the kind `{kind}`")))
    }
}

impl Inner {
    /// The credentials that an instance of a block is given; `null` if it has none.
    pub(super) async fn credentials(&self, block: &str, named: Option<&str>) -> Result<Value, NoCredentials> {
        let Some(block) = self.blocks.get(block) else { return Ok(Value::Null) };
        self.chosen_connection(block.connection, block.connection_optional, named).await
    }

    /// The credentials of the connection that is used where a person has named this one or none; `null` if there is to
    /// be none.
    pub(super) async fn chosen_connection(
        &self,
        kind: Option<&str>,
        optional: bool,
        named: Option<&str>,
    ) -> Result<Value, NoCredentials> {
        match (kind, chosen(named, optional)) {
            (Some(kind), Some(name)) => self.connection(kind, name).await,
            _ => Ok(Value::Null),
        }
    }

    /// The credentials of a connection: those that the program holds, or else those that a person gave.
    pub(super) async fn connection(&self, kind: &str, name: &str) -> Result<Value, NoCredentials> {
        match self.connections.credentials(kind, name).await {
            Err(ConnectionError::Missing { .. }) => {
                let row = self.store.connection(kind, name).await?;
                Ok(self.open_connection(row, kind, name)?)
            }
            held => Ok(held?),
        }
    }

    fn open_connection(
        &self,
        row: Option<ConnectionRow>,
        kind: &str,
        name: &str,
    ) -> Result<Value, ConnectionError> {
        let unavailable = |message: String| ConnectionError::Unavailable {
            kind: kind.to_owned(),
            name: name.to_owned(),
            message,
        };
        let row = row.ok_or_else(|| ConnectionError::missing(kind, name))?;
        let plain = self.keys.unseal(&purpose(kind, name), &row.credentials);
        let plain = plain.map_err(|error| unavailable(error.to_string()))?;
        serde_json::from_slice(&plain)
            .map_err(|_| unavailable("the stored credentials are damaged; set them again".to_owned()))
    }

    fn connection_kind(&self, kind: &str) -> Result<&CatalogConnection, Refusal> {
        self.catalog.connection(kind).ok_or_else(|| {
            let message = unknown("kind of connection", kind, self.catalog.connection_ids());
            Refusal::Problems(vec![Problem::new("kind", message)])
        })
    }
}

/// What the credentials of a connection are sealed for.
fn purpose(kind: &str, name: &str) -> String {
    format!("connection:{kind}:{name}")
}

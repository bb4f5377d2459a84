//! The credentials of connections, sealed. To a store they are bytes.

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;

/// What a store keeps of connections.
#[async_trait]
pub trait Vault: Send + Sync + 'static {
    /// Keeps a connection, or replaces the one of its kind and name. Whether it is new.
    async fn put_connection(&self, row: ConnectionRow) -> Result<bool, StoreError>;
    /// One connection.
    async fn connection(&self, kind: &str, name: &str) -> Result<Option<ConnectionRow>, StoreError>;
    /// All connections, by kind and name.
    async fn connections(&self) -> Result<Vec<ConnectionRow>, StoreError>;
    /// Removes a connection. Whether there was one.
    async fn remove_connection(&self, kind: &str, name: &str) -> Result<bool, StoreError>;
}

/// A connection as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionRow {
    /// Its kind, `app/name`.
    pub kind: String,
    /// Its name, unique within its kind.
    pub name: String,
    /// The credentials, sealed.
    pub credentials: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the credentials were given last.
    pub updated_at: Timestamp,
}

//! Where the credentials of connections come from.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;
use stepwell::connection::Connection;

/// Gives handlers the credentials that their blocks need.
#[async_trait]
pub trait ConnectionProvider: Send + Sync + 'static {
    /// The credentials of a kind of connection, `app/name`, in the form of its schema. Asked for each attempt, so
    /// that a run sees credentials that were changed meanwhile.
    ///
    /// # Errors
    ///
    /// Why there are none now.
    async fn credentials(&self, connection: &str) -> Result<Value, ConnectionError>;
}

/// Why a handler cannot have its connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// Nobody has made it; trying again does not help.
    #[error("there is no connection `{0}`; make it, then try again")]
    Missing(String),
    /// It cannot be had now; trying again may help.
    #[error("the connection `{connection}` cannot be used now: {message}")]
    Unavailable {
        /// The connection's id.
        connection: String,
        /// Why.
        message: String,
    },
}

/// Connections that the program itself holds.
#[derive(Default, Clone)]
pub struct ProgramConnections(BTreeMap<&'static str, Value>);

impl ProgramConnections {
    /// No connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a connection, or replaces the one of its kind.
    ///
    /// # Panics
    ///
    /// When the connection has no JSON form.
    #[must_use]
    pub fn with<C: Connection>(mut self, connection: &C) -> Self {
        if let Some(id) = C::ID {
            let credentials = connection.to_credentials().expect("credentials are JSON");
            self.0.insert(id, credentials);
        }
        self
    }
}

impl std::fmt::Debug for ProgramConnections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

#[async_trait]
impl ConnectionProvider for ProgramConnections {
    async fn credentials(&self, connection: &str) -> Result<Value, ConnectionError> {
        self.0.get(connection).cloned().ok_or_else(|| ConnectionError::Missing(connection.to_owned()))
    }
}

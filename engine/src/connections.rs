//! Where the credentials of connections come from.
//!
//! A connection has a kind, `app/name`, which a crate of blocks declares, and a name, by which a workflow chooses one
//! of several of that kind. A step that names none gets the one called [`DEFAULT`], unless its block runs without one as
//! well: then it has none.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;
use stepwell::connection::Connection;

/// The name of the connection that a step gets which names none.
pub const DEFAULT: &str = "default";

/// The name of the connection that is used where a person has named this one or none. There is none where a block that
/// runs without one as well is given no name: credentials go nowhere unless somebody says so.
pub(crate) fn chosen(named: Option<&str>, optional: bool) -> Option<&str> {
    named.or((!optional).then_some(DEFAULT))
}

/// Gives handlers the credentials that their blocks need. It is asked before the database is.
#[async_trait]
pub trait ConnectionProvider: Send + Sync + 'static {
    /// The credentials of a connection, in the form of its kind's schema. Asked for each attempt, so that a run sees
    /// credentials that were changed meanwhile.
    ///
    /// # Errors
    ///
    /// Why there are none now.
    async fn credentials(&self, kind: &str, name: &str) -> Result<Value, ConnectionError>;
}

/// Why a handler cannot have its connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// Nobody has made it; trying again does not help.
    #[error(
        "there is no connection `{name}` of the kind `{kind}`; make it with `stepwell connections set {kind} --name {name}`, then try again"
    )]
    Missing {
        /// The kind, `app/name`.
        kind: String,
        /// The name.
        name: String,
    },
    /// It cannot be had now; trying again may help.
    #[error("the connection `{name}` of the kind `{kind}` cannot be used now: {message}")]
    Unavailable {
        /// The kind, `app/name`.
        kind: String,
        /// The name.
        name: String,
        /// Why.
        message: String,
    },
}

impl ConnectionError {
    pub(crate) fn missing(kind: &str, name: &str) -> Self {
        Self::Missing { kind: kind.to_owned(), name: name.to_owned() }
    }
}

/// Connections that the program itself holds.
#[derive(Default, Clone)]
pub struct ProgramConnections(BTreeMap<(&'static str, String), Value>);

impl ProgramConnections {
    /// No connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a connection as the default one, or replaces it.
    ///
    /// # Panics
    ///
    /// When the connection has no JSON form.
    #[must_use]
    pub fn with<C: Connection>(self, connection: &C) -> Self {
        self.with_named(DEFAULT, connection)
    }

    /// Adds a connection under a name, or replaces the one of its kind and name.
    ///
    /// # Panics
    ///
    /// When the connection has no JSON form.
    #[must_use]
    pub fn with_named<C: Connection>(mut self, name: &str, connection: &C) -> Self {
        if let Some(kind) = C::ID {
            let credentials = connection.to_credentials().expect("credentials are JSON");
            self.0.insert((kind, name.to_owned()), credentials);
        }
        self
    }

    /// Whether there is a default one of this kind.
    pub(crate) fn has_default(&self, kind: &str) -> bool {
        self.0.keys().any(|(held, name)| *held == kind && name == DEFAULT)
    }
}

impl std::fmt::Debug for ProgramConnections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

#[async_trait]
impl ConnectionProvider for ProgramConnections {
    async fn credentials(&self, kind: &str, name: &str) -> Result<Value, ConnectionError> {
        let found = self.0.iter().find(|((held, called), _)| *held == kind && called == name);
        found.map(|(_, credentials)| credentials.clone()).ok_or_else(|| ConnectionError::missing(kind, name))
    }
}

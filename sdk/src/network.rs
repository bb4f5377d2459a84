//! Connections to servers that do not speak HTTP.
//!
//! `cx.addresses(host, port)` gives the addresses that a handler may connect to, such as those of a mail server. The
//! engine leaves out those that are not public, unless its operator allows them: a block that looks a name up itself
//! gives whoever configures it a way into the network that the engine stands in.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;

use crate::error::{ActivationError, StepError, TriggerError};

/// Looks up hosts. The engine implements it with its guard, a test with its own addresses.
#[async_trait]
pub trait Network: Send + Sync {
    /// The addresses of a host, a name or an IP address, that a handler may connect to; at least one.
    ///
    /// # Errors
    ///
    /// When the host is unknown, cannot be looked up now, or has only addresses that are refused.
    async fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, NetworkError>;
}

/// Why a host has no address to connect to.
///
/// `?` turns it into a handler's error and keeps whether it is retryable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkError {
    message: String,
    retryable: bool,
}

impl NetworkError {
    /// A host that will be refused again.
    pub fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: false }
    }

    /// A failure that may pass.
    pub fn transient(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: true }
    }

    /// Whether the same host may have an address later.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<NetworkError> for StepError {
    fn from(NetworkError { message, retryable }: NetworkError) -> Self {
        if retryable { Self::retryable(message) } else { Self::permanent(message) }
    }
}

impl From<NetworkError> for TriggerError {
    fn from(error: NetworkError) -> Self {
        Self::failed(error.message)
    }
}

impl From<NetworkError> for ActivationError {
    fn from(error: NetworkError) -> Self {
        Self::new(error.message)
    }
}

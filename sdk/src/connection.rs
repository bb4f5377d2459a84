//! Connections: the credentials that a person gives once and blocks receive.

/// A kind of connection, which a block names in its context's type, as in `ExecuteContext<Lemlist>`.
pub trait Connection: Sized + Send + Sync + 'static {
    /// The connection's id within its crate; `None` for [`NoConnection`].
    const ID: Option<&'static str>;

    /// Reads the connection from the credentials that the engine holds.
    ///
    /// # Errors
    ///
    /// When the stored credentials do not fit this type.
    fn from_credentials(credentials: serde_json::Value) -> Result<Self, serde_json::Error>;
}

/// The connection of a block that needs none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoConnection;

impl Connection for NoConnection {
    const ID: Option<&'static str> = None;

    fn from_credentials(_: serde_json::Value) -> Result<Self, serde_json::Error> {
        Ok(Self)
    }
}

//! Adapters between an author's typed handlers and the erased ones of a [`BlockDefinition`](crate::block).
//!
//! The expansion names the block's own types with the author's tokens, so that a bound which they miss is reported
//! there, once. What a handler takes is inferred, and the traits of [`handler`](super::handler) compare it.

mod options;
mod step;
mod trigger;

use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::options::options;
pub use self::step::{cancel, execute, finish, no_state, store_state, wake};
pub use self::trigger::{activate, deactivate, handshake, renew, tick, trigger};

/// Reads a stored value. A value that does not fit says so without quoting it, since it may be private.
fn read<T: DeserializeOwned>(value: Value, what: &str) -> Result<T, Misfit> {
    serde_json::from_value(value).map_err(|error| Misfit(format!("{what} does not fit its type: {error}")))
}

/// A stored value that does not fit its type.
#[derive(Debug)]
struct Misfit(String);

impl std::fmt::Display for Misfit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl From<Misfit> for String {
    fn from(misfit: Misfit) -> Self {
        misfit.0
    }
}

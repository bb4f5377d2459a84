//! Databases in memory, for tests.

use std::path::PathBuf;
use std::sync::Mutex;

use rusqlite::Connection;
use uuid::Uuid;

use super::{Mode, SqliteStore, opening};
use crate::store::StoreError;

/// A database in memory. It lives as long as this value or a store on it; several stores may be open at once, each
/// in an epoch of its own, as after a process has died.
pub struct MemoryDatabase {
    path: String,
    _open: Mutex<Connection>,
}

impl MemoryDatabase {
    /// An empty database.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub fn new() -> Result<Self, StoreError> {
        let path = format!("file:/stepwell-{}?vfs=memdb", Uuid::new_v4());
        let open = Connection::open(&path).map_err(opening)?;
        Ok(Self { path, _open: Mutex::new(open) })
    }

    /// A store on it.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub fn open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::enter(PathBuf::from(&self.path), Mode::Threads, ())
    }

    /// A store on it that works on the caller's thread and starts none. What is asked of it by one thread happens
    /// in the order in which it is asked.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub fn open_inline(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::enter(PathBuf::from(&self.path), Mode::Inline, ())
    }
}

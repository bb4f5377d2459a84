//! The connections that read, and where reading is done.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use rusqlite::Connection;

use super::connection::{self, OpenError};
use super::pace::Pace;

/// How many connections for reading are kept open.
const IDLE: usize = 16;

/// The connections for reading.
pub(super) struct Readers {
    path: PathBuf,
    /// Those that nobody uses now.
    idle: Mutex<Vec<Connection>>,
    /// How long looking up a row has taken of late.
    pace: Pace,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default(), pace: Pace::default() }
    }

    /// The database's file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether a row is looked up soon enough for it to be done where tasks are run.
    pub(super) fn are_quick(&self) -> bool {
        self.pace.is_quick()
    }

    /// Looks up a few rows by their keys.
    pub(super) fn look_up<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OpenError> {
        let begun = Instant::now();
        let value = self.read(read);
        self.pace.note(begun.elapsed());
        value
    }

    /// Reads.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, OpenError> {
        let idle = self.idle.lock().expect("no holder panics").pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connection::reader(&self.path)?,
        };
        let value = read(&connection)?;
        let mut idle = self.idle.lock().expect("no holder panics");
        if idle.len() < IDLE {
            idle.push(connection);
        }
        Ok(value)
    }
}

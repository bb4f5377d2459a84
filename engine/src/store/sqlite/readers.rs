//! The connections that read, and where reading is done.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::connection::{self, OpenError};

/// How many connections for reading are kept open.
const IDLE: usize = 16;
/// How long looking up a row may take on average where tasks are run: handing it to another thread and back costs more
/// while it is quick, but a disk that is slow must not keep other tasks from running.
const QUICK: Duration = Duration::from_micros(500);
/// How much of the average the newest reading is: one of so many.
const WEIGHT: i64 = 16;

/// The connections for reading.
pub(super) struct Readers {
    path: PathBuf,
    /// Those that nobody uses now.
    idle: Mutex<Vec<Connection>>,
    /// How long looking up a row has taken of late, in microseconds.
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

/// How long something takes of late, in microseconds: an average in which what is older counts less and less.
#[derive(Default)]
struct Pace(AtomicU32);

impl Pace {
    fn note(&self, took: Duration) {
        // Two that come at once may forget one of them.
        let average = i64::from(self.0.load(Ordering::Relaxed));
        let took = i64::try_from(took.as_micros()).unwrap_or(i64::MAX).min(i64::from(u32::MAX));
        // Rounded away from the average, so that it gets to where the readings are.
        let step = (took - average) / WEIGHT + (took - average).signum();
        self.0.store(u32::try_from(average + step).unwrap_or_default(), Ordering::Relaxed);
    }

    fn is_quick(&self) -> bool {
        Duration::from_micros(self.0.load(Ordering::Relaxed).into()) < QUICK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_reading_among_quick_ones_changes_nothing() {
        let pace = Pace::default();
        for _ in 0..100 {
            pace.note(Duration::from_micros(20));
        }
        pace.note(Duration::from_millis(5));
        assert!(pace.is_quick());
    }

    #[test]
    fn a_disk_that_becomes_slow_is_found_out_and_forgiven() {
        let pace = Pace::default();
        for _ in 0..16 {
            pace.note(Duration::from_millis(5));
        }
        assert!(!pace.is_quick());
        for _ in 0..100 {
            pace.note(Duration::from_micros(20));
        }
        assert!(pace.is_quick());
    }

    #[test]
    fn a_reading_of_any_length_can_be_noted() {
        let pace = Pace::default();
        for _ in 0..100 {
            pace.note(Duration::MAX);
        }
        assert!(!pace.is_quick());
    }
}

//! Whether the disk takes what is written.

use std::sync::Mutex;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::store::StoreError;

/// Why the last commit failed, if the disk was at fault.
#[derive(Default)]
pub(super) struct Disk(Mutex<Option<String>>);

impl Disk {
    /// Notes how a commit went, and logs when the disk begins to fail and when it no longer does.
    pub(super) fn note<T>(&self, connection: &Connection, committed: &rusqlite::Result<T>) {
        let failure = match committed {
            Ok(_) => None,
            Err(error) if is_of_disk(error) => Some(error.to_string()),
            Err(_) => return,
        };
        let mut known = self.0.lock().expect("no holder panics");
        let path = connection.path().unwrap_or_default();
        match (&*known, &failure) {
            (None, Some(error)) => tracing::error!(
                path,
                error,
                "the disk takes no writes; give it space, or make it writable. Until then nothing is acknowledged; \
                 after that the engine goes on by itself"
            ),
            (Some(_), None) => tracing::info!(path, "the disk takes writes again"),
            _ => {}
        }
        *known = failure;
    }

    /// Fails as the last commit did.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.0.lock().expect("no holder panics") {
            Some(failure) => {
                Err(StoreError { operation: "writing to the disk", source: failure.clone().into() })
            }
            None => Ok(()),
        }
    }
}

/// Writes a page as a commit does, and changes nothing.
pub(super) fn try_to_write(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // A page that is as it was is not written, so it becomes another first.
    transaction.execute("UPDATE epochs SET epoch = epoch + 1", [])?;
    transaction.execute("UPDATE epochs SET epoch = epoch - 1", [])?;
    transaction.commit()
}

fn is_of_disk(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    code.is_some_and(|code| {
        matches!(
            code,
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen
        )
    })
}

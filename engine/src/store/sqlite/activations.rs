//! The activations that were read, in memory: each event asks for one. A database is for one process, and all its
//! changes go through the writer, so that what was read is good until the writer says otherwise.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use crate::model::ActivationId;
use crate::store::ActivationRow;

/// How many are kept.
const MOST: usize = 4096;

/// The activations that were read and have not changed since.
#[derive(Default)]
pub(super) struct Activations(Mutex<Known>);

#[derive(Default)]
struct Known {
    rows: HashMap<ActivationId, ActivationRow>,
    /// Counts the changes.
    changes: u64,
}

impl Activations {
    /// One that is known; else the count of changes, which [`keep`](Self::keep) asks for.
    pub(super) fn get(&self, id: ActivationId) -> Result<ActivationRow, u64> {
        let known = self.known();
        known.rows.get(&id).cloned().ok_or(known.changes)
    }

    /// Keeps one that was read, unless something has changed since the count of changes was `changes`.
    pub(super) fn keep(&self, row: &ActivationRow, changes: u64) {
        let mut known = self.known();
        if known.changes != changes {
            return;
        }
        if known.rows.len() >= MOST {
            known.rows.clear();
        }
        known.rows.insert(row.id, row.clone());
    }

    /// Forgets all of them, since some may have changed. Before anybody is told that they have.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        known.changes += 1;
        known.rows.clear();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().expect("no holder panics")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{ActivationStatus, VersionId, WorkflowId};

    #[test]
    fn t5_what_was_read_before_a_change_is_not_kept_after_it() {
        let activations = Activations::default();
        let id = ActivationId(Uuid::now_v7());
        let row = ActivationRow {
            id,
            workflow: WorkflowId("flow".into()),
            version: VersionId(Uuid::now_v7()),
            status: ActivationStatus::Active,
            accepts: true,
            registration: Vec::new(),
            error: None,
        };
        let before = activations.get(id).unwrap_err();
        activations.forget();
        activations.keep(&row, before);
        let after = activations.get(id).expect_err("it was read before the change");
        activations.keep(&row, after);
        assert_eq!(activations.get(id), Ok(row));
        activations.forget();
        assert!(activations.get(id).is_err());
    }
}

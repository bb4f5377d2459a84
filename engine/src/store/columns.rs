//! What every store has in common: the columns of the tables that are read as a whole, in the order in which their rows
//! are read, and the statement that gives places.

use crate::model::READS;

/// Of a run.
pub(super) const RUN: &str =
    "id, workflow, version, status, state, sequence, due_at, created_at, finished_at, parent, owner";
/// Reads the run with this id as a callback finds it: its columns, its newest record, whether its inbox is empty.
pub(super) fn addressee(id: &str) -> String {
    format!(
        "SELECT {RUN}, head, NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.run = runs.id) FROM runs WHERE id = {id}"
    )
}

/// The owner of a run that an engine that reads so much has set aside. Processes have epochs from 1 on, and 0 is the
/// owner of what is left to the next process that can.
pub(super) fn set_aside(reads: u32) -> i64 {
    -i64::from(reads)
}

/// Whether a run with this owner was set aside by an engine that reads no more than this one.
pub(super) fn is_set_aside(owner: Option<i64>) -> bool {
    owner.is_some_and(|owner| owner <= set_aside(READS))
}

/// Of a workflow.
pub(super) const WORKFLOW: &str = "id, title, draft, state, sequence, created_at, updated_at";
/// Of a version.
pub(super) const VERSION: &str = "id, workflow, number, definition, created_at";
/// Of an activation.
pub(super) const ACTIVATION: &str = "id, workflow, version, status, accepts, registration, error";
/// Of an operation.
pub(super) const OPERATION: &str = "id, state, sequence, created_at, finished_at";
/// Of a connection.
pub(super) const CONNECTION: &str = "kind, name, credentials, created_at, updated_at";

/// Gives places in a lane (`$1`: workflow, `$2`: key) to the runs at its head, as far as their limits allow.
pub(super) const GIVE_PLACES: &str = "UPDATE places SET given = true WHERE arrival IN (
    SELECT arrival FROM (
        SELECT arrival, min(fits) OVER (ORDER BY arrival) AS all_fit FROM (
            SELECT arrival,
                CASE WHEN held + row_number() OVER (ORDER BY arrival) <= most THEN 1 ELSE 0 END AS fits
            FROM places,
                (SELECT count(*) AS held FROM places WHERE workflow = $1 AND key = $2 AND given = true) AS lane
            WHERE workflow = $1 AND key = $2 AND given = false ORDER BY arrival LIMIT 100
        ) AS head
    ) AS fitting WHERE all_fit = 1
)";

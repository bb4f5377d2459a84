//! The columns of the tables that are read as a whole, in the order in which their rows are read. Every store has the same.

/// Of a run.
pub(super) const RUN: &str =
    "id, workflow, version, status, state, sequence, due_at, created_at, finished_at";
/// Of a workflow.
pub(super) const WORKFLOW: &str = "id, title, draft, state, sequence, created_at, updated_at";
/// Of a version.
pub(super) const VERSION: &str = "id, workflow, number, definition, created_at";
/// Of an activation.
pub(super) const ACTIVATION: &str = "id, workflow, version, status, accepts, registration, error";

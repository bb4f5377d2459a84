//! What a workflow's trigger has made of what came: a sample for those who build on it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Driver;
use crate::model::{Entry, RunId, WorkflowId, decode_entries};
use crate::store::{RunFilter, StoreError};

/// What the latest run of a workflow began with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// The run.
    pub run_id: RunId,
    /// When it was created.
    pub created_at: Timestamp,
    /// The outcome of the trigger.
    pub outcome: String,
    /// The outcome's data: what steps read as `trigger`.
    pub data: Value,
}

impl Driver {
    /// What the latest run of a workflow began with, however it was started; `None` if there is no run.
    ///
    /// # Errors
    ///
    /// When the database fails, or what it holds cannot be read.
    pub async fn sample(&self, workflow: &WorkflowId) -> Result<Option<Sample>, StoreError> {
        let latest = RunFilter { workflow: Some(workflow.clone()), limit: 1, ..RunFilter::default() };
        let Some(run) = self.store().runs(latest).await?.pop() else { return Ok(None) };
        for record in self.store().journal(run.id).await? {
            let entries = decode_entries(&record.body)
                .map_err(|error| StoreError { operation: "reading the journal", source: error.into() })?;
            for entry in entries {
                if let Entry::RunStarted { outcome, data, .. } = entry {
                    return Ok(Some(Sample { run_id: run.id, created_at: run.created_at, outcome, data }));
                }
            }
        }
        // It has been removed in the meantime.
        Ok(None)
    }
}

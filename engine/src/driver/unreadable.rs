//! Runs that this engine cannot read: a newer one has written them, or they are damaged.
//!
//! They are set aside in the store, so that nobody who reads no more looks at them again; each start looks once.

use serde::Serialize;

use super::run::needed_values;
use super::{Driver, Inner};
use crate::model::{READS, RunId, UnreadableRecord, WorkflowId, decode_state};
use crate::store::{RunFilter, RunRow, StoreError};

/// How many runs are counted at most.
const MOST_COUNTED: usize = 1000;
/// Of how many it is told what is wrong with them.
const MOST_TOLD: usize = 20;

/// The runs that this engine cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// How many there are; 1000 are counted at most.
    pub runs: usize,
    /// What is wrong with the newest, 20 of them at most.
    pub newest: Vec<UnreadableRun>,
}

/// A run that this engine cannot read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnreadableRun {
    /// The run.
    #[serde(rename = "run_id")]
    pub run: RunId,
    /// Its workflow.
    #[serde(rename = "workflow_id")]
    pub workflow: WorkflowId,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl Driver {
    /// The runs that this engine cannot read. They wait, unharmed, for one that can.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn unreadable_runs(&self) -> Result<Unreadable, StoreError> {
        let unreadable = |limit| RunFilter { unreadable: true, limit, ..RunFilter::default() };
        let runs = self.inner.store.count_runs(unreadable(MOST_COUNTED)).await?;
        let mut newest = Vec::new();
        for row in self.inner.store.runs(unreadable(MOST_TOLD)).await? {
            let problem = self.inner.problem_of(&row).await?;
            newest.push(UnreadableRun { run: row.id, workflow: row.workflow, problem });
        }
        Ok(Unreadable { runs, newest })
    }
}

impl Inner {
    /// Leaves a run as it is that cannot be read, and says so once. If that fails, it is found and looked at again.
    pub(super) async fn set_aside(&self, run: RunId, sequence: i64, problem: &str) {
        match self.store.set_aside(run, sequence, READS).await {
            Ok(true) => {
                tracing::error!(run = %run, error = problem, "the run is set aside as it is, until the engine starts again or a newer one does");
            }
            Ok(false) => tracing::debug!(run = %run, error = problem, "the run stays set aside"),
            Err(error) => {
                tracing::error!(run = %run, error = %error, source = %error.source, "the run could not be set aside");
            }
        }
    }

    /// Why a run was set aside.
    async fn problem_of(&self, row: &RunRow) -> Result<String, StoreError> {
        let state = match decode_state(&row.state) {
            Ok(state) => state,
            Err(error) => return Ok(error.to_string()),
        };
        let version = match self.version(row.version).await {
            Ok(version) => version,
            Err(error) => return Ok(error.to_string()),
        };
        match self.values(&needed_values(&state, &version)).await {
            Err(error) if error.source.is::<UnreadableRecord>() => {
                Ok(format!("a value that it needs cannot be read: {}", error.source))
            }
            Err(error) => Err(error),
            // A message, or something that was mended since.
            Ok(_) => Ok("something that came for it cannot be read; the next start tries again".to_owned()),
        }
    }
}

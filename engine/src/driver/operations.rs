//! Operations on all runs that a filter selects.
//!
//! An operation goes through the runs that there were when it was asked for, newest first, a page at a time. A page is
//! committed before any of its runs is touched, each with the sequence at which it was seen. After a crash the page is
//! gone through again: a run that has moved on since was dealt with, so that nothing is done twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::answer::Refusal;
use super::replay::ReplayOn;
use super::{Driver, Inner};
use crate::model::{OperationId, RunId, RunStatus, WorkflowId};
use crate::store::{CommitError, OperationRow, RunFilter, StoreError};

/// How many runs an operation goes through in a second, unless it says otherwise.
pub const RATE: u32 = 50;
/// The highest rate.
pub const HIGHEST_RATE: u32 = 1000;
/// How many runs a page has at most; at a lower rate it has as many as one second takes.
const LARGEST_PAGE: usize = 100;
/// How many runs are counted at most before an operation begins.
const MOST_COUNTED: usize = 1_000_000;
/// How long to wait before an operation goes on whose database has failed, or while as many runs are under way as there
/// may be.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is done to each run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Cancels it.
    Cancel,
    /// Goes on from the steps that failed.
    Retry,
    /// Goes through it again from its beginning, as a new run on the same version.
    Replay,
}

/// Which runs an operation selects: those that all conditions hold for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Of this workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowId>,
    /// With this status. Without it, `cancel` selects those that have not ended, `retry` those that failed, and `replay`
    /// those that have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
    /// Started at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_after: Option<Timestamp>,
    /// Started earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<Timestamp>,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// It goes through the runs.
    Running,
    /// It has gone through all of them.
    Completed,
    /// Somebody has stopped it; what it had done stays done.
    Cancelled,
}

/// What an operation is to do and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// What is done to each run.
    pub action: Action,
    /// To which runs.
    pub filter: Selection,
    /// How many runs a second.
    pub rate: u32,
    /// Where it stands.
    pub status: OperationStatus,
    /// How many runs it selected when it was asked for; 1,000,000 are counted at most.
    pub matched: usize,
    /// To how many the action was applied.
    pub done: usize,
    /// How many were left as they are, by the reason.
    pub skipped: BTreeMap<String, usize>,
    /// To how many the action could not be applied, by the error.
    pub failed: BTreeMap<String, usize>,
    /// The page that is being gone through: runs with the sequence at which they were seen.
    page: Vec<(RunId, i64)>,
    /// All runs before this one are still to be gone through.
    before: RunId,
}

impl Action {
    /// Which of a selection's runs it concerns.
    fn filter(self, selection: &Selection) -> RunFilter {
        let Selection { workflow, status, created_after, created_before } = selection.clone();
        let status = status.or((self == Self::Retry).then_some(RunStatus::Failed));
        RunFilter {
            workflow,
            status,
            ended: match self {
                Self::Cancel => Some(false),
                Self::Retry => None,
                Self::Replay => Some(true),
            },
            created_after,
            created_before,
            ..RunFilter::default()
        }
    }
}

impl Driver {
    /// How many runs an action would be applied to; 1,000,000 are counted at most.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn count_selected(&self, action: Action, filter: &Selection) -> Result<usize, StoreError> {
        let filter = RunFilter { limit: MOST_COUNTED, ..action.filter(filter) };
        self.inner.store.count_runs(filter).await
    }

    /// Begins to apply an action to all runs that a filter selects, at most `rate` a second. The operation is durable
    /// when this returns; it goes on after a crash, and on another engine if this one dies.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn start_operation(
        &self,
        action: Action,
        filter: Selection,
        rate: u32,
    ) -> Result<OperationId, StoreError> {
        let operation = Operation {
            action,
            rate: rate.clamp(1, HIGHEST_RATE),
            status: OperationStatus::Running,
            matched: self.count_selected(action, &filter).await?,
            filter,
            done: 0,
            skipped: BTreeMap::new(),
            failed: BTreeMap::new(),
            page: Vec::new(),
            before: RunId(self.inner.clock.id()),
        };
        let id = OperationId(self.inner.clock.id());
        let row = OperationRow {
            id,
            state: encode(&operation),
            sequence: 0,
            created_at: self.now(),
            finished_at: None,
        };
        self.inner.store.put_operation(row).await?;
        self.inner.timer.notify_one();
        Ok(id)
    }

    /// Stops an operation; what it has done stays done.
    ///
    /// # Errors
    ///
    /// When there is no such operation, or it has ended.
    pub async fn cancel_operation(&self, id: OperationId) -> Result<(), Refusal> {
        loop {
            let row = self.inner.store.operation(id).await?;
            let row = row.ok_or_else(|| Refusal::NotFound(format!("There is no operation `{id}`")))?;
            if row.finished_at.is_some() {
                return Err(Refusal::Conflict("the operation has ended".to_owned()));
            }
            let mut operation = Operation::read(&row)?;
            operation.status = OperationStatus::Cancelled;
            let finished_at = Some(self.now());
            let row = OperationRow { state: encode(&operation), finished_at, ..row };
            match self.inner.store.commit_operation(row).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Applies an operation's action to one run.
    async fn apply(&self, operation: OperationId, action: Action, run: RunId) -> Result<(), Refusal> {
        match action {
            Action::Cancel => self.cancel(run).await,
            Action::Retry => self.retry(run).await,
            Action::Replay => {
                // A replay that is asked for again after a crash starts its run only once. No block's key begins like
                // this.
                let dedupe = Some(format!("\u{0}operation:{operation}:{run}"));
                self.inner.replay(run, None, ReplayOn::Same, dedupe).await.map(|_| ())
            }
        }
    }

    /// As [`apply`](Self::apply), once there is room for another run.
    async fn apply_patiently(
        &self,
        operation: OperationId,
        action: Action,
        run: RunId,
    ) -> Result<(), Refusal> {
        loop {
            match self.apply(operation, action, run).await {
                Err(Refusal::Busy) => tokio::time::sleep(AGAIN_AFTER).await,
                applied => return applied,
            }
        }
    }
}

impl Operation {
    /// An operation from its stored form.
    ///
    /// # Errors
    ///
    /// When it was written by a newer engine.
    pub fn read(row: &OperationRow) -> Result<Self, Refusal> {
        let newer = |_| Refusal::Conflict("the operation was asked for with a newer engine".to_owned());
        serde_json::from_slice(&row.state).map_err(newer)
    }
}

fn encode(operation: &Operation) -> Vec<u8> {
    serde_json::to_vec(operation).expect("an operation is numbers, texts and maps with texts as keys")
}

impl Inner {
    /// Takes up the operations that no engine works on.
    pub(super) async fn adopt_operations(self: &Arc<Self>) -> Result<(), StoreError> {
        for row in self.store.adopt_operations().await? {
            match Operation::read(&row) {
                Ok(operation) => self.work(Arc::clone(self).go_through(row, operation)),
                Err(error) => {
                    tracing::error!(operation = %row.id, error = %error, "the operation is left as it is");
                }
            }
        }
        Ok(())
    }

    /// Works on an operation until it ends, is stopped, or belongs to another engine.
    async fn go_through(self: Arc<Self>, row: OperationRow, operation: Operation) {
        let lease = self.lease();
        let id = row.id;
        let ended = async {
            let (mut row, mut operation) = (row, operation);
            while let Err(CommitError::Store(error)) = self.all_pages(&mut row, &mut operation).await {
                tracing::error!(operation = %id, error = %error, source = %error.source, "the operation is taken up again");
                tokio::time::sleep(AGAIN_AFTER).await;
                let Ok(Some(stored)) = self.store.operation(id).await else { continue };
                // A commit whose answer was lost has moved the sequence on.
                let Ok(state) = Operation::read(&stored) else { return };
                (row, operation) = (stored, state);
            }
        };
        tokio::select! {
            biased;
            () = lease.cancelled() => {}
            () = self.stopping.cancelled() => {}
            () = ended => {}
        }
    }

    async fn all_pages(
        self: &Arc<Self>,
        row: &mut OperationRow,
        operation: &mut Operation,
    ) -> Result<(), CommitError> {
        loop {
            // After a crash: the page that was being gone through.
            self.go_through_page(row.id, operation).await?;
            let size = LARGEST_PAGE.min(operation.rate as usize);
            let filter = RunFilter {
                before: Some(operation.before),
                limit: size,
                ..operation.action.filter(&operation.filter)
            };
            let page = self.store.runs(filter).await?;
            operation.page = page.iter().map(|run| (run.id, run.sequence)).collect();
            match page.last() {
                Some(last) => operation.before = last.id,
                None => operation.status = OperationStatus::Completed,
            }
            let ended = page.is_empty();
            row.state = encode(operation);
            row.finished_at = ended.then(|| self.clock.now());
            self.store.commit_operation(row.clone()).await?;
            row.sequence += 1;
            if ended {
                return Ok(());
            }
        }
    }

    async fn go_through_page(
        self: &Arc<Self>,
        id: OperationId,
        operation: &mut Operation,
    ) -> Result<(), CommitError> {
        let driver = Driver { inner: Arc::clone(self) };
        for (run, sequence) in std::mem::take(&mut operation.page) {
            tokio::time::sleep(Duration::from_secs(1) / operation.rate).await;
            let row = self.store.run(run).await?;
            match row {
                None => count(&mut operation.skipped, "the run was removed"),
                Some(row) if row.sequence != sequence && operation.action == Action::Retry => {
                    operation.done += 1;
                }
                Some(row)
                    if operation.action == Action::Cancel
                        && matches!(row.status, RunStatus::Cancelling | RunStatus::Cancelled) =>
                {
                    operation.done += 1;
                }
                Some(_) => match driver.apply_patiently(id, operation.action, run).await {
                    Ok(()) => operation.done += 1,
                    Err(Refusal::Store(error)) => return Err(error.into()),
                    Err(Refusal::Conflict(reason)) => count(&mut operation.skipped, &reason),
                    Err(refusal) => count(&mut operation.failed, &refusal.to_string()),
                },
            }
        }
        Ok(())
    }
}

fn count(reasons: &mut BTreeMap<String, usize>, reason: &str) {
    *reasons.entry(reason.to_owned()).or_default() += 1;
}

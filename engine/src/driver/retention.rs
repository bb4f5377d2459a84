//! Retention: finished runs are removed by age and by number, in small steps, and their space is given back.
//!
//! A run goes whole: its row first, in the transaction that notes where its records begin, then the records. So a
//! process that dies between two steps leaves nothing that looks like a run, and the next pass finds the rest.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Driver, Inner, decode_workflow};
use crate::model::{ActivationStatus, VersionId, WorkflowId};
use crate::store::{ActivationRow, Finished, StoreError, VersionRow};

/// How often there is a pass.
const EVERY: Duration = Duration::from_mins(1);
/// How many runs a step removes, or how many keys: few enough that commits which wait for it hardly notice.
const RUNS: usize = 50;
/// How many records a step removes.
const RECORDS: usize = 500;
/// The pause after a step, as a multiple of what the step took: at most a quarter of the database's time goes here.
const PAUSE: u32 = 3;
/// The shortest pause.
const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
/// How long deduplication keys are kept at least: senders deliver again for hours.
const LEAST_KEYS: Duration = Duration::from_hours(24);

/// What is kept of what has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long a run is kept after its end, and its deduplication key after its start: 30 days; `None` for ever.
    /// Keys are kept for a day at least.
    pub age: Option<Duration>,
    /// How many finished runs of each workflow are kept; `None` for all.
    pub number: Option<usize>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: Some(Duration::from_hours(30 * 24)), number: None }
    }
}

/// What a pass has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// Finished runs.
    pub runs: usize,
    /// Versions that no run is on any more.
    pub versions: usize,
    /// Deduplication keys.
    pub keys: usize,
}

impl Driver {
    /// Removes what is no longer kept, as the engine does every minute by itself.
    ///
    /// A version goes if it was out of use in the pass before as well, so that no start of a run still rests on it.
    ///
    /// # Errors
    ///
    /// When the database fails. What was removed until then stays removed.
    pub async fn apply_retention(&self) -> Result<Removed, StoreError> {
        self.inner.apply_retention().await
    }
}

impl Inner {
    /// Removes what is no longer kept until the engine stops.
    pub(super) async fn keep_retention(self: Arc<Self>) {
        loop {
            let next = self.clock.now().checked_add(EVERY).unwrap_or(Timestamp::MAX);
            while self.clock.now() < next {
                tokio::select! {
                    () = self.clock.sleep_until(next) => {}
                    () = self.stopping.cancelled() => return,
                }
            }
            match self.apply_retention().await {
                Ok(removed) if removed != Removed::default() => {
                    let Removed { runs, versions, keys } = removed;
                    tracing::info!(runs, versions, keys, "removed what is no longer kept");
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(error = %error, source = %error.source, "retention failed and is tried again");
                }
            }
        }
    }

    async fn apply_retention(&self) -> Result<Removed, StoreError> {
        let mut unused = self.unused.lock().await;
        let mut removed = Removed::default();
        let mut still_unused = HashSet::new();
        let oldest = self.retention.age.and_then(|age| self.clock.now().checked_sub(age).ok());
        for workflow in self.store.workflows().await? {
            // What a newer engine still needs of a workflow, only that one knows.
            let Ok(state) = decode_workflow(&workflow.state) else { continue };
            let until = self.last_to_remove(&workflow.id, oldest).await?;
            for (version, activation) in self.store.versions(&workflow.id).await? {
                if let Some(until) = until {
                    removed.runs += self.remove_runs(version.id, until).await?;
                }
                let live = state.activations.iter().any(|live| live.version == version.id);
                if live || !Self::is_over(&version, activation.as_ref(), oldest) {
                    continue;
                }
                if unused.contains(&version.id) && self.store.remove_version(version.id).await? {
                    removed.versions += 1;
                } else {
                    still_unused.insert(version.id);
                }
            }
        }
        *unused = still_unused;
        let key_age = self.retention.age.map(|age| age.max(LEAST_KEYS));
        if let Some(before) = key_age.and_then(|age| self.clock.now().checked_sub(age).ok()) {
            removed.keys = self.remove_keys(before).await?;
        }
        if let Some(before) = oldest {
            self.paced(self.store.remove_operations(before, RUNS)).await?;
        }
        self.finish_removals(removed.runs > 0).await?;
        Ok(removed)
    }

    /// The last run of a workflow, by their ends, that is no longer kept.
    async fn last_to_remove(
        &self,
        workflow: &WorkflowId,
        oldest: Option<Timestamp>,
    ) -> Result<Option<Finished>, StoreError> {
        let by_age = oldest.map(Finished::by);
        let by_number = match self.retention.number {
            Some(number) => self.store.finished_beyond(workflow, number).await?,
            None => None,
        };
        Ok(by_age.max(by_number))
    }

    /// Whether a version and its activation are over for so long that they need not be kept for themselves.
    fn is_over(version: &VersionRow, activation: Option<&ActivationRow>, oldest: Option<Timestamp>) -> bool {
        let old = oldest.is_some_and(|oldest| version.created_at <= oldest);
        old && activation.is_none_or(|activation| {
            !activation.accepts
                && matches!(
                    activation.status,
                    ActivationStatus::Deactivated | ActivationStatus::ActivationFailed
                )
        })
    }

    async fn remove_runs(&self, version: VersionId, until: Finished) -> Result<usize, StoreError> {
        let mut removed = 0;
        while !self.stopping.is_cancelled() {
            let now = self.paced(self.store.remove_runs(version, until, RUNS)).await?;
            removed += now;
            // What a step leaves behind is removed before the next, so that it does not pile up.
            while now > 0 && !self.stopping.is_cancelled() && self.remove_records().await? {}
            if now < RUNS {
                break;
            }
        }
        Ok(removed)
    }

    async fn remove_keys(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut removed = 0;
        while !self.stopping.is_cancelled() {
            let now = self.paced(self.store.remove_keys(before, RUNS)).await?;
            removed += now;
            if now < RUNS {
                break;
            }
        }
        Ok(removed)
    }

    /// Removes what a process that died has left, and gives the space back.
    async fn finish_removals(&self, gives_back: bool) -> Result<(), StoreError> {
        let mut left = gives_back;
        while !self.stopping.is_cancelled() && self.remove_records().await? {
            left = true;
        }
        while left && !self.stopping.is_cancelled() {
            left = self.paced(self.store.give_back_space()).await?;
        }
        Ok(())
    }

    async fn remove_records(&self) -> Result<bool, StoreError> {
        self.paced(self.store.remove_records(RECORDS)).await
    }

    /// Does one step and pauses, so that others are not held up.
    async fn paced<T>(&self, step: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let began = Instant::now();
        let done = step.await?;
        let pause = (began.elapsed() * PAUSE).max(SHORTEST_PAUSE);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stopping.cancelled() => {}
        }
        Ok(done)
    }
}

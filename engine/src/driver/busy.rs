//! How much is under way in this process.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{Driver, Inner};
use crate::store::StoreError;

/// Counts the tasks that work on runs and activations.
pub(super) struct Busy(watch::Sender<usize>);

/// Counts one task less when it is dropped.
pub(super) struct Working(Arc<Inner>);

impl Busy {
    pub(super) fn new() -> Self {
        Self(watch::channel(0).0)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.busy.0.send_modify(|tasks| *tasks -= 1);
    }
}

impl Inner {
    /// Counts as under way what happens until this is dropped.
    pub(super) fn working(self: &Arc<Self>) -> Working {
        self.busy.0.send_modify(|tasks| *tasks += 1);
        Working(Arc::clone(self))
    }

    /// Runs a task that works on a run or an activation.
    pub(super) fn work(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let working = self.working();
        // Boxed, since a task is moved several times before it runs, and these are large.
        self.tracker.spawn(Box::pin(async move {
            task.await;
            drop(working);
        }));
    }
}

impl Driver {
    /// Returns `true` when nothing is under way and nothing is due, `false` after `patience`.
    pub(crate) async fn idle(&self, patience: Duration) -> Result<bool, StoreError> {
        let until = tokio::time::Instant::now() + patience;
        let mut busy = self.inner.busy.0.subscribe();
        loop {
            let tasks = *busy.borrow_and_update();
            if tasks == 0 && self.nothing_due().await? && !busy.has_changed().unwrap_or(false) {
                return Ok(true);
            }
            match tokio::time::timeout_at(until, busy.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Ok(false),
            }
        }
    }

    /// Lets no attempt start until what this returns is dropped. Returns when none is running.
    pub(crate) async fn hold(&self) -> OwnedSemaphorePermit {
        let all = u32::try_from(self.inner.limits.attempts).unwrap_or(u32::MAX);
        let slots = Arc::clone(&self.inner.slots.process).acquire_many_owned(all).await;
        slots.expect("the slots are never closed")
    }

    async fn nothing_due(&self) -> Result<bool, StoreError> {
        let now = self.now();
        let store = &self.inner.store;
        Ok(store.due(now, 1).await?.is_empty()
            && !self.inner.adopt_runs().await?
            && self.next_due().await?.is_none_or(|next| next > now))
    }

    /// When the next timer is due.
    pub(crate) async fn next_due(&self) -> Result<Option<jiff::Timestamp>, StoreError> {
        let run = self.inner.store.next_due().await?;
        Ok([run, self.inner.next_workflow_due()].into_iter().flatten().min())
    }
}

//! What happens in other processes on the same database, and the loss of this process's lease.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{RwLockReadGuard, oneshot};
use tokio_util::sync::CancellationToken;

use super::answer::Refusal;
use super::run::Nudge;
use super::{Driver, Inner, elsewhere};
use crate::core::run::Event;
use crate::model::{RunId, RunStatus};
use crate::store::{News, StoreError};

/// How long to wait before the database is asked again for a new lease.
const LEASE_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How long to wait before looking again whether the tasks of a lost lease have ended.
const ENDED_AGAIN_AFTER: Duration = Duration::from_millis(10);

/// How long to wait for another process to cancel a run before the run is asked for again here.
const CANCELLED_AFTER: Duration = Duration::from_millis(500);
/// How often to look whether another process has cancelled a run.
const CANCELLED_AGAIN_AFTER: Duration = Duration::from_millis(20);
/// How often a run is asked for, here and elsewhere, before its cancellation is given up.
const CANCEL_ATTEMPTS: u32 = 10;

impl Driver {
    /// Whether this process has lost its lease on the database, and has no new one yet.
    pub fn has_lost_lease(&self) -> bool {
        self.inner.lease().is_cancelled()
    }

    /// Cancels a run: durable when it returns, carried out after that.
    ///
    /// # Errors
    ///
    /// When the run does not exist or has ended, or the engine that works on it does not answer.
    pub async fn cancel(&self, run: RunId) -> Result<(), Refusal> {
        for _ in 0..CANCEL_ATTEMPTS {
            if let Some(answer) = self.ask_here(run, Event::Cancel).await? {
                return answer;
            }
            if !self.inner.store.pass_on_cancel(run).await? {
                return Err(elsewhere());
            }
            let until = tokio::time::Instant::now() + CANCELLED_AFTER;
            while tokio::time::Instant::now() < until {
                let row = self.inner.store.run(run).await?;
                if row.is_some_and(|row| matches!(row.status, RunStatus::Cancelling | RunStatus::Cancelled)) {
                    return Ok(());
                }
                tokio::time::sleep(CANCELLED_AGAIN_AFTER).await;
            }
        }
        Err(Refusal::Conflict("the engine that works on the run does not answer; try again".into()))
    }
}

impl Inner {
    /// Passes news on until the engine stops.
    pub(super) async fn hear_news(self: Arc<Self>) {
        loop {
            let news = tokio::select! {
                biased;
                news = self.store.news() => news,
                () = self.stopping.cancelled() => return,
            };
            match news {
                News::Run(run) => {
                    self.look_if_running(run);
                    self.run_changed(run, None);
                }
                News::Cancel(run) => self.cancel_if_running(run),
                News::Workflow(id) => self.workflow_changed(&id),
                News::Look => self.timer.notify_one(),
                News::Missed => {
                    let running: Vec<RunId> =
                        self.tasks.lock().expect("no holder panics").keys().copied().collect();
                    for run in running {
                        self.look_if_running(run);
                    }
                    self.timer.notify_one();
                }
                News::LeaseLost => self.start_anew().await,
            }
        }
    }

    /// Tells the task of a run to look at its inbox. Without a task the run is found by the timer.
    fn look_if_running(&self, run: RunId) {
        if !self.tell(run, Nudge::Look) {
            self.timer.notify_one();
        }
    }

    /// Cancels a run that this process works on. Who asked sees the answer from the run.
    fn cancel_if_running(&self, run: RunId) {
        self.tell(run, Nudge::Ask(Event::Cancel, oneshot::channel().0));
    }

    /// Drops everything that this process works on, since others may have taken it over, and goes on with a new
    /// lease. Handlers that are running end here; what they did counts as interrupted.
    async fn start_anew(self: &Arc<Self>) {
        tracing::error!("the lease on the database was lost; what was under way is taken up again");
        self.lease().cancel();
        while !self.tasks.lock().expect("no holder panics").is_empty() {
            if self.wait_unless_stopping(ENDED_AGAIN_AFTER).await {
                return;
            }
        }
        // What was decided under the old lease is committed by now, or refused.
        let _alone = self.takes_part.write().await;
        let lease = loop {
            let lease = CancellationToken::new();
            match self.take_part_again(&lease).await {
                Ok(()) => break lease,
                Err(error) => {
                    tracing::error!(error = %error, source = %error.source, "there is no new lease yet");
                    lease.cancel();
                }
            }
            if self.wait_unless_stopping(LEASE_AGAIN_AFTER).await {
                return;
            }
        };
        *self.lease.lock().expect("no holder panics") = lease;
        self.timer.notify_one();
    }

    async fn take_part_again(self: &Arc<Self>, lease: &CancellationToken) -> Result<(), StoreError> {
        self.store.take_part_again().await?;
        // Before any other call is made: it would be taken for one that was interrupted.
        self.recover_workflows(lease).await
    }

    /// Keeps another lease from beginning until what this returns is dropped; an error while one begins.
    pub(super) fn taking_part(&self) -> Result<RwLockReadGuard<'_, ()>, StoreError> {
        self.takes_part.try_read().map_err(|_| StoreError {
            operation: "working under a lease",
            source: "there is no new lease yet".into(),
        })
    }

    /// Whether the engine stops.
    async fn wait_unless_stopping(&self, time: Duration) -> bool {
        tokio::select! {
            biased;
            () = tokio::time::sleep(time) => false,
            () = self.stopping.cancelled() => true,
        }
    }

    /// Cancelled when the lease that this process has now is lost.
    pub(super) fn lease(&self) -> CancellationToken {
        self.lease.lock().expect("no holder panics").clone()
    }
}

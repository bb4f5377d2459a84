//! The one task that wakes what is due. Timers live in the store; only the next is held here.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Inner;
use super::run::Nudge;
use crate::core::workflow::Event;
use crate::model::WorkflowId;
use crate::store::StoreError;

/// How many due runs are taken up at once.
const BATCH: usize = 256;
/// How long to sleep at most, as a fall-back for a wake-up that was missed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How long to wait before more is taken up, where there was more than could be taken at once.
const MORE_AFTER: Duration = Duration::from_millis(50);
/// How long to wait before a failed look is repeated.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Inner {
    /// Takes up what the process before has left, then wakes what is due until the engine stops.
    pub(super) async fn keep_time(self: Arc<Self>) {
        while !self.stopping.is_cancelled() {
            let (next, fall_back) = match self.wake_due().await {
                Ok(woken) => woken,
                Err(error) => {
                    tracing::error!(error = %error, source = %error.source, "looking for what is due failed");
                    (None, LOOK_AGAIN_AFTER)
                }
            };
            let due = next.map(|at| self.clock.sleep_until(at));
            tokio::select! {
                biased;
                () = async { if let Some(due) = due { due.await } else { std::future::pending().await } } => {}
                () = tokio::time::sleep(fall_back) => {}
                () = self.timer.notified() => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }

    /// Wakes what is due and says when the next is, and how long to sleep at most.
    async fn wake_due(self: &Arc<Self>) -> Result<(Option<Timestamp>, Duration), StoreError> {
        let _working = self.working();
        let now = self.clock.now();
        let adopted = self.adopt_runs().await?;
        {
            let _taking_part = self.taking_part()?;
            self.recover_workflows(&self.lease()).await?;
            self.adopt_operations().await?;
        }
        let mut woken = 0;
        let room = self.room_for_waking().min(BATCH);
        let due = if room == 0 { Vec::new() } else { self.store.due(now, room).await? };
        for run in due {
            woken += 1;
            self.nudge(run, Nudge::Look);
        }
        for workflow in self.due_workflows(now) {
            if let Err(refusal) = self.transition(&workflow, &Event::Tick, None).await {
                tracing::error!(workflow = %workflow, error = %refusal, "the workflow's timer failed and is tried again");
                self.look_again(&workflow, now.checked_add(LOOK_AGAIN_AFTER).unwrap_or(now));
            }
        }
        if woken == room || adopted {
            return Ok((None, MORE_AFTER));
        }
        let next = [self.store.next_due().await?, self.next_workflow_due()].into_iter().flatten().min();
        // What has just been woken is still due in the store until its task has committed.
        if next.is_some_and(|next| next <= now) {
            return Ok((None, Duration::from_millis(if woken > 0 { 20 } else { 1000 })));
        }
        Ok((next, LONGEST_SLEEP))
    }

    /// Goes on with the runs that dead processes have left. Whether there were any.
    pub(super) async fn adopt_runs(self: &Arc<Self>) -> Result<bool, StoreError> {
        let room = self.room_for_waking().min(BATCH);
        if room == 0 {
            return Ok(false);
        }
        // Under a lease that has not begun here, they would be this process's own and nobody would work on them.
        let _taking_part = self.taking_part()?;
        let runs = self.store.adopt_runs(room).await?;
        for run in &runs {
            self.adopt(*run);
        }
        Ok(!runs.is_empty())
    }

    fn due_workflows(&self, now: Timestamp) -> Vec<WorkflowId> {
        let mut timers = self.workflow_timers.lock().expect("no holder panics");
        let due = timers.iter_mut().filter(|(_, timer)| timer.at.is_some_and(|at| at <= now));
        let mut due: Vec<WorkflowId> = due
            .map(|(id, timer)| {
                timer.at = None;
                id.clone()
            })
            .collect();
        due.sort_unstable();
        due
    }

    pub(super) fn next_workflow_due(&self) -> Option<Timestamp> {
        self.workflow_timers.lock().expect("no holder panics").values().filter_map(|timer| timer.at).min()
    }

    /// Notes when a workflow whose state has this sequence next has something to do. What an older state says
    /// comes too late: transitions of one workflow may get here in another order than they were committed in.
    pub(super) fn workflow_due(&self, id: &WorkflowId, sequence: i64, at: Option<Timestamp>) {
        let mut timers = self.workflow_timers.lock().expect("no holder panics");
        let timer = timers.entry(id.clone()).or_insert(WorkflowTimer { sequence, at: None });
        if sequence < timer.sequence {
            return;
        }
        *timer = WorkflowTimer { sequence, at };
        drop(timers);
        if at.is_some() {
            self.timer.notify_one();
        }
    }

    /// Notes that a workflow is to be looked at again, if nothing else was noted meanwhile.
    fn look_again(&self, id: &WorkflowId, at: Timestamp) {
        let mut timers = self.workflow_timers.lock().expect("no holder panics");
        if let Some(timer) = timers.get_mut(id) {
            timer.at.get_or_insert(at);
        }
    }
}

/// When a workflow next has something to do.
pub(super) struct WorkflowTimer {
    /// The sequence of the state that says so.
    sequence: i64,
    at: Option<Timestamp>,
}

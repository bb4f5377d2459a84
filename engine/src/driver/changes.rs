//! News of what has changed, for those who wait in this process.

use tokio::sync::broadcast;

use crate::model::{RunId, RunStatus, WorkflowId};

/// How many changes a slow listener may lag behind before it is told to look for itself.
const BACKLOG: usize = 1024;

/// Something that has changed and is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A run. Its status is known where this process has moved it.
    Run(RunId, Option<RunStatus>),
    /// A workflow.
    Workflow(WorkflowId),
}

/// Where changes are told.
pub(super) struct Changes(broadcast::Sender<Change>);

/// Hears of all changes from the moment on at which it was made.
pub struct Listener(broadcast::Receiver<Change>);

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Something has changed.
    Change(Change),
    /// More has changed than is kept for a listener that is slow: it has to look for itself.
    Missed,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }

    pub(super) fn tell(&self, change: Change) {
        // Nobody may be listening.
        let _ = self.0.send(change);
    }

    pub(super) fn subscribe(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

impl Listener {
    /// The next change. It may be told more than once.
    pub async fn next(&mut self) -> Heard {
        match self.0.recv().await {
            Ok(change) => Heard::Change(change),
            Err(broadcast::error::RecvError::Lagged(_)) => Heard::Missed,
            // The engine is gone; the caller's time-out ends the wait.
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }

    /// The next change of which this holds.
    pub async fn next_that(&mut self, holds: impl Fn(&Change) -> bool) -> Heard {
        loop {
            match self.next().await {
                Heard::Change(change) if !holds(&change) => {}
                heard => return heard,
            }
        }
    }

    /// Returns when this workflow may have changed.
    pub(super) async fn changed_workflow(&mut self, id: &WorkflowId) {
        self.next_that(|change| matches!(change, Change::Workflow(changed) if changed == id)).await;
    }

    /// Returns when this run may have changed.
    pub(super) async fn changed_run(&mut self, id: RunId) {
        self.next_that(|change| matches!(change, Change::Run(changed, _) if *changed == id)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_listener_that_is_too_slow_is_told_so_and_goes_on() {
        let changes = Changes::new();
        let mut listener = changes.subscribe();
        let id = RunId(uuid::Uuid::now_v7());
        for _ in 0..=BACKLOG {
            changes.tell(Change::Run(id, None));
        }
        assert_eq!(listener.next().await, Heard::Missed);
        assert_eq!(listener.next().await, Heard::Change(Change::Run(id, None)));
    }
}

//! News of what has changed, for those who wait in this process.

use tokio::sync::broadcast;

use crate::model::{RunId, WorkflowId};

/// How many changes a slow listener may lag behind before it is told to look for itself.
const BACKLOG: usize = 1024;

/// Something that has changed and is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A run.
    Run(RunId),
    /// A workflow.
    Workflow(WorkflowId),
}

/// Where changes are told.
pub(super) struct Changes(broadcast::Sender<Change>);

/// Listens to changes.
pub(super) struct Listener(broadcast::Receiver<Change>);

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
    /// Returns when this workflow may have changed.
    pub(super) async fn changed_workflow(&mut self, id: &WorkflowId) {
        self.until(|change| matches!(change, Change::Workflow(changed) if changed == id)).await;
    }

    /// Returns when this run may have changed.
    pub(super) async fn changed_run(&mut self, id: RunId) {
        self.until(|change| *change == Change::Run(id)).await;
    }

    async fn until(&mut self, matches: impl Fn(&Change) -> bool) {
        loop {
            match self.0.recv().await {
                Ok(change) if matches(&change) => return,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => return,
                // The engine is gone; the caller's time-out ends the wait.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

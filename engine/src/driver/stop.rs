//! Why the task of a run ends, and why it does not: a database that fails is asked again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::run::Nudge;
use super::version::Unrunnable;
use crate::model::{RunId, UnreadableState};
use crate::store::StoreError;

/// How long to wait before the database is asked again that has failed.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why the task of a run ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error("the run was moved on by another engine")]
    Overtaken,
    #[error("the run was moved on by an engine that has died")]
    Outdated,
    #[error("this engine has lost its lease")]
    LeaseLost,
    #[error("the callback could not be stored")]
    Unstored(#[source] StoreError),
    #[error("the engine is stopping")]
    Stopping,
    #[error(transparent)]
    Unrunnable(#[from] Unrunnable),
    #[error("run {0}: {1}")]
    Unreadable(RunId, UnreadableState),
    #[error("run {0} needs a value that this engine cannot read: {1}")]
    UnreadableRecord(RunId, Box<dyn std::error::Error + Send + Sync>),
}

/// Asks the database, again and again while it fails: no run is given up since the database was away.
macro_rules! patiently {
    ($inner:expr, $lease:expr, $ask:expr) => {
        loop {
            match $ask {
                Ok(answer) => break answer,
                Err(error) => $inner.wait_for_store($lease, &error).await?,
            }
        }
    };
}

pub(super) use patiently;

impl Inner {
    /// Waits before the database is asked again, unless there is no more use in it.
    pub(super) async fn wait_for_store(
        &self,
        lease: &CancellationToken,
        error: &StoreError,
    ) -> Result<(), Stop> {
        tracing::error!(error = %error, source = %error.source, "the database is asked again");
        tokio::select! {
            biased;
            () = tokio::time::sleep(ASK_AGAIN_AFTER) => Ok(()),
            () = lease.cancelled() => Err(Stop::LeaseLost),
            () = self.stopping.cancelled() => Err(Stop::Stopping),
        }
    }

    /// Takes a run out of memory whose task has ended early. If this process has taken the run over meanwhile, nobody
    /// else works on it: it is loaded anew.
    pub(super) fn stopped(
        self: &Arc<Self>,
        run: RunId,
        stop: &Stop,
        nudges: &mut mpsc::UnboundedReceiver<Nudge>,
    ) {
        self.forget(run);
        let unheard = std::iter::from_fn(|| nudges.try_recv().ok());
        if unheard
            .fold(matches!(stop, Stop::Outdated), |adopted, nudge| adopted || matches!(nudge, Nudge::Adopted))
        {
            self.adopt(run);
        }
        match stop {
            Stop::Overtaken | Stop::Outdated | Stop::LeaseLost | Stop::Unstored(_) | Stop::Stopping => {
                tracing::debug!(run = %run, reason = %stop, "stopped working on the run");
            }
            Stop::Unrunnable(_) => tracing::warn!(run = %run, reason = %stop, "the run is left waiting"),
            Stop::Unreadable(..) | Stop::UnreadableRecord(..) => {
                self.leave_alone(run);
                tracing::error!(run = %run, error = %stop, "the run is left as it is");
            }
        }
    }
}

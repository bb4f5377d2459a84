//! Why the task of a run ends, and why it does not: a database that fails is asked again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::run::Nudge;
use super::version::Unrunnable;
use crate::driver::Refusal;
use crate::model::RunId;
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
    #[error("{problem}")]
    Unreadable { sequence: i64, problem: String },
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
    /// else works on it: it is loaded anew. One that cannot be read is set aside.
    pub(super) async fn stopped(
        self: &Arc<Self>,
        run: RunId,
        stop: &Stop,
        nudges: &mut mpsc::UnboundedReceiver<Nudge>,
    ) {
        if let Stop::Unreadable { sequence, problem } = stop {
            self.set_aside(run, *sequence, problem).await;
        }
        self.forget(run);
        let mut adopted = matches!(stop, Stop::Outdated);
        while let Ok(unheard) = nudges.try_recv() {
            match unheard {
                Nudge::Adopted => adopted = true,
                Nudge::Ask(_, answer) if matches!(stop, Stop::Unreadable { .. }) => {
                    // Who asked may have gone away.
                    let _ = answer.send(Err(Refusal::Conflict(stop.to_string())));
                }
                Nudge::Look | Nudge::Ask(..) => {}
            }
        }
        if adopted {
            self.adopt(run);
        }
        match stop {
            Stop::Overtaken | Stop::Outdated | Stop::LeaseLost | Stop::Unstored(_) | Stop::Stopping => {
                tracing::debug!(run = %run, reason = %stop, "stopped working on the run");
            }
            Stop::Unrunnable(_) => tracing::warn!(run = %run, reason = %stop, "the run is left waiting"),
            Stop::Unreadable { .. } => {}
        }
    }
}

//! A run is taken up: what it needs is read, unless it is at hand.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::Inner;
use super::super::stop::{Stop, patiently};
use super::super::version::{Unrunnable, Version};
use super::{Nudge, RunTask};
use crate::core::run::RunState;
use crate::model::{CallbackRequest, RecordId, RunId, VersionId};
use crate::store::RunRow;

/// What a run is taken up with.
pub(in crate::driver) enum TakeUp {
    /// It is loaded.
    Load,
    /// The process that worked on it has died, and this one has taken it over.
    Orphaned,
    /// It was read a moment ago.
    Found(Box<Found>),
}

/// A run as it was read.
pub(in crate::driver) struct Found {
    pub(in crate::driver) version: VersionId,
    pub(in crate::driver) state: RunState,
    pub(in crate::driver) sequence: i64,
    /// A callback that was recorded at this sequence.
    pub(in crate::driver) callback: Option<(RecordId, CallbackRequest)>,
}

impl RunTask {
    /// Takes a run up and works on it.
    pub(in crate::driver) async fn resume(
        inner: Arc<Inner>,
        id: RunId,
        start: TakeUp,
        mut nudges: mpsc::UnboundedReceiver<Nudge>,
    ) {
        let orphaned = matches!(start, TakeUp::Orphaned);
        let mut found = match start {
            TakeUp::Found(found) => Some(*found),
            TakeUp::Load | TakeUp::Orphaned => None,
        };
        loop {
            let lease = inner.lease();
            let may_be_old = found.is_some();
            let (version, run) = match Self::load(&inner, &lease, id, found.take()).await {
                Ok(Some(loaded)) => loaded,
                Ok(None) => return inner.forget(id),
                Err(stop) => {
                    if let (true, Stop::Unrunnable(Unrunnable::Unfit { version, .. })) = (orphaned, &stop)
                        && let Err(error) = inner.store.leave_version(*version).await
                    {
                        tracing::error!(run = %id, error = %error, source = %error.source, "the run could not be left to another engine");
                    }
                    return inner.stopped(id, &stop);
                }
            };
            let Found { state, sequence, callback, .. } = run;
            let mut task = Self::new(&inner, id, version, state, sequence, (lease, nudges));
            task.owned = orphaned;
            task.inbox_unread = true;
            task.callback = callback;
            match task.work_on().await {
                // It has moved on since it was read.
                Err(Stop::Overtaken) if may_be_old && task.sequence == sequence => nudges = task.nudges,
                Err(stop) => return inner.stopped(id, &stop),
                Ok(()) => return,
            }
        }
    }

    async fn load(
        inner: &Arc<Inner>,
        lease: &CancellationToken,
        id: RunId,
        found: Option<Found>,
    ) -> Result<Option<(Arc<Version>, Found)>, Stop> {
        if let Some(found) = found {
            let version = Self::version(inner, lease, found.version).await?;
            return Ok(Some((version, found)));
        }
        let row = patiently!(inner, lease, inner.store.run(id).await);
        let Some(RunRow { version: id_of_version, state, sequence, .. }) = row else { return Ok(None) };
        let version = Self::version(inner, lease, id_of_version).await?;
        let state = serde_json::from_slice(&state).map_err(|_| Stop::Unreadable(id))?;
        Ok(Some((version, Found { version: id_of_version, state, sequence, callback: None })))
    }

    async fn version(
        inner: &Arc<Inner>,
        lease: &CancellationToken,
        id: VersionId,
    ) -> Result<Arc<Version>, Stop> {
        let version = patiently!(
            inner,
            lease,
            match inner.version(id).await {
                Err(Unrunnable::Store(error)) => Err(error),
                version => Ok(version),
            }
        );
        Ok(version?)
    }
}

//! A callback to a run that is at rest is taken the moment it comes: one commit records it and that `finish` is called
//! with it. Where the run has anything else to do first, the callback goes to the inbox.

use std::sync::Arc;

use jiff::Timestamp;
use stepwell::request::Request;
use tokio::sync::{mpsc, oneshot};

use super::super::answer::CallbackAnswer;
use super::super::stop::Stop;
use super::super::values::{records_of, values_in};
use super::super::{Inner, room};
use super::{Nudge, RunTask, values};
use crate::core::run::{Event, RunState, Takes};
use crate::model::{CallbackRequest, RunId, decode_state};
use crate::store::{Addressee, Arrival, Record, StoreError, Wanted};

/// A callback that is taken with the next change.
pub(super) struct Arriving {
    pub(super) arrival: Arrival,
    /// The request, until `finish` is called with it.
    pub(super) request: Option<Request>,
}

/// A callback that has come.
pub(in crate::driver) struct Incoming {
    pub(in crate::driver) execution: u32,
    pub(in crate::driver) request: CallbackRequest,
    pub(in crate::driver) record: Record,
}

/// Whether a callback that comes now to this execution is the next thing that the run has to do.
pub(in crate::driver) fn is_at_rest(
    addressee: &Addressee,
    state: &RunState,
    execution: u32,
    now: Timestamp,
) -> bool {
    addressee.inbox_empty
        && state.queued.is_none()
        && state.running().next().is_none()
        && state.takes(execution, now) == Takes::Now
}

impl Inner {
    /// Names the records that a callback's run needs to go on if they are few, so that they are read with the run. None
    /// while the run's version is not in memory: they are read later then.
    pub(in crate::driver) fn wanted(self: &Arc<Self>) -> Wanted {
        let inner = Arc::clone(self);
        Arc::new(move |row| {
            let (version, state) = (inner.known_version(row.version), decode_state(&row.state));
            let places = version.zip(state.ok()).map(|(version, state)| values::few(&state, &version));
            records_of(&places.unwrap_or_default())
        })
    }

    /// Takes a callback whose run is at rest. `None`: nothing was stored, and it has to go to the inbox.
    pub(in crate::driver) async fn take_at_once(
        self: &Arc<Self>,
        addressee: Addressee,
        state: RunState,
        incoming: Incoming,
    ) -> Option<CallbackAnswer> {
        let Addressee { run: row, head, records, .. } = addressee;
        let Incoming { execution, request, record } = incoming;
        let lease = self.lease();
        // What fails here fails again on the way through the inbox, which knows what to do.
        let version = self.version(row.version).await.ok()?;
        let needed = values::few(&state, &version);
        let read = values_in(&records, &needed).ok()?;
        let is_complete = needed.iter().all(|place| read.contains_key(place));
        let values = if is_complete { read } else { self.values(&needed).await.ok()? };
        let (sender, nudges) = mpsc::unbounded_channel();
        {
            let mut tasks = self.tasks.lock().expect("no holder panics");
            let full = tasks.len() >= room::most_awake(self.limits.runs);
            if full || self.stopping.is_cancelled() || lease.is_cancelled() || tasks.contains_key(&row.id) {
                return None;
            }
            tasks.insert(row.id, sender);
        }
        let mut task = RunTask::new(self, row.id, version, state, row.sequence, (lease, nudges));
        task.values = values;
        task.few_loaded = true;
        let event = Event::Callback { callback: record.id, execution, at: record.at };
        task.arriving = Some(Arriving { arrival: Arrival { head, record }, request: request.into_request() });
        let (answer, answered) = oneshot::channel();
        self.work(task.arrive(event, answer));
        match answered.await {
            Ok(Ok(())) => Some(CallbackAnswer::Recorded),
            Ok(Err(error)) => Some(CallbackAnswer::Unavailable(error.to_string())),
            Err(_) => None,
        }
    }
}

impl RunTask {
    /// Takes the callback that has come and goes on from there. Answers once it is known what became of the callback;
    /// not at all if nothing was stored.
    async fn arrive(mut self, event: Event, answer: oneshot::Sender<Result<(), StoreError>>) {
        let id = self.id;
        let inner = Arc::clone(&self.inner);
        self.take_slots();
        match self.apply(event).await {
            Ok(Ok(())) => {
                // Who sent it may have gone away.
                let _ = answer.send(Ok(()));
                if let Err(stop) = self.go_on().await {
                    inner.stopped(id, &stop, &mut self.nudges).await;
                }
                return;
            }
            Ok(Err(illegal)) => {
                tracing::error!(run = %id, error = %illegal, "a callback did not fit the run's state");
            }
            Err(Stop::Unstored(error)) => {
                let _ = answer.send(Err(error));
            }
            Err(stop) => tracing::debug!(run = %id, reason = %stop, "a callback goes to the inbox"),
        }
        inner.hand_over(id, self.nudges);
    }
}

impl Inner {
    /// Takes a run out of memory on which nothing was done. What its task was told meanwhile is told to the next.
    fn hand_over(self: &Arc<Self>, run: RunId, mut nudges: mpsc::UnboundedReceiver<Nudge>) {
        self.forget(run);
        while let Ok(nudge) = nudges.try_recv() {
            self.nudge(run, nudge);
        }
    }
}

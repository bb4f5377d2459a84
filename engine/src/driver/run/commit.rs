//! What a decision changes in the store.

use jiff::Timestamp;

use super::super::stop::{Stop, patiently};
use super::RunTask;
use crate::core::run::{Decision, RunState};
use crate::model::{RecordId, encode_entries, encode_state};
use crate::store::{CommitError, PlaceChange, Record, RunChange, StartRun};

impl RunTask {
    pub(super) async fn commit(
        &mut self,
        decision: &Decision,
        called: Vec<StartRun>,
        (record, now): (RecordId, Timestamp),
        owned: bool,
    ) -> Result<(), Stop> {
        let status = decision.state.status();
        let body = Record { id: record, run: self.id, at: now, body: encode_entries(&decision.entries) };
        let change = RunChange {
            id: self.id,
            sequence: self.sequence,
            status,
            state: encode_state(&decision.state),
            due_at: decision.state.due_at(),
            owned,
            finished_at: status.is_final().then_some(now),
            arrival: self.arriving.as_ref().map(|arriving| arriving.arrival.clone()),
            record: (!decision.entries.is_empty()).then_some(body),
            taken: decision.taken.clone(),
            postponed: if owned { Vec::new() } else { self.postponed(&decision.state, &decision.taken) },
            place: self.place_after(&decision.state),
            called,
            messages: self.inner.messages(&decision.messages, now),
        };
        let leaves = change.place == PlaceChange::Leave;
        let concerned = Self::concerned(&change);
        self.store(change).await?;
        self.owned = owned;
        self.wake(concerned);
        if leaves {
            self.inner.timer.notify_one();
        }
        self.inner.run_changed(self.id, Some(status));
        if !owned && decision.state.due_at().is_some() {
            self.inner.timer.notify_one();
        }
        Ok(())
    }

    /// What the next state means for the run's place among those that go on at once.
    fn place_after(&self, next: &RunState) -> PlaceChange {
        if !self.version.plan.limited {
            return PlaceChange::None;
        }
        match (&self.state, next) {
            (RunState { ended: None, .. }, RunState { ended: Some(_), .. }) => PlaceChange::Leave,
            (RunState { queued: Some(_), .. }, RunState { queued: None, .. }) => PlaceChange::TakeUp,
            (RunState { queued: None, .. }, RunState { queued: Some(_), .. }) => {
                self.lane().ok().flatten().map_or(PlaceChange::None, PlaceChange::Queue)
            }
            _ => PlaceChange::None,
        }
    }

    /// Commits, again and again while the database fails: the result of an attempt must not be lost to a full
    /// disk.
    async fn store(&mut self, change: RunChange) -> Result<(), Stop> {
        patiently!(
            self.inner,
            &self.lease,
            match self.inner.store.commit_run(change.clone()).await {
                Ok(()) => Ok(()),
                Err(CommitError::Conflict) => return Err(Stop::Overtaken),
                // Whoever sent the callback is told, and sends it again.
                Err(CommitError::Store(error)) if change.arrival.is_some() => {
                    return Err(Stop::Unstored(error));
                }
                Err(CommitError::Store(error)) => Err(error),
            }
        );
        self.sequence += 1;
        self.arriving = None;
        for entry in &mut self.inbox {
            entry.postponed = change.postponed.contains(&entry.record);
        }
        Ok(())
    }

    /// Tells the store that this process no longer works on the run, and which callbacks do not make it due.
    pub(super) async fn release(&mut self) -> Result<(), Stop> {
        let postponed = self.postponed(&self.state, &[]);
        let told = self.inbox.iter().filter(|entry| entry.postponed).count() == postponed.len();
        if !self.owned && told {
            return Ok(());
        }
        let status = self.state.status();
        let change = RunChange {
            id: self.id,
            sequence: self.sequence,
            status,
            state: encode_state(&self.state),
            due_at: self.state.due_at(),
            owned: false,
            finished_at: status.is_final().then(|| self.inner.clock.now()),
            arrival: None,
            record: None,
            taken: Vec::new(),
            postponed,
            place: PlaceChange::None,
            called: Vec::new(),
            messages: Vec::new(),
        };
        self.store(change).await?;
        self.owned = false;
        self.inner.timer.notify_one();
        Ok(())
    }
}

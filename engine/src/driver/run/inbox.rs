//! The callbacks that have come for a run.

use std::collections::HashSet;

use super::super::stop::{Stop, patiently};
use super::RunTask;
use crate::core::run::{Event, RunState, Takes};
use crate::model::RecordId;
use crate::store::InboxEntry;

/// How many callbacks that came too late are recorded at once.
const LEFTOVERS: usize = 1000;

impl RunTask {
    /// Takes the next callback of the inbox whose execution is ready for it.
    pub(super) async fn take_callback(&mut self) -> Result<bool, Stop> {
        if self.inbox_unread {
            self.inbox = patiently!(self.inner, &self.lease, self.inner.store.inbox(self.id).await);
            self.inbox_unread = false;
        }
        let next = self.inbox.iter().find(|entry| self.state.takes(entry.execution, entry.at) == Takes::Now);
        let Some(entry) = next.cloned() else { return Ok(false) };
        if self.is_message(&entry) {
            return self.take_message(&entry).await;
        }
        let InboxEntry { record, execution, at, .. } = entry;
        if !self.state.live.contains_key(&execution) {
            return self.take_leftovers().await;
        }
        self.take_slots();
        let applied = self.apply(Event::Callback { callback: record, execution, at }).await?;
        self.inbox.retain(|entry| entry.record != record);
        self.note_illegal(applied);
        Ok(true)
    }

    /// Takes the callbacks of the inbox together whose executions are resolved.
    async fn take_leftovers(&mut self) -> Result<bool, Stop> {
        let is_left =
            |entry: &&InboxEntry| !self.state.live.contains_key(&entry.execution) && !self.is_message(entry);
        let resolved = self.inbox.iter().filter(is_left);
        let leftovers: Vec<_> =
            resolved.take(LEFTOVERS).map(|entry| (entry.record, entry.execution)).collect();
        let taken: HashSet<RecordId> = leftovers.iter().map(|(record, _)| *record).collect();
        let applied = self.apply(Event::Leftover(leftovers)).await?;
        self.inbox.retain(|entry| !taken.contains(&entry.record));
        self.note_illegal(applied);
        Ok(true)
    }

    /// The callbacks that have to wait until the run moves on from this state.
    pub(super) fn postponed(&self, state: &RunState, taken: &[RecordId]) -> Vec<RecordId> {
        let waits = |entry: &&InboxEntry| {
            state.takes(entry.execution, entry.at) == Takes::Later && !taken.contains(&entry.record)
        };
        self.inbox.iter().filter(waits).map(|entry| entry.record).collect()
    }
}

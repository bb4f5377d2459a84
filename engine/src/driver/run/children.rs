//! The workflows that a run calls, and what runs tell each other.

use super::super::stop::{Stop, patiently};
use super::{Nudge, RunTask};
use crate::core::run::{CallConfig, Called, Caller, Event, THE_RUN};
use crate::model::{Entry, RecordId, RunId, decode_entries};
use crate::store::{InboxEntry, RunChange, StartRun};

/// How many calls are made with one commit: so much data it has at most, in values.
const CALLS_AT_ONCE: usize = 16;

/// Whom a commit concerns besides its run, to be woken after it.
pub(super) struct Concerned(Vec<RunId>);

impl RunTask {
    /// Makes the calls of workflows that are due.
    pub(super) async fn call_workflows(&mut self) -> Result<bool, Stop> {
        let due = self.state.calls_due(self.inner.clock.now());
        let due: Vec<_> =
            due.map(|(number, execution)| (number, execution.config)).take(CALLS_AT_ONCE).collect();
        if due.is_empty() {
            return Ok(false);
        }
        self.load_few().await?;
        self.load_trigger().await?;
        self.load_values(due.iter().map(|(_, config)| *config)).await?;
        let mut calls = Vec::new();
        let mut runs = Vec::new();
        for (number, place) in due {
            let config = self.values.get(&place).cloned().unwrap_or_default();
            let becomes = match CallConfig::of(&config) {
                Ok(config) => {
                    let caller = self.caller(number, config.wait);
                    let prepare = || self.inner.prepare_call(caller.clone(), config.clone());
                    let (becomes, run) = patiently!(self.inner, &self.lease, prepare().await);
                    runs.extend(run);
                    becomes
                }
                Err(message) => Called::Refused(message),
            };
            calls.push((number, becomes));
        }
        self.take_slots();
        let applied = self.apply_with(Event::Called(calls), runs).await?;
        self.note_illegal(applied);
        Ok(true)
    }

    /// Who calls.
    fn caller(&self, execution: u32, waits: bool) -> Caller {
        let own = self.state.caller.as_ref();
        let mut lanes = Vec::new();
        if waits {
            lanes.extend(own.iter().flat_map(|caller| caller.lanes.iter().cloned()));
            let lane = self.lane().ok().flatten();
            lanes.extend(lane.map(|lane| (self.version.row.workflow.clone(), lane.key)));
        }
        let depth = own.map_or(0, |caller| caller.depth) + 1;
        Caller { run: self.id, execution, waits, depth, lanes }
    }

    /// Whether an entry of the inbox is from another run: an answer to a call, or that the caller gives this run up.
    pub(super) fn is_message(&self, entry: &InboxEntry) -> bool {
        self.state.is_call(entry.execution) || entry.execution == THE_RUN && self.state.ended.is_none()
    }

    /// Takes a message from the inbox.
    pub(super) async fn take_message(&mut self, entry: &InboxEntry) -> Result<bool, Stop> {
        let said = self.message(entry.record).await?;
        self.inbox.retain(|one| one.record != entry.record);
        let event = match said {
            Some(Entry::CallAnswered { execution, run, answer }) => {
                Event::Answered { message: entry.record, execution, at: entry.at, run, answer }
            }
            Some(Entry::CallGivenUp) => Event::GivenUp(entry.record),
            said => {
                tracing::error!(run = %self.id, message = ?said, "a message to the run says nothing");
                return Ok(true);
            }
        };
        self.take_slots();
        let applied = self.apply(event).await?;
        self.note_illegal(applied);
        Ok(true)
    }

    async fn message(&self, id: RecordId) -> Result<Option<Entry>, Stop> {
        let records = patiently!(self.inner, &self.lease, self.inner.store.records(&[id]).await);
        let Some(record) = records.first() else { return Ok(None) };
        let entries = decode_entries(&record.body).map_err(|error| {
            let problem = format!("a message to it cannot be read: {error}");
            Stop::Unreadable { sequence: self.sequence, problem }
        })?;
        Ok(entries.into_iter().next())
    }

    /// Whom a change concerns besides its run.
    pub(super) fn concerned(change: &RunChange) -> Concerned {
        let begun = |start: &&StartRun| start.run.finished_at.is_none();
        let told = change.called.iter().flat_map(|start| &start.messages).chain(&change.messages);
        let called = change.called.iter().filter(begun).map(|start| start.run.id);
        Concerned(called.chain(told.map(|message| message.record.run)).collect())
    }

    /// Wakes them.
    pub(super) fn wake(&self, Concerned(runs): Concerned) {
        for run in runs {
            self.inner.nudge(run, Nudge::Look);
        }
    }
}

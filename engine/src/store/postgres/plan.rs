//! What a batch of changes comes to, once the rows that it touches are locked and read: a guard that fails refuses
//! its change, and what remains is written with one statement for each kind of row.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::text;
use crate::model::{ActivationId, RecordId, RunId};
use crate::store::change::{Answer, Change};
use crate::store::{Callback, Message, OnceValue, PlaceChange, Record, RunChange, StartRun, Started};

/// A run as it is, locked.
pub(super) struct LockedRun {
    pub(super) sequence: i64,
    pub(super) head: RecordId,
    pub(super) owner: Option<i64>,
    pub(super) ended: bool,
}

/// What the first event with a deduplication key has started, and how it was answered.
pub(super) type FirstEvent = (RunId, Option<Vec<u8>>);

/// What the guards of a batch look at.
#[derive(Default)]
pub(super) struct Found {
    pub(super) runs: HashMap<RunId, LockedRun>,
    /// The activations that still accept events.
    pub(super) accepting: HashSet<ActivationId>,
    /// Which run a deduplication key, by its workflow and as it is indexed, belongs to, and what answers its events.
    pub(super) keys: HashMap<(String, String), FirstEvent>,
}

/// What a run becomes.
pub(super) struct Moved<'a> {
    /// The state that it moves to; none if it only gets records.
    pub(super) change: Option<&'a RunChange>,
    pub(super) sequence: i64,
    pub(super) head: RecordId,
}

/// What comes to an inbox.
pub(super) struct ForInbox<'a> {
    pub(super) record: &'a Record,
    pub(super) execution: u32,
    /// It waits as long as the run is at this sequence.
    pub(super) postponed: Option<i64>,
}

/// What a batch writes.
#[derive(Default)]
pub(super) struct Writes<'a> {
    pub(super) started: Vec<&'a StartRun>,
    pub(super) moved: BTreeMap<RunId, Moved<'a>>,
    /// Records, each with the one before it.
    pub(super) journal: Vec<(&'a Record, Option<RecordId>)>,
    pub(super) arrived: Vec<ForInbox<'a>>,
    pub(super) taken: Vec<(RunId, RecordId)>,
    /// Inbox entries that wait as long as the run is at this sequence.
    pub(super) postponed: Vec<(RunId, RecordId, i64)>,
    pub(super) once: Vec<&'a OnceValue>,
    /// What becomes of the places of runs that move on, in order.
    pub(super) places: Vec<(RunId, &'a PlaceChange)>,
    /// Runs that another process works on, which is to hear of it.
    pub(super) heard: HashSet<RunId>,
}

impl<'a> Writes<'a> {
    /// Decides about a change; `None` if it concerns neither a run nor `once`.
    pub(super) fn add(&mut self, change: &'a Change, found: &mut Found, epoch: i64) -> Option<Answer> {
        Some(match change {
            Change::Start(start) => Answer::Started(self.start(start, found, epoch)),
            Change::Run(change) => self.move_on(change, found, epoch),
            Change::Callback(callback) => self.append_callback(callback, found, epoch),
            Change::Once(once) => {
                match found.runs.get(&once.execution.run) {
                    Some(LockedRun { owner: Some(owner), .. }) if *owner == epoch => {}
                    _ => return Some(Answer::Refused),
                }
                self.once.push(once);
                Answer::Done
            }
            Change::Draft(_) | Change::Workflow(_) | Change::Token { .. } | Change::Adopt { .. } => {
                return None;
            }
        })
    }

    fn start(&mut self, start: &'a StartRun, found: &mut Found, epoch: i64) -> Started {
        // The same change has stored it before, and its answer was lost.
        if found.runs.contains_key(&start.run.id) {
            return Started::Created;
        }
        if start.activation.is_some_and(|activation| !found.accepting.contains(&activation)) {
            return Started::Gone;
        }
        let key =
            start.dedupe.as_ref().map(|key| (start.run.workflow.0.clone(), text::key(key).into_owned()));
        match key.and_then(|key| found.keys.get(&key)) {
            Some((first, answer)) if *first != start.run.id => Started::Duplicate(*first, answer.clone()),
            _ => {
                self.create(start, found, epoch);
                Started::Created
            }
        }
    }

    fn create(&mut self, start: &'a StartRun, found: &mut Found, epoch: i64) {
        self.started.push(start);
        self.journal.push((&start.record, None));
        let created = LockedRun {
            sequence: start.run.sequence,
            head: start.record.id,
            owner: start.owned.then_some(epoch),
            ended: start.run.finished_at.is_some(),
        };
        found.runs.insert(start.run.id, created);
        self.tell(&start.messages, found, epoch);
    }

    /// Appends messages to the inboxes and journals of runs that have not ended.
    fn tell(&mut self, messages: &'a [Message], found: &mut Found, epoch: i64) {
        for Message { execution, record } in messages {
            if let Some(run) = found.runs.get_mut(&record.run).filter(|run| !run.ended) {
                self.note_arrival(ForInbox { record, execution: *execution, postponed: None }, run, epoch);
            }
        }
    }

    /// Adds a record to the journal and the inbox of a run.
    fn note_arrival(&mut self, arrival: ForInbox<'a>, run: &mut LockedRun, epoch: i64) {
        let record = arrival.record;
        self.journal.push((record, Some(run.head)));
        run.head = record.id;
        let moved = Moved { change: None, sequence: run.sequence, head: run.head };
        self.moved.entry(record.run).or_insert(moved).head = record.id;
        self.arrived.push(arrival);
        if run.owner.is_some_and(|owner| owner != epoch) {
            self.heard.insert(record.run);
        }
    }

    fn move_on(&mut self, change: &'a RunChange, found: &mut Found, epoch: i64) -> Answer {
        let Some(run) = found.runs.get_mut(&change.id) else { return Answer::Refused };
        if run.sequence != change.sequence || run.owner.is_some_and(|owner| owner != epoch) {
            return Answer::Refused;
        }
        if change.arrival.as_ref().is_some_and(|arrival| arrival.head != run.head) {
            return Answer::Refused;
        }
        let arrived = change.arrival.as_ref().map(|arrival| &arrival.record);
        for record in arrived.into_iter().chain(&change.record) {
            self.journal.push((record, Some(run.head)));
            run.head = record.id;
        }
        self.taken.extend(change.taken.iter().map(|record| (change.id, *record)));
        let next = run.sequence + 1;
        self.postponed.extend(change.postponed.iter().map(|record| (change.id, *record, next)));
        if change.place != PlaceChange::None {
            self.places.push((change.id, &change.place));
        }
        run.sequence = next;
        run.owner = change.owned.then_some(epoch);
        run.ended = change.finished_at.is_some();
        let moved = Moved { change: Some(change), sequence: run.sequence, head: run.head };
        self.moved.insert(change.id, moved);
        for start in &change.called {
            self.create(start, found, epoch);
        }
        self.tell(&change.messages, found, epoch);
        Answer::Done
    }

    fn append_callback(&mut self, callback: &'a Callback, found: &mut Found, epoch: i64) -> Answer {
        let record = &callback.record;
        let Some(run) = found.runs.get_mut(&record.run) else { return Answer::Refused };
        if run.sequence != callback.sequence {
            return Answer::Refused;
        }
        let postponed = callback.postponed.then_some(callback.sequence);
        self.note_arrival(ForInbox { record, execution: callback.execution, postponed }, run, epoch);
        Answer::Done
    }
}

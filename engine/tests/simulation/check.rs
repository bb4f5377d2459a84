//! What must hold of a world after every step, and at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;
use stepwell_engine::core::run::RunState;
use stepwell_engine::core::workflow::{Phase, WorkflowState};
use stepwell_engine::definition::Definition;
use stepwell_engine::driver::Clock as _;
use stepwell_engine::model::{
    ActivationId, ActivationStatus, Entry, ExecutionId, RunId, RunStatus, VersionId, WorkflowId,
    decode_entries,
};
use stepwell_engine::store::sqlite::SqliteStore;
use stepwell_engine::store::{ActivationRow, RunFilter, RunRow, Store as _, WorkflowRow};

use crate::blocks::tick_event;
use crate::journal::{Fate, Reading, compare_calls};
use crate::ledger::{Answer, EventAnswer, Ledger};
use crate::sim::{Sim, short};

/// How late something may be done in a world that has come to rest.
const SLACK: Duration = Duration::from_secs(15);

/// The event of a run that a person has started.
pub(crate) const BY_HAND: i64 = -2;
/// Events below this are ticks: they are times.
pub(crate) const EARLIEST_TICK: i64 = -1000;

/// Looks at a world's database from outside.
pub(crate) struct Checker {
    sim: Arc<Sim>,
    store: SqliteStore,
    definitions: BTreeMap<VersionId, Definition>,
    runs: BTreeMap<RunId, Seen>,
    activations: BTreeMap<ActivationId, ActivationStatus>,
}

/// A run as it was seen last.
struct Seen {
    status: RunStatus,
    records: usize,
    event: Option<i64>,
    workflow: WorkflowId,
    at: Timestamp,
}

/// The result of a future that waits for nothing.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a store that works on the caller's thread waits for nothing"),
    }
}

impl Checker {
    pub(crate) fn new(sim: &Arc<Sim>, store: SqliteStore) -> Self {
        Self {
            sim: Arc::clone(sim),
            store,
            definitions: BTreeMap::new(),
            runs: BTreeMap::new(),
            activations: BTreeMap::new(),
        }
    }

    pub(crate) fn runs(&self) -> Vec<RunRow> {
        let mut rows =
            at_once(self.store.runs(RunFilter { limit: 10_000, ..RunFilter::default() })).expect("it reads");
        rows.reverse();
        rows
    }

    pub(crate) fn workflows(&self) -> Vec<WorkflowRow> {
        at_once(self.store.workflows()).expect("it reads")
    }

    /// The activations of a workflow, newest first.
    pub(crate) fn activations(&self, workflow: &str) -> Vec<ActivationRow> {
        let versions = at_once(self.store.versions(&WorkflowId(workflow.to_owned()))).expect("it reads");
        versions.into_iter().filter_map(|(_, activation)| activation).collect()
    }

    pub(crate) fn run_state(row: &RunRow) -> RunState {
        serde_json::from_slice(&row.state).expect("the state of a run is JSON")
    }

    pub(crate) fn workflow_state(row: &WorkflowRow) -> WorkflowState {
        serde_json::from_slice(&row.state).unwrap_or_default()
    }

    /// Whether something is being done, or is due.
    pub(crate) fn is_busy(&self) -> bool {
        let now = self.sim.now();
        let runs = self.runs();
        let mut live = runs.iter().filter(|row| !row.status.is_final());
        let busy = live.any(|row| {
            !self.waits(row)
                || row.due_at.is_some_and(|due| due <= now)
                || !at_once(self.store.inbox(row.id)).expect("it reads").is_empty()
        });
        busy || self.workflows().iter().map(Self::workflow_state).any(|state| {
            state.is_switching() || !state.calls().is_empty() || state.due_at().is_some_and(|due| due <= now)
        })
    }

    /// Whether a run waits for the outside, or for others in its lane.
    fn waits(&self, row: &RunRow) -> bool {
        row.status == RunStatus::Waiting
            || row.status == RunStatus::Queued && self.sim.ledger().lanes.waits(row.id)
    }

    /// What must hold at any time, of what has changed since the last look.
    pub(crate) fn look(&mut self) {
        let changed = std::mem::take(&mut *self.sim.changed());
        if changed.workflows {
            self.look_at_activations();
        }
        for id in changed.runs {
            // A run whose start failed is not there.
            if let Some(row) = at_once(self.store.run(id)).expect("it reads") {
                self.look_at_run(&row, false);
            }
        }
        let mut broken = Vec::new();
        self.acknowledged(&mut broken);
        self.tell(broken);
    }

    fn tell(&self, broken: Vec<String>) {
        for problem in broken {
            self.sim.broken(problem);
        }
    }

    fn look_at_run(&mut self, row: &RunRow, at_rest: bool) {
        let seen = self.runs.get(&row.id);
        if let Some(seen) = seen {
            let retried = seen.status == RunStatus::Failed;
            if seen.status.is_final() && row.status != seen.status && !retried {
                self.sim.broken(format!("run {} was {} and is {}", short(row.id.0), seen.status, row.status));
            }
        }
        let before = seen.map_or(0, |seen| seen.records);
        let definition = self.definition(row.version);
        let records = at_once(self.store.journal(row.id)).expect("it reads");
        let mut broken = Vec::new();
        if records.len() < before {
            broken.push("o1: records of its journal are gone".to_owned());
        }
        let event = records.first().and_then(|record| match decode_entries(&record.body).ok()?.first() {
            Some(Entry::RunStarted { data, caller: None, .. }) => data["event"].as_i64(),
            _ => None,
        });
        {
            let ledger = self.sim.ledger();
            let mut reading = Reading::of(row.id, &definition, &ledger, &records);
            reading.compare_with_row(row);
            for ((id, attempt), call) in ledger.calls.range((ExecutionId { run: row.id, number: 0 }, 0)..) {
                if id.run != row.id {
                    break;
                }
                if reading.attempts.get(&id.number).is_none_or(|started| attempt > started) {
                    broken.push(format!(
                        "{:?} was called with attempt {attempt}, which is not recorded",
                        call.handler
                    ));
                }
            }
            let now = self.sim.now();
            for (number, execution) in &reading.live {
                if let Some(late) = execution.late(now, SLACK).filter(|_| at_rest) {
                    broken
                        .push(format!("execution {number} at step {} waits, though {late}", execution.step));
                }
            }
            let inbox: BTreeSet<_> = at_once(self.store.inbox(row.id))
                .expect("it reads")
                .into_iter()
                .map(|entry| entry.record)
                .collect();
            for (record, callback) in &reading.callbacks {
                // One that is to be handed to `finish` has left the inbox and has not been called yet.
                let kept = inbox.contains(record);
                match callback.fate {
                    Fate::Waits if !kept && row.status.is_final() => broken.push(format!(
                        "o1: callback {:?} was neither taken nor recorded as unused",
                        callback.number
                    )),
                    Fate::Taken | Fate::Done | Fate::Unused if kept => {
                        broken.push(format!("o1: callback {:?} was dealt with and is kept", callback.number));
                    }
                    _ => {}
                }
            }
            let numbers: BTreeSet<_> =
                reading.callbacks.values().filter_map(|callback| callback.number).collect();
            if numbers.len() < reading.callbacks.len() {
                broken.push("d3: one callback was recorded twice".to_owned());
            }
            for (number, callback) in ledger.callbacks.iter().enumerate() {
                let here = callback.execution.run == row.id;
                let recorded = numbers.contains(&number);
                match callback.answer {
                    Some(Answer::Recorded) if here && !recorded => {
                        broken.push(format!("d3: callback {number} was acknowledged and is not there"));
                    }
                    Some(Answer::Gone) if here && recorded => {
                        broken.push(format!("d6: callback {number} was answered 410 and is there"));
                    }
                    _ => {}
                }
            }
            broken.append(&mut reading.broken);
        }
        for problem in broken {
            self.sim.broken(format!("run {}: {problem}", short(row.id.0)));
        }
        let seen = Seen {
            status: row.status,
            records: records.len(),
            event,
            workflow: row.workflow.clone(),
            at: row.created_at,
        };
        self.runs.insert(row.id, seen);
    }

    fn definition(&mut self, version: VersionId) -> Definition {
        let store = &self.store;
        let definition = self.definitions.entry(version).or_insert_with(|| {
            let row = at_once(store.version(version)).expect("it reads").expect("a run has a version");
            Definition::parse(&row.definition).expect("a version is a definition").definition
        });
        definition.clone()
    }

    fn look_at_activations(&mut self) {
        let mut broken = Vec::new();
        for workflow in self.workflows() {
            for row in self.activations(&workflow.id.0) {
                let before = self.activations.insert(row.id, row.status);
                if before.is_some_and(|before| before != row.status && !may_become(before, row.status)) {
                    broken.push(format!(
                        "activation {} was {before:?} and is {}",
                        short(row.id.0),
                        row.status
                    ));
                }
                let ledger = self.sim.ledger();
                let known = ledger.activations.get(&row.id);
                let registers = !row.registration.is_empty();
                if registers && known.is_none_or(|known| known.activated.is_empty()) {
                    broken.push(format!(
                        "t2: activation {} has a registration and was not activated",
                        short(row.id.0)
                    ));
                }
                if row.status == ActivationStatus::Deactivated
                    && registers
                    && known.is_none_or(|known| known.deactivated.is_empty())
                {
                    broken
                        .push(format!("t8: activation {} is over and was not deactivated", short(row.id.0)));
                }
            }
        }
        self.tell(broken);
    }

    /// Every acknowledged event has its run, and none has two.
    fn acknowledged(&self, broken: &mut Vec<String>) {
        let ledger = self.sim.ledger();
        let mut by_event: BTreeMap<i64, Vec<RunId>> = BTreeMap::new();
        for (id, run) in &self.runs {
            by_event.entry(run.event.unwrap_or(BY_HAND)).or_default().push(*id);
        }
        let mut by_key: BTreeMap<(&WorkflowId, &str), BTreeSet<RunId>> = BTreeMap::new();
        for (number, event) in ledger.events.iter().enumerate() {
            let number = i64::try_from(number).expect("there are not so many events");
            let runs = by_event.get(&number).map_or(&[][..], Vec::as_slice);
            let started: BTreeSet<RunId> = event
                .answers
                .iter()
                .filter_map(|answer| match answer {
                    EventAnswer::Started(run) => Some(*run),
                    _ => None,
                })
                .collect();
            for run in &started {
                if !runs.contains(run) {
                    broken
                        .push(format!("o1: event {number} was acknowledged and has no run {}", short(run.0)));
                }
            }
            let unsure = event.sent as usize
                - event.answers.iter().filter(|answer| **answer != EventAnswer::Unavailable).count();
            if runs.len() > started.len() + unsure {
                broken.push(format!("t6: event {number} has started {} runs", runs.len()));
            }
            let Some(key) = &event.key else { continue };
            let of_key = by_key.entry((&event.workflow, key)).or_default();
            of_key.extend(runs);
            for answer in &event.answers {
                if let EventAnswer::Duplicate(run) = answer {
                    match self.runs.get(run) {
                        Some(run) if run.workflow == event.workflow => {}
                        _ => broken.push(format!("t7: the first run of event {number} is not there")),
                    }
                    of_key.insert(*run);
                }
            }
        }
        for ((workflow, key), runs) in by_key {
            if runs.len() > 1 {
                broken.push(format!("t7: {} runs of {workflow} have the key {key}", runs.len()));
            }
        }
        for run in ledger.by_hand.iter().filter(|run| !self.runs.contains_key(*run)) {
            broken.push(format!("o1: run {} was started by hand and is not there", short(run.0)));
        }
        ticks(&ledger, &by_event, broken);
    }

    /// What must hold of a world that has come to rest.
    pub(crate) fn look_at_rest(&mut self) {
        self.look();
        let now = self.sim.now();
        let mut broken = self.calls();
        for row in self.runs().iter().filter(|row| !row.status.is_final()) {
            self.look_at_run(row, true);
            let name = short(row.id.0);
            if !self.waits(row) {
                broken.push(format!("run {name} is stuck: it is {}", row.status));
            }
            if !at_once(self.store.inbox(row.id)).expect("it reads").is_empty() {
                broken.push(format!("o1: run {name} has callbacks that nobody takes"));
            }
            if row.due_at.is_some_and(|due| due < now) {
                broken.push(format!("run {name} has been due since {:?}", row.due_at));
            }
        }
        for row in self.workflows() {
            let state = Self::workflow_state(&row);
            if state.due_at().and_then(|due| due.checked_add(SLACK).ok()).is_some_and(|due| due < now) {
                broken.push(format!("{} has been due since {:?}", row.id, state.due_at()));
            }
            if state.is_switching() {
                broken.push(format!("{} is still being enabled", row.id));
            }
            let active = || state.activations.iter().filter(|activation| activation.phase == Phase::Active);
            if active().count() > 1 {
                broken.push(format!("t4: {} versions of {} are active", active().count(), row.id));
            }
            for active in active() {
                let name = short(active.id.0);
                if active.expires_at.is_some_and(|expires| expires < now) {
                    broken.push(format!("t12: activation {name} has expired at {:?}", active.expires_at));
                }
                for duty in [active.renewal, active.tick].into_iter().flatten().filter(|duty| !duty.running) {
                    if duty.at.checked_add(SLACK).is_ok_and(|at| at < now) {
                        broken.push(format!("t14: a duty of activation {name} is due since {}", duty.at));
                    }
                }
                // Whatever registers has a tick, and every tick names the next.
                if active.registers && active.tick.is_none() {
                    broken.push(format!("t14: activation {name} has no next tick"));
                }
            }
        }
        self.tell(broken);
    }

    /// What must hold at the end: every workflow is disabled, and every run has ended.
    pub(crate) fn look_at_end(&mut self) {
        let runs = self.runs();
        for row in &runs {
            self.look_at_run(row, false);
        }
        self.look();
        let mut broken = self.calls();
        for row in runs.iter().filter(|row| !row.status.is_final()) {
            broken.push(format!("run {} is {} at the end", short(row.id.0), row.status));
        }
        for workflow in self.workflows() {
            for row in self.activations(&workflow.id.0) {
                let over =
                    matches!(row.status, ActivationStatus::Deactivated | ActivationStatus::ActivationFailed);
                if !over || row.accepts {
                    broken.push(format!("activation {} is {} at the end", short(row.id.0), row.status));
                }
            }
        }
        self.tell(broken);
    }

    /// What runs that call and runs that were called do not agree on.
    fn calls(&self) -> Vec<String> {
        let runs = self.runs().into_iter().map(|row| {
            let records = at_once(self.store.journal(row.id)).expect("it reads");
            (row, records)
        });
        compare_calls(&runs.collect::<Vec<_>>())
    }

    /// The newest run's age, for the trace.
    pub(crate) fn summary(&self) -> String {
        let ended = self.runs.values().filter(|run| run.status.is_final()).count();
        let last = self.runs.values().map(|run| run.at).max();
        format!("{} runs, {ended} ended, the last began at {last:?}", self.runs.len())
    }
}

/// Each tick starts one run at most.
fn ticks(ledger: &Ledger, by_event: &BTreeMap<i64, Vec<RunId>>, broken: &mut Vec<String>) {
    let mut taken: BTreeMap<i64, usize> = BTreeMap::new();
    for time in ledger.activations.values().flat_map(|activation| &activation.ticks) {
        *taken.entry(tick_event(*time)).or_default() += 1;
    }
    for (event, runs) in by_event.range(..EARLIEST_TICK) {
        let taken = taken.get(event).copied().unwrap_or_default();
        if runs.len() > taken {
            broken.push(format!("t14: {taken} ticks of one time have started {} runs", runs.len()));
        }
    }
}

fn may_become(before: ActivationStatus, after: ActivationStatus) -> bool {
    use ActivationStatus::{
        Activating, ActivationFailed, Active, Deactivated, Deactivating, DeactivationFailed,
    };
    match before {
        Activating => true,
        Active | DeactivationFailed => matches!(after, Deactivating | Deactivated | DeactivationFailed),
        Deactivating => matches!(after, Deactivated | DeactivationFailed),
        ActivationFailed | Deactivated => false,
    }
}

//! The task of a run that has something to do: it feeds the core, commits its decisions and makes the calls.
//!
//! While it lives it owns the run: its state is in memory and nothing is read from the store between two steps.
//! When nothing runs and nothing is due, it ends and the run is a row again.

mod arrival;
mod attempts;
mod calls;
mod children;
mod commit;
mod inbox;
mod values;

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::Inner;
use super::answer::Refusal;
use super::slots::{AtHand, Due};
use super::stop::{Stop, patiently};
use super::version::{Unrunnable, Version};
use crate::core::IllegalEvent;
use crate::core::run::{self, Decision, Event, Given, RunState, Undecided};
use crate::model::{RecordId, RunId, ValueRef, decode_state};
use crate::store::{InboxEntry, Lane, RunRow, StartRun};
use arrival::Arriving;
use attempts::{Attempts, Ended};

pub(super) use arrival::{Incoming, is_at_rest};
pub(super) use values::needed as needed_values;

/// So many values are read at once, and kept without a look at which are still needed.
const FEW_VALUES: usize = 64;

/// What the task of a run is told.
pub(super) enum Nudge {
    /// Something may be due, or a callback has come.
    Look,
    /// This process has taken the run over from one that has died.
    Adopted,
    /// Somebody asks for this event.
    Ask(Event, oneshot::Sender<Result<(), Refusal>>),
}

/// The task of a run.
pub(super) struct RunTask {
    inner: Arc<Inner>,
    id: RunId,
    version: Arc<Version>,
    surroundings: Map<String, Value>,
    state: RunState,
    sequence: i64,
    /// Whether the store says that this process works on the run.
    owned: bool,
    /// Values that the next decisions may need, and some that they no longer do.
    values: HashMap<ValueRef, Value>,
    /// Whether those that may be needed were read, if they are few.
    few_loaded: bool,
    /// How many values there may be before those that are no longer needed are dropped.
    most_values: usize,
    /// The inbox has to be looked at, and whether the run has a place.
    inbox_unread: bool,
    inbox: Vec<InboxEntry>,
    /// The callback that the first change of this task takes.
    arriving: Option<Arriving>,
    attempts: Attempts,
    slots: AtHand,
    nudges: mpsc::UnboundedReceiver<Nudge>,
    /// Cancelled when the lease under which this task began is lost.
    lease: CancellationToken,
}

impl RunTask {
    /// The task of a run that was just created, with the decision that created it.
    pub(super) fn created(
        inner: &Arc<Inner>,
        id: RunId,
        version: Arc<Version>,
        (decision, record): (Decision, RecordId),
        slots: AtHand,
        (lease, nudges): (CancellationToken, mpsc::UnboundedReceiver<Nudge>),
    ) -> Self {
        let Decision { state, entries, calls, .. } = decision;
        let mut task = Self::new(inner, id, version, state, 0, (lease, nudges));
        task.owned = true;
        task.slots = slots;
        task.few_loaded = true;
        task.remember(entries, record);
        task.make_calls(calls, HashMap::new());
        task.settle_slots();
        task
    }

    fn new(
        inner: &Arc<Inner>,
        id: RunId,
        version: Arc<Version>,
        state: RunState,
        sequence: i64,
        (lease, nudges): (CancellationToken, mpsc::UnboundedReceiver<Nudge>),
    ) -> Self {
        let surroundings = inner.surroundings(id, &version);
        Self {
            inner: Arc::clone(inner),
            id,
            version,
            surroundings,
            state,
            sequence,
            owned: false,
            values: HashMap::new(),
            few_loaded: false,
            most_values: FEW_VALUES,
            inbox_unread: false,
            inbox: Vec::new(),
            arriving: None,
            attempts: Attempts::default(),
            slots: AtHand::new(&inner.slots),
            nudges,
            lease,
        }
    }

    /// Loads a run and works on it. `orphaned`: the process that worked on it has died, and this one has taken it over.
    pub(super) async fn resume(
        inner: Arc<Inner>,
        id: RunId,
        orphaned: bool,
        mut nudges: mpsc::UnboundedReceiver<Nudge>,
    ) {
        let lease = inner.lease();
        match Self::load(&inner, &lease, id).await {
            Ok(Some((version, state, sequence))) => {
                let mut task = Self::new(&inner, id, version, state, sequence, (lease, nudges));
                task.owned = orphaned;
                task.inbox_unread = true;
                task.work().await;
            }
            Ok(None) => inner.forget(id),
            Err(stop) => {
                if let (true, Stop::Unrunnable(Unrunnable::Unfit { version, .. })) = (orphaned, &stop)
                    && let Err(error) = inner.store.leave_version(*version).await
                {
                    tracing::error!(run = %id, error = %error, source = %error.source, "the run could not be left to another engine");
                }
                inner.stopped(id, &stop, &mut nudges).await;
            }
        }
    }

    async fn load(
        inner: &Arc<Inner>,
        lease: &CancellationToken,
        id: RunId,
    ) -> Result<Option<(Arc<Version>, RunState, i64)>, Stop> {
        let row = patiently!(inner, lease, inner.store.run(id).await);
        let Some(RunRow { version, state, sequence, .. }) = row else { return Ok(None) };
        let version = patiently!(
            inner,
            lease,
            match inner.version(version).await {
                Err(Unrunnable::Store(error)) => Err(error),
                version => Ok(version),
            }
        )?;
        let state = decode_state(&state)
            .map_err(|error| Stop::Unreadable { sequence, problem: error.to_string() })?;
        Ok(Some((version, state, sequence)))
    }

    /// Works until there is nothing to do.
    pub(super) async fn work(mut self) {
        let id = self.id;
        let inner = Arc::clone(&self.inner);
        let result = async {
            if self.attempts.is_empty() {
                self.interrupt_all().await?;
            }
            self.go_on().await
        }
        .await;
        if let Err(stop) = result {
            inner.stopped(id, &stop, &mut self.nudges).await;
        }
    }

    /// Records that the attempts were interrupted that the run says are running: none of them runs in this process.
    /// Where another process lives that works on the run, the store refuses it.
    async fn interrupt_all(&mut self) -> Result<(), Stop> {
        let running: Vec<u32> = self.state.running().collect();
        for execution in running {
            let message = "the engine stopped while the handler ran".to_owned();
            self.apply(Event::Interrupted { execution, message }).await?.ok();
        }
        Ok(())
    }

    async fn go_on(&mut self) -> Result<(), Stop> {
        loop {
            if self.lease.is_cancelled() {
                return Err(Stop::LeaseLost);
            }
            if self.inner.stopping.is_cancelled() {
                self.drain().await?;
                return Err(Stop::Stopping);
            }
            let now = self.inner.clock.now();
            if self.take_place().await?
                || self.take_callback().await?
                || self.call_workflows().await?
                || self.take_time(now).await?
            {
                continue;
            }
            if self.attempts.is_empty() && self.due(now).is_empty() && self.nudges.is_empty() {
                self.release().await?;
                if self.inner.forget_idle(self.id, &self.nudges) {
                    return Ok(());
                }
                continue;
            }
            self.wait(now).await?;
        }
    }

    /// Goes on with a queued run that has a place now.
    async fn take_place(&mut self) -> Result<bool, Stop> {
        if self.state.queued.is_none() || !self.inbox_unread {
            return Ok(false);
        }
        if !patiently!(self.inner, &self.lease, self.inner.store.has_place(self.id).await) {
            return Ok(false);
        }
        self.take_slots();
        let applied = self.apply(Event::Admit).await?;
        self.note_illegal(applied);
        Ok(true)
    }

    /// Lets the core do what is due.
    async fn take_time(&mut self, now: Timestamp) -> Result<bool, Stop> {
        if self.state.due_at().is_none_or(|due| due > now) || self.state.ended.is_some() {
            return Ok(false);
        }
        self.take_slots();
        let before = self.state.clone();
        let applied = self.apply(Event::Tick).await?;
        self.note_illegal(applied);
        Ok(self.state != before)
    }

    /// The attempts that are due.
    fn due(&self, now: Timestamp) -> Due {
        Due::of(&self.state, &self.version.plan, now)
    }

    /// Waits until something happens. All that was due until `now` is done, but for attempts that lack a slot.
    async fn wait(&mut self, now: Timestamp) -> Result<(), Stop> {
        let due = self.due(now);
        let next = self.state.due_after(now).map(|next| self.inner.clock.sleep_until(next));
        let (stopping, lease) = (self.inner.stopping.clone(), self.lease.clone());
        tokio::select! {
            biased;
            () = lease.cancelled() => {}
            () = stopping.cancelled() => {}
            ended = self.attempts.next(), if !self.attempts.is_empty() => {
                let Some(Ended { event, slot }) = ended else { return Ok(()) };
                if let Some(slot) = slot {
                    self.slots.keep(slot);
                }
                self.take_slots();
                let applied = self.apply(event).await?;
                self.note_illegal(applied);
                self.inbox_unread |= self.state.live.values().any(|execution| execution.phase == run::Phase::Waiting);
            }
            Some(nudge) = self.nudges.recv() => match nudge {
                Nudge::Look => self.inbox_unread = true,
                Nudge::Adopted => self.adopted().await?,
                Nudge::Ask(event, answer) => {
                    let answered = self.asked(event).await?;
                    // Who asked may have gone away.
                    let _ = answer.send(answered);
                }
            },
            () = self.slots.wait(&due) => {}
            () = async { if let Some(next) = next { next.await } else { std::future::pending().await } } => {}
        }
        Ok(())
    }

    /// This process has taken the run over while this task knew it: from a process that may have moved it on.
    async fn adopted(&mut self) -> Result<(), Stop> {
        let row = patiently!(self.inner, &self.lease, self.inner.store.run(self.id).await);
        if row.is_some_and(|row| row.sequence == self.sequence) {
            self.owned = true;
            Ok(())
        } else {
            Err(Stop::Outdated)
        }
    }

    /// Does what somebody asks for.
    async fn asked(&mut self, event: Event) -> Result<Result<(), Refusal>, Stop> {
        if event == Event::Retry {
            self.load_trigger().await?;
            if let Err(problem) = self.lane() {
                return Ok(Err(Refusal::Conflict(problem)));
            }
        }
        self.take_slots();
        let applied = self.apply(event).await?;
        self.inbox_unread |= self.state.queued.is_some();
        Ok(applied.map_err(|illegal| Refusal::Conflict(illegal.0)))
    }

    /// The lane that the run queues in.
    fn lane(&self) -> Result<Option<Lane>, String> {
        let trigger = self.state.values.get("trigger").and_then(|place| self.values.get(place));
        self.version.lane(trigger, &self.surroundings)
    }

    /// Lets the running attempts end, without starting others.
    async fn drain(&mut self) -> Result<(), Stop> {
        self.slots = AtHand::new(&self.inner.slots);
        while !self.attempts.is_empty() {
            if let Some(Ended { event, .. }) = self.attempts.next().await {
                let applied = self.apply(event).await?;
                self.note_illegal(applied);
            }
        }
        self.release().await
    }

    /// Takes as many free slots as one decision may need, without waiting.
    fn take_slots(&mut self) {
        let wanted = self.version.widest + self.state.live.len().min(self.version.widest);
        self.slots.take(&self.due(self.inner.clock.now()), wanted);
    }

    /// Gives back the slots that are not used.
    fn settle_slots(&mut self) {
        self.slots.settle(&self.due(self.inner.clock.now()));
    }

    fn note_illegal(&self, applied: Result<(), IllegalEvent>) {
        if let Err(illegal) = applied {
            tracing::error!(run = %self.id, error = %illegal, "an event did not fit the run's state");
        }
    }

    /// Feeds one event to the core, commits what it decides, makes the calls, and gives back the slots that are left.
    async fn apply(&mut self, event: Event) -> Result<Result<(), IllegalEvent>, Stop> {
        self.apply_with(event, Vec::new()).await
    }

    /// As [`apply`](Self::apply), with runs that were prepared and begin if the core calls them.
    async fn apply_with(
        &mut self,
        event: Event,
        prepared: Vec<StartRun>,
    ) -> Result<Result<(), IllegalEvent>, Stop> {
        let applied = self.decide(event, prepared).await?;
        self.settle_slots();
        Ok(applied)
    }

    async fn decide(
        &mut self,
        event: Event,
        mut prepared: Vec<StartRun>,
    ) -> Result<Result<(), IllegalEvent>, Stop> {
        self.load_few().await?;
        let record = self.inner.store.next_record();
        let now = self.inner.clock.now();
        let decision = match self.decision(event, record, now).await? {
            Ok(decision) => decision,
            Err(illegal) => return Ok(Err(illegal)),
        };
        if decision.entries.is_empty() && decision.taken.is_empty() && decision.state == self.state {
            return Ok(Ok(()));
        }
        let requests = self.callbacks(&decision.calls).await?;
        self.load_configs(&decision.calls, record).await?;
        // An attempt counts as running until its end is recorded, also one that a dead process has left: were the run
        // nobody's meanwhile, nobody would look for it after another crash.
        let owned = decision.state.ended.is_none()
            && (decision.state.running().next().is_some()
                || !self.attempts.is_empty()
                || decision.state.due_at().is_some_and(|due| due <= now));
        prepared.retain(|start| decision.called.contains(&start.run.id));
        self.commit(&decision, prepared, (record, now), owned).await?;
        let Decision { state, entries, calls, .. } = decision;
        self.state = state;
        self.remember(entries, record);
        self.make_calls(calls, requests);
        Ok(Ok(()))
    }

    /// What the core decides, with all values that it needs for that.
    async fn decision(
        &mut self,
        event: Event,
        record: RecordId,
        now: Timestamp,
    ) -> Result<Result<Decision, IllegalEvent>, Stop> {
        let jitter = self.inner.clock.jitter();
        loop {
            let given = Given {
                now,
                run: self.id,
                record,
                jitter,
                slots: self.slots.of_process(),
                block_slots: &self.slots.of_blocks(),
                values: &self.values,
                surroundings: &self.surroundings,
            };
            match run::apply(&self.version.plan, self.state.clone(), event.clone(), &given) {
                Ok(decision) => return Ok(Ok(decision)),
                Err(Undecided::Illegal(illegal)) => return Ok(Err(illegal)),
                Err(Undecided::Lacking(places)) => self.load_values(places).await?,
            }
        }
    }
}

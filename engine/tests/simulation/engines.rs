//! The engines of a world: one that dies and starts again, or several on one database, which take turns.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stepwell_engine::driver::{Clock as _, Driver};
use stepwell_engine::secrets::Keys;

use crate::client;
use crate::process::{Died, Process};
use crate::sim::{Late, Sim};
use crate::store::Database;

/// How long a lease holds.
pub(crate) const LEASE: Duration = Duration::from_secs(10);
/// How long an engine that has died or does not start stays away at least, if others live.
const DOWN: Duration = Duration::from_secs(1);
/// How long what a dead process has left may lie there while another lives: that looks each third of a lease, and
/// its look may fail.
const TAKEN_OVER_WITHIN: Duration = LEASE;
/// By how much the clocks of engines differ at most, in milliseconds.
const SKEW: i64 = 400;

/// The engines of a world.
pub(crate) struct Engines {
    sim: Arc<Sim>,
    database: Database,
    keys: Arc<Keys>,
    places: Vec<Place>,
}

/// Where an engine runs.
struct Place {
    process: Option<Process>,
    skew: SignedDuration,
    /// When the next process starts here, if none lives.
    back_at: Timestamp,
    /// Until when the process stands still.
    still_until: Option<Timestamp>,
}

impl Engines {
    pub(crate) fn new(sim: &Arc<Sim>, database: Database, count: usize) -> Self {
        let now = sim.now();
        let skew = |index| match index {
            0 => SignedDuration::ZERO,
            _ => SignedDuration::from_millis(sim.signed(SKEW)),
        };
        let place = |index| Place { process: None, skew: skew(index), back_at: now, still_until: None };
        let places = (0..count).map(place).collect();
        let mut engines = Self { sim: Arc::clone(sim), database, keys: Arc::new(Keys::ephemeral()), places };
        for index in 0..count {
            engines.start(index);
        }
        engines
    }

    fn are_several(&self) -> bool {
        self.places.len() > 1
    }

    /// Starts something in one of the processes.
    pub(crate) fn begin<F: Future<Output = ()> + Send + 'static>(&mut self, task: impl FnOnce(Driver) -> F) {
        let able = self.able();
        let index = match able.as_slice() {
            [] if self.are_several() && !self.sim.is_calm() => {
                return self.sim.trace("nobody is there");
            }
            [] => {
                let index = self.sim.number(self.places.len());
                self.bring_back(index);
                index
            }
            [only] => *only,
            able => able[self.sim.number(able.len())],
        };
        let process = self.places[index].process.as_ref().expect("it was brought back");
        process.begin(task(process.driver()));
    }

    /// Lets the engines live.
    pub(crate) fn live_for(&mut self, time: Duration) {
        let end = later(self.sim.now(), time);
        loop {
            let now = self.sim.now();
            let until = if self.are_several() { later(now, self.turn()).min(end) } else { end };
            self.hand_on();
            self.live_until(until);
            self.check_left();
            if self.sim.now() >= end {
                return;
            }
        }
    }

    /// A process dies here, and none lives for a while.
    pub(crate) fn die(&mut self, pick: usize, down: Duration) {
        let index = pick % self.places.len();
        self.sim.trace(format!("the process at place {index} dies"));
        let now = self.sim.now();
        let place = &mut self.places[index];
        place.process = None;
        place.still_until = None;
        if self.are_several() {
            self.places[index].back_at = later(now, down);
        } else {
            self.sim.set_time(later(now, down));
        }
    }

    /// A process stands still for a while, as the operating system may have it.
    pub(crate) fn stand_still(&mut self, pick: usize, time: Duration) {
        let index = pick % self.places.len();
        self.sim.trace(format!("the process at place {index} stands still for {time:?}"));
        self.places[index].still_until = Some(later(self.sim.now(), time));
    }

    /// All of them are there again.
    pub(crate) fn bring_all_back(&mut self) {
        for index in 0..self.places.len() {
            self.bring_back(index);
        }
    }

    /// How long the engines live before it is another one's turn.
    fn turn(&self) -> Duration {
        let most = if self.sim.is_calm() { 2000 } else { self.sim.choose(&[(3, 20), (3, 200), (2, 2000)]) };
        self.sim.millis(1..most)
    }

    /// Everyone's turn, in any order.
    fn live_until(&mut self, until: Timestamp) {
        let now = self.sim.now();
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        if self.are_several() {
            self.sim.shuffle(&mut order);
        }
        let mut latest = None;
        for index in order {
            self.sim.set_time(now);
            if self.turn_of(index, now, until) {
                latest = latest.max(Some(self.sim.now()));
            }
        }
        // While none lives, time passes all the same.
        self.sim.set_time(latest.unwrap_or(until).max(now));
    }

    /// Whether a process was there.
    fn turn_of(&mut self, index: usize, now: Timestamp, until: Timestamp) -> bool {
        let several = self.are_several();
        let place = &mut self.places[index];
        if place.still_until.is_some_and(|still| still > now) {
            return false;
        }
        if place.process.is_none() && (!several || place.back_at <= now) {
            self.start(index);
        }
        let place = &mut self.places[index];
        let Some(process) = &place.process else { return false };
        let woken = match place.still_until.take() {
            Some(_) => process.wake(now),
            None => Ok(()),
        };
        if let Err(Died) = woken.and_then(|()| process.live_until(until)) {
            place.process = None;
            let down = if several { self.sim.millis(0..30_000).max(DOWN) } else { Duration::ZERO };
            self.places[index].back_at = later(self.sim.now(), down);
        }
        true
    }

    fn bring_back(&mut self, index: usize) {
        let now = self.sim.now();
        let place = &mut self.places[index];
        if place.still_until.take().is_some()
            && let Some(process) = &place.process
            && let Err(Died) = process.wake(now)
        {
            place.process = None;
        }
        while self.places[index].process.is_none() {
            self.start(index);
        }
        let at = self.sim.now();
        self.sim.set_time(at.max(now));
    }

    /// Starts a process where none lives; again, if it dies at once and there is no other.
    fn start(&mut self, index: usize) {
        loop {
            let place = &mut self.places[index];
            if let Ok(process) = Process::launch(&self.sim, &self.database, &self.keys, place.skew) {
                place.process = Some(process);
                return;
            }
            let again = later(self.sim.now(), DOWN);
            place.back_at = again;
            if self.are_several() {
                return;
            }
            self.sim.set_time(again);
        }
    }

    /// The places whose processes live and do not stand still.
    fn able(&self) -> Vec<usize> {
        let able = |place: &Place| place.process.is_some() && place.still_until.is_none();
        (0..self.places.len()).filter(|index| able(&self.places[*index])).collect()
    }

    /// Callbacks that the handlers of one process have asked for come to others.
    fn hand_on(&mut self) {
        let late = std::mem::take(&mut *self.sim.elsewhere());
        for Late { execution, doing, delay } in late {
            self.begin(|driver| client::call_back(driver, execution, doing, delay));
        }
    }

    /// What a dead process has left is taken over while another lives.
    fn check_left(&self) {
        let Database::Shared(database) = &self.database else { return };
        let now = self.sim.now();
        let well = |index: usize| {
            let process = self.places[index].process.as_ref();
            process.and_then(Process::well_since).is_some_and(|since| later(since, TAKEN_OVER_WITHIN) <= now)
        };
        if !self.able().into_iter().any(well) {
            return;
        }
        for run in database.left_for(TAKEN_OVER_WITHIN) {
            let run = crate::sim::short(run.0);
            self.sim.broken(format!("o4: nobody takes over run {run}, whose process has died"));
        }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).expect("the time is within the calendar")
}

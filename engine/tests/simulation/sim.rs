//! What a world shares: its chance, its time, its trace, and what the outside has seen of it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fastrand::Rng;
use jiff::Timestamp;
use stepwell::block::BoxFuture;
use stepwell_engine::driver::{Clock, Driver};
use stepwell_engine::model::{ExecutionId, RunId};
use stepwell_engine::store::Store as _;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ledger::Ledger;
use crate::life::Life;
use crate::mutants::Mutant;
use crate::shared::SharedStore;
use crate::world::{Faults, World};

/// 2026-01-01T00:00:00Z, where every world begins.
const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

thread_local! {
    static CURRENT: RefCell<Option<Arc<Sim>>> = const { RefCell::new(None) };
}

/// One world, while it goes on. All of it happens on one thread.
pub(crate) struct Sim {
    time: Mutex<Time>,
    ids: AtomicU32,
    mutant: Option<Mutant>,
    jitter: Mutex<Rng>,
    chance: Mutex<Rng>,
    trace: Mutex<Vec<String>>,
    ledger: Mutex<Ledger>,
    faults: Mutex<Faults>,
    changed: Mutex<Changed>,
    calm: AtomicBool,
    processes: AtomicU32,
    living: Mutex<Option<Living>>,
    elsewhere: Mutex<Vec<Late>>,
}

/// What was changed in the database since somebody looked.
#[derive(Default)]
pub(crate) struct Changed {
    pub(crate) runs: BTreeSet<RunId>,
    pub(crate) workflows: bool,
}

/// The time, which goes on in the runtime of the process whose turn it is.
struct Time {
    turn: Option<Began>,
    last: Timestamp,
}

/// When a process began, by the world's time and by that of its runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Began {
    origin: Timestamp,
    since: Instant,
}

impl Began {
    /// What its runtime's time is at a time of the world's.
    pub(crate) fn at(self, time: Timestamp) -> Instant {
        self.since + Duration::try_from(time.duration_since(self.origin)).unwrap_or_default()
    }
}

/// The process whose turn it is.
#[derive(Clone)]
pub(crate) struct Living {
    pub(crate) life: Life,
    pub(crate) driver: Option<Driver>,
    /// Its store, where it shares the database with others.
    pub(crate) store: Option<Arc<SharedStore>>,
}

/// A callback that another process is to receive.
pub(crate) struct Late {
    pub(crate) execution: ExecutionId,
    pub(crate) doing: &'static str,
    pub(crate) delay: Duration,
}

impl Sim {
    /// Begins a world and makes it the one of this thread.
    pub(crate) fn enter(world: &World) -> Arc<Self> {
        let mut rng = Rng::with_seed(world.seed);
        let sim = Arc::new(Self {
            time: Mutex::new(Time { turn: None, last: START }),
            ids: AtomicU32::new(0),
            mutant: world.mutant,
            jitter: Mutex::new(rng.fork()),
            chance: Mutex::new(rng.fork()),
            trace: Mutex::default(),
            ledger: Mutex::default(),
            faults: Mutex::new(world.faults.clone()),
            changed: Mutex::default(),
            calm: AtomicBool::new(false),
            processes: AtomicU32::new(0),
            living: Mutex::new(None),
            elsewhere: Mutex::default(),
        });
        CURRENT.with_borrow_mut(|current| *current = Some(Arc::clone(&sim)));
        sim
    }

    /// The world of this thread.
    pub(crate) fn current() -> Arc<Self> {
        CURRENT.with_borrow(Clone::clone).expect("a handler is called in a world")
    }

    /// Ends the world of this thread and gives its trace and its ledger.
    pub(crate) fn leave(&self) -> (Vec<String>, Ledger) {
        CURRENT.with_borrow_mut(|current| *current = None);
        (std::mem::take(&mut *lock(&self.trace)), std::mem::take(&mut *lock(&self.ledger)))
    }

    /// Adds a line to the trace.
    pub(crate) fn trace(&self, line: impl AsRef<str>) {
        let after = self.now().duration_since(START).as_millis();
        let (seconds, millis) = (after / 1000, after % 1000);
        let process = self.process();
        lock(&self.trace).push(format!("{seconds:6}.{millis:03} p{process} {}", line.as_ref()));
    }

    /// Notes that a rule was broken.
    pub(crate) fn broken(&self, what: impl Into<String>) {
        let what = what.into();
        if self.ledger().broken.contains(&what) {
            return;
        }
        self.trace(format!("BROKEN: {what}"));
        self.ledger().broken.push(what);
    }

    /// What the outside has seen.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// What is to go wrong.
    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    /// What was changed in the database since somebody looked.
    pub(crate) fn changed(&self) -> MutexGuard<'_, Changed> {
        lock(&self.changed)
    }

    /// What is done wrong on purpose.
    pub(crate) fn mutant(&self) -> Option<Mutant> {
        self.mutant
    }

    /// Whether this happens, which it does with a probability.
    pub(crate) fn happens(&self, probability: f64) -> bool {
        probability > 0.0 && lock(&self.chance).f64() < probability
    }

    /// One of these, by weight.
    pub(crate) fn choose<T: Copy>(&self, choices: &[(u32, T)]) -> T {
        choose(&mut lock(&self.chance), choices)
    }

    /// Some number below this.
    pub(crate) fn number(&self, below: usize) -> usize {
        lock(&self.chance).usize(0..below)
    }

    /// Some number, at most this and at least its opposite.
    pub(crate) fn signed(&self, most: i64) -> i64 {
        lock(&self.chance).i64(-most..=most)
    }

    /// Puts these into any order.
    pub(crate) fn shuffle(&self, order: &mut [usize]) {
        lock(&self.chance).shuffle(order);
    }

    /// Some milliseconds.
    pub(crate) fn millis(&self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(lock(&self.chance).u64(range))
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
        *self.faults() = Faults::none();
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// The number of the process whose turn it is.
    pub(crate) fn process(&self) -> u32 {
        lock(&self.living).as_ref().map_or(0, |living| living.life.number())
    }

    /// A number that no process has had.
    pub(crate) fn next_process(&self) -> u32 {
        self.processes.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The driver of the process whose turn it is.
    pub(crate) fn driver(&self) -> Option<Driver> {
        lock(&self.living).as_ref()?.driver.clone()
    }

    /// Whether the process whose turn it is has its lease. What others have been told to do again it may do as well
    /// before it finds out that it has none.
    pub(crate) fn holds_lease(&self) -> bool {
        self.shared().is_none_or(|store| store.holds_lease(store.epoch()))
    }

    /// The store of the process whose turn it is, if it shares the database with others.
    pub(crate) fn shared(&self) -> Option<Arc<SharedStore>> {
        lock(&self.living).as_ref()?.store.clone()
    }

    /// Callbacks that other processes are to receive.
    pub(crate) fn elsewhere(&self) -> MutexGuard<'_, Vec<Late>> {
        lock(&self.elsewhere)
    }

    /// The time when a process begins. Called in its runtime.
    pub(crate) fn begin(&self) -> Began {
        let began = Began { origin: self.now(), since: Instant::now() };
        lock(&self.time).turn = Some(began);
        began
    }

    /// It is the turn of this process, which has begun before.
    pub(crate) fn take_turn(&self, living: Living, began: Option<Began>) {
        *lock(&self.living) = Some(living);
        lock(&self.time).turn = began;
    }

    /// It is nobody's turn; the time stands still.
    pub(crate) fn end_turn(&self) {
        lock(&self.time).turn = None;
        *lock(&self.living) = None;
    }

    /// It is this late, by the clocks of all processes.
    pub(crate) fn set_time(&self, now: Timestamp) {
        lock(&self.time).last = now;
    }

    /// Notes the time, so that it is known outside of the runtime. Called in the runtime.
    pub(crate) fn note_time(&self) {
        let mut time = lock(&self.time);
        if let Some(Began { origin, since }) = time.turn {
            time.last = origin.checked_add(since.elapsed()).expect("the time is within the calendar");
        }
    }
}

impl Clock for Sim {
    fn now(&self) -> Timestamp {
        if tokio::runtime::Handle::try_current().is_ok() {
            self.note_time();
        }
        lock(&self.time).last
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<()> {
        let left = Duration::try_from(at.duration_since(self.now())).unwrap_or_default();
        Box::pin(tokio::time::sleep(left))
    }

    fn id(&self) -> Uuid {
        let number = u64::from(self.ids.fetch_add(1, Ordering::Relaxed) + 1);
        let millis = u64::try_from(self.now().as_millisecond()).expect("it is later than 1970");
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&number.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    fn jitter(&self) -> f64 {
        lock(&self.jitter).f64()
    }
}

/// One of these, by weight.
pub(crate) fn choose<T: Copy>(rng: &mut Rng, choices: &[(u32, T)]) -> T {
    let mut left = rng.u32(0..choices.iter().map(|(weight, _)| weight).sum());
    for (weight, choice) in choices {
        if left < *weight {
            return *choice;
        }
        left -= weight;
    }
    unreachable!("the weights add up")
}

/// An id as the trace names it: the ids of a world are numbered.
pub(crate) fn short(id: Uuid) -> u128 {
    id.as_u128() & 0xffff_ffff
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Notes a panic that nobody has asked for.
pub(crate) fn note_panic(message: &str) {
    let current = CURRENT.try_with(|current| current.try_borrow().ok().and_then(|current| current.clone()));
    if let Ok(Some(sim)) = current
        && let Ok(mut ledger) = sim.ledger.try_lock()
    {
        ledger.broken.push(format!("something panicked: {message}"));
    }
}

//! What was acknowledged, kept outside of the engines.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What was acknowledged.
#[derive(Default)]
pub(super) struct Ledger {
    next: AtomicU64,
    stopped: AtomicBool,
    /// The runs that the acknowledgements of each event have named.
    events: Mutex<BTreeMap<u64, BTreeSet<String>>>,
    /// The callbacks of each event's run.
    callbacks: Mutex<BTreeMap<u64, Vec<String>>>,
    switches: AtomicU64,
}

/// What its sender does with an event's run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing: it goes on waiting.
    Leave,
    /// Cancels it while it waits.
    Cancel,
    /// Sends so many callbacks at once.
    Answer(u64),
}

/// The plan for an event.
pub(super) const fn plan(n: u64) -> Plan {
    match n % 16 {
        0 => Plan::Leave,
        1 => Plan::Cancel,
        2 | 3 => Plan::Answer(3),
        _ => Plan::Answer(1),
    }
}

/// How often an event is sent at once.
pub(super) const fn copies(n: u64) -> u64 {
    if n.is_multiple_of(5) { 2 } else { 1 }
}

impl Ledger {
    /// The next event, unless the load is to end.
    pub(super) fn next_event(&self) -> Option<u64> {
        (!self.is_stopped()).then(|| self.next.fetch_add(1, Ordering::SeqCst))
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub(super) fn note_event(&self, n: u64, run: &str) {
        self.events.lock().expect("no holder panics").entry(n).or_default().insert(run.to_owned());
    }

    pub(super) fn note_callback(&self, n: u64, id: String) {
        self.callbacks.lock().expect("no holder panics").entry(n).or_default().push(id);
    }

    pub(super) fn note_switch(&self) {
        self.switches.fetch_add(1, Ordering::SeqCst);
    }

    /// Every acknowledged event with the runs that were named.
    pub(super) fn events(&self) -> BTreeMap<u64, BTreeSet<String>> {
        self.events.lock().expect("no holder panics").clone()
    }

    /// The acknowledged callbacks of an event's run.
    pub(super) fn callbacks(&self, n: u64) -> Vec<String> {
        self.callbacks.lock().expect("no holder panics").get(&n).cloned().unwrap_or_default()
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = self.events.lock().expect("no holder panics").len();
        let callbacks: usize = self.callbacks.lock().expect("no holder panics").values().map(Vec::len).sum();
        let switches = self.switches.load(Ordering::SeqCst);
        write!(formatter, "{events} events, {callbacks} callbacks and {switches} switches acknowledged")
    }
}

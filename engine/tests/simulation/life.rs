//! Whether a process lives.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use stepwell_engine::driver::Clock as _;
use tokio::sync::Notify;

use crate::sim::Sim;

/// Whether a process lives, and its number, which is another under each lease.
#[derive(Clone)]
pub(crate) struct Life(Arc<Lived>);

struct Lived {
    number: AtomicU32,
    /// Since when it has gone on without a break, under one lease.
    well_since: Mutex<Timestamp>,
    over: AtomicBool,
    ended: Notify,
}

impl Life {
    pub(crate) fn begin(sim: &Sim) -> Self {
        Self(Arc::new(Lived {
            number: AtomicU32::new(sim.next_process()),
            well_since: Mutex::new(sim.now()),
            over: AtomicBool::new(false),
            ended: Notify::new(),
        }))
    }

    /// Goes on under a new lease, as if it were another.
    pub(crate) fn begin_lease(&self, sim: &Sim) {
        self.0.number.store(sim.next_process(), Ordering::Relaxed);
        self.note_well(sim.now());
    }

    /// Notes that it goes on after a break.
    pub(crate) fn note_well(&self, now: Timestamp) {
        *self.0.well_since.lock().expect("no holder panics") = now;
    }

    pub(crate) fn well_since(&self) -> Timestamp {
        *self.0.well_since.lock().expect("no holder panics")
    }

    pub(crate) fn number(&self) -> u32 {
        self.0.number.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.0.over.store(true, Ordering::Relaxed);
        self.0.ended.notify_one();
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.over.load(Ordering::Relaxed)
    }

    /// Returns when it has ended.
    pub(crate) async fn ended(&self) {
        while !self.has_ended() {
            self.0.ended.notified().await;
        }
    }
}

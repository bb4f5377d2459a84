//! Room for runs in this process: what starts one asks for it first, so that a refusal leaves nothing half-done.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Inner;

/// Room for one run that is about to be started, until it is dropped.
pub(super) struct Room(Arc<Inner>);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.starting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Inner {
    /// Room for a new run; `None` if as many runs are queued or worked on as there may be.
    pub(super) fn room_for_a_run(self: &Arc<Self>) -> Option<Room> {
        // The lock keeps two from taking the last room.
        let tasks = self.tasks.lock().expect("no holder panics");
        if tasks.len() + self.starting.load(Ordering::SeqCst) >= self.limits.runs {
            return None;
        }
        self.starting.fetch_add(1, Ordering::SeqCst);
        Some(Room(Arc::clone(self)))
    }

    /// How many runs may be taken up again that are due, have a callback or were left by a dead process. Until there
    /// is room they stay rows, which the timer finds.
    pub(super) fn room_for_waking(&self) -> usize {
        let tasks = self.tasks.lock().expect("no holder panics").len();
        most_awake(self.limits.runs).saturating_sub(tasks)
    }
}

/// How many runs there may be in memory: as many as can be started, and as many again that were there before, so
/// that new runs cannot keep out what they wait for.
pub(super) const fn most_awake(runs: usize) -> usize {
    runs.saturating_mul(2)
}

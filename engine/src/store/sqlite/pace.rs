//! How long something takes of late.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What a task may take on average where tasks are run: handing it to another thread and back costs more while it is
/// quick, but a disk that is slow must not keep other tasks from running.
const QUICK: Duration = Duration::from_micros(500);
/// How much of the average the newest is: one of so many.
const WEIGHT: i64 = 16;

/// How long something takes of late, in microseconds: an average in which what is older counts less and less.
#[derive(Default)]
pub(super) struct Pace(AtomicU32);

impl Pace {
    pub(super) fn note(&self, took: Duration) {
        // Two that come at once may forget one of them.
        let average = i64::from(self.0.load(Ordering::Relaxed));
        let took = i64::try_from(took.as_micros()).unwrap_or(i64::MAX).min(i64::from(u32::MAX));
        // Rounded away from the average, so that it gets to what is noted.
        let step = (took - average) / WEIGHT + (took - average).signum();
        self.0.store(u32::try_from(average + step).unwrap_or_default(), Ordering::Relaxed);
    }

    /// Whether it may be done where tasks are run.
    pub(super) fn is_quick(&self) -> bool {
        Duration::from_micros(self.0.load(Ordering::Relaxed).into()) < QUICK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_slow_among_quick_ones_changes_nothing() {
        let pace = Pace::default();
        for _ in 0..100 {
            pace.note(Duration::from_micros(20));
        }
        pace.note(Duration::from_millis(5));
        assert!(pace.is_quick());
    }

    #[test]
    fn a_disk_that_becomes_slow_is_found_out_and_forgiven() {
        let pace = Pace::default();
        for _ in 0..16 {
            pace.note(Duration::from_millis(5));
        }
        assert!(!pace.is_quick());
        for _ in 0..100 {
            pace.note(Duration::from_micros(20));
        }
        assert!(pace.is_quick());
    }

    #[test]
    fn any_length_can_be_noted() {
        let pace = Pace::default();
        for _ in 0..100 {
            pace.note(Duration::MAX);
        }
        assert!(!pace.is_quick());
    }
}

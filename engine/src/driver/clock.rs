//! What the driver gives to the core from outside: the time, ids and jitter.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use stepwell::block::BoxFuture;
use uuid::Uuid;

/// How long the machine's clock is trusted to go on evenly: it may be set forward meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Tells the time and waits for it, and gives out what differs with every run of the engine. A simulation repeats
/// all of it.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Returns when that time has come. It may return earlier: who waits looks again.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<()>;

    /// An id that nothing else has, a UUID of version 7.
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// A random number in 0..1, for back-off.
    fn jitter(&self) -> f64 {
        fastrand::f64()
    }
}

/// The machine's clock, followed forward and never set back: when it is, this one goes on at half its speed until the
/// machine's has caught up.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        static STEADY: Mutex<Steady> = Mutex::new(Steady { latest: None });
        STEADY.lock().expect("no holder panics").now(Timestamp::now(), Instant::now())
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<()> {
        let left = Duration::try_from(at.duration_since(self.now())).unwrap_or_default();
        Box::pin(tokio::time::sleep(left.min(LONGEST_SLEEP)))
    }
}

/// A clock that follows another one forward and is never set back. When the other one is, this one goes on at half its
/// speed until the other has caught up: what waits for a time waits twice as long at most, however far the machine's
/// clock was set back, and no time comes twice.
struct Steady {
    /// What it has last said, and when.
    latest: Option<(Timestamp, Instant)>,
}

impl Steady {
    fn now(&mut self, other: Timestamp, at: Instant) -> Timestamp {
        let least = self.latest.and_then(|(said, before)| {
            let passed = at.saturating_duration_since(before) / 2;
            said.checked_add(passed).ok()
        });
        let now = least.map_or(other, |least| least.max(other));
        self.latest = Some((now, at));
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_waited_for_at_half_speed_and_one_that_is_set_forward_is_followed() {
        let (mut steady, begin) = (Steady { latest: None }, Instant::now());
        let mut says = |other: i64, after: u64| {
            let other = Timestamp::from_second(other).unwrap();
            steady.now(other, begin + Duration::from_secs(after)).as_second()
        };
        assert_eq!((says(1000, 0), says(1010, 10)), (1000, 1010));
        // Set back by 100 s.
        assert_eq!((says(910, 10), says(930, 30), says(1010, 110)), (1010, 1020, 1060));
        // The other one has caught up.
        assert_eq!((says(1110, 210), says(1120, 220)), (1110, 1120));
        // Set forward by an hour.
        assert_eq!((says(4720, 220), says(4730, 230)), (4720, 4730));
    }

    #[test]
    fn the_machines_clock_never_goes_back() {
        let times: Vec<Timestamp> = (0..1000).map(|_| SystemClock.now()).collect();
        assert!(times.is_sorted());
    }
}

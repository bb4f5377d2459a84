//! What the driver gives to the core from outside: the time, ids and jitter.

use std::time::Duration;

use jiff::Timestamp;
use stepwell::block::BoxFuture;
use uuid::Uuid;

/// How long the machine's clock is trusted to go on evenly: it may be set meanwhile.
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

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<()> {
        let left = Duration::try_from(at.duration_since(self.now())).unwrap_or_default();
        Box::pin(tokio::time::sleep(left.min(LONGEST_SLEEP)))
    }
}

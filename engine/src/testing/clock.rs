//! A clock that stands still until the test moves it.

use std::sync::Arc;

use jiff::Timestamp;
use stepwell::block::BoxFuture;
use tokio::sync::watch;

use crate::driver::Clock;

/// 2026-01-01T00:00:00Z, where a test begins.
pub(super) const START: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A clock that stands still until it is moved. Clones are the same clock.
#[derive(Clone)]
pub(super) struct TestClock(Arc<watch::Sender<Timestamp>>);

impl TestClock {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::channel(START).0))
    }

    pub(super) fn set(&self, now: Timestamp) {
        self.0.send_replace(now);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<()> {
        let mut times = self.0.subscribe();
        Box::pin(async move {
            // The sender lives as long as the engine that waits.
            let _ = times.wait_for(|now| *now >= at).await;
        })
    }
}

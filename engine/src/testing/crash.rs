//! How an engine under test is set up, and when it dies.

use std::sync::Arc;
use std::time::Duration;

use stepwell::connection::Connection;
use stepwell::http_client::HttpTransport;

use super::TestEngine;
use super::database::MakeDatabase;
use super::faults::Moments;
use crate::connections::ProgramConnections;
use crate::driver::{Limits, Retention};

/// The surroundings of an engine under test.
#[derive(Clone)]
pub struct Setup {
    pub(super) database: MakeDatabase,
    pub(super) http: Option<Arc<dyn HttpTransport>>,
    pub(super) connections: ProgramConnections,
    pub(super) limits: Limits,
    pub(super) retention: Retention,
}

impl Setup {
    /// Without connections, and with HTTP that is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// What answers outgoing HTTP.
    #[must_use]
    pub fn http(mut self, http: Arc<dyn HttpTransport>) -> Self {
        self.http = Some(http);
        self
    }

    /// A connection that blocks receive, one of each kind; also those that run without one as well.
    #[must_use]
    pub fn connection<C: Connection>(mut self, connection: &C) -> Self {
        self.connections = self.connections.with(connection);
        self
    }

    /// How long handlers may take, in real time.
    #[must_use]
    pub const fn time_limit(mut self, limit: Duration) -> Self {
        self.limits.step = limit;
        self.limits.trigger = limit;
        self
    }

    /// What the engine keeps of what has ended.
    #[must_use]
    pub const fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Makes the database of each engine, in place of one in memory.
    #[doc(hidden)]
    #[must_use]
    pub fn database(mut self, make: MakeDatabase) -> Self {
        self.database = make;
        self
    }

    /// Starts an engine.
    pub async fn start(&self) -> TestEngine {
        TestEngine::start(self.clone(), Arc::new(Moments::never())).await
    }

    /// Runs a scenario once undisturbed, then once for every moment before and after a commit of the undisturbed
    /// one (a value of `once` included), each time on a fresh engine whose process dies at that moment and is
    /// started again. Returns the number of moments.
    ///
    /// What the scenario asserts must hold every time. Handlers may be called again, as after any crash; what the
    /// scenario counts outside must therefore go by an idempotency key.
    ///
    /// # Panics
    ///
    /// When the scenario does, after it has said at which moment.
    pub async fn at_every_crash(&self, scenario: impl AsyncFn(TestEngine)) -> u64 {
        let undisturbed = Arc::new(Moments::never());
        scenario(TestEngine::start(self.clone(), Arc::clone(&undisturbed)).await).await;
        let moments = undisturbed.passed();
        for moment in 1..=moments {
            let told = Told { moment, moments };
            scenario(TestEngine::start(self.clone(), Arc::new(Moments::dying_at(moment))).await).await;
            drop(told);
        }
        moments
    }
}

/// Tells at which moment the process died when a scenario fails.
struct Told {
    moment: u64,
    moments: u64,
}

impl Drop for Told {
    #[expect(clippy::print_stderr, reason = "a failing test tells what it did")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { moment, moments } = self;
            eprintln!(
                "the process died at moment {moment} of {moments} (odd: before a commit, even: after it)"
            );
        }
    }
}

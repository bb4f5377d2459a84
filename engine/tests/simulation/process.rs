//! The processes of a world: each a runtime on the world's thread, whose time stands still unless it has nothing else
//! to do. One has its turn at a time.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stepwell::block::BoxFuture;
use stepwell::testing::Testing;
use stepwell_engine::connections::ProgramConnections;
use stepwell_engine::driver::{Clock, Driver, Limits, Parts, Retention};
use stepwell_engine::secrets::{Keys, Urls};
use stepwell_engine::store::Store;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::life::Life;
use crate::sim::{Began, Living, Sim};
use crate::store::{Database, SimStore};

/// How long handlers of a world may take.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A process that lives.
pub(crate) struct Process {
    sim: Arc<Sim>,
    runtime: Runtime,
    began: Began,
    living: Living,
}

/// That the process died meanwhile.
#[derive(Debug)]
pub(crate) struct Died;

impl Process {
    /// Starts a process, whose clock differs from the world's by so much.
    pub(crate) fn launch(
        sim: &Arc<Sim>,
        database: &Database,
        keys: &Arc<Keys>,
        skew: SignedDuration,
    ) -> Result<Self, Died> {
        let life = Life::begin(sim);
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime on this thread needs nothing");
        sim.take_turn(Living { life: life.clone(), driver: None, store: None }, None);
        let launched = runtime.block_on(async {
            let began = sim.begin();
            sim.trace("a process starts");
            let store = Arc::new(SimStore::open(sim, database, life.clone()));
            let shared = store.shared();
            let living = Living { life: life.clone(), driver: None, store: shared.clone() };
            sim.take_turn(living, Some(began));
            let clock = Arc::new(ProcessClock { sim: Arc::clone(sim), skew });
            let launched = tokio::select! {
                biased;
                () = life.ended() => None,
                launched = Driver::launch(parts(store, keys, clock)) => Some(launched),
            };
            sim.note_time();
            match launched? {
                Ok(driver) => {
                    Some((began, Living { life: life.clone(), driver: Some(driver), store: shared }))
                }
                Err(error) => {
                    sim.trace(format!("it does not start: {error}"));
                    None
                }
            }
        });
        sim.end_turn();
        let (began, living) = launched.ok_or(Died)?;
        Ok(Self { sim: Arc::clone(sim), runtime, began, living })
    }

    /// Its driver.
    pub(crate) fn driver(&self) -> Driver {
        self.living.driver.clone().expect("a process that was launched has one")
    }

    /// Since when it has gone on under the lease that it has; none without.
    pub(crate) fn well_since(&self) -> Option<Timestamp> {
        let store = self.living.store.as_ref()?;
        store.holds_lease(store.epoch()).then(|| self.living.life.well_since())
    }

    /// Starts something that goes on by itself.
    pub(crate) fn begin(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Lets the process live until this time of the world's.
    pub(crate) fn live_until(&self, at: Timestamp) -> Result<(), Died> {
        self.turn(async { tokio::time::sleep_until(self.began.at(at)).await })
    }

    /// Lets the process go on that stood still until now.
    pub(crate) fn wake(&self, now: Timestamp) -> Result<(), Died> {
        self.turn(async {
            let missed = self.began.at(now).saturating_duration_since(tokio::time::Instant::now());
            tokio::time::advance(missed).await;
            self.living.life.note_well(now);
            self.sim.trace(format!("the process wakes after {missed:?}"));
        })
    }

    fn turn(&self, time: impl Future<Output = ()>) -> Result<(), Died> {
        self.sim.take_turn(self.living.clone(), Some(self.began));
        let lived = self.runtime.block_on(async {
            let lived = tokio::select! {
                biased;
                () = self.living.life.ended() => Err(Died),
                () = time => Ok(()),
            };
            self.sim.note_time();
            lived
        });
        self.sim.end_turn();
        lived
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.living.life.end();
    }
}

fn parts(store: Arc<dyn Store>, keys: &Arc<Keys>, clock: Arc<dyn Clock>) -> Parts {
    Parts {
        store,
        keys: Arc::clone(keys),
        urls: Urls::new("https://stepwell.test", Arc::clone(keys)),
        http: Testing::new().http,
        network: Testing::new().network,
        connections: Arc::new(ProgramConnections::new()),
        clock,
        limits: Limits {
            step: TIME_LIMIT,
            trigger: TIME_LIMIT,
            attempts: 4,
            grace: TIME_LIMIT,
            ..Limits::default()
        },
        retention: Retention::default(),
        blocks: crate::our_blocks(),
    }
}

/// The clock of a process, which may be fast or slow.
struct ProcessClock {
    sim: Arc<Sim>,
    skew: SignedDuration,
}

impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        self.sim.now().checked_add(self.skew).expect("the time is within the calendar")
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<()> {
        self.sim.sleep_until(at.checked_sub(self.skew).expect("the time is within the calendar"))
    }

    fn id(&self) -> Uuid {
        self.sim.id()
    }

    fn jitter(&self) -> f64 {
        self.sim.jitter()
    }
}

//! The processes of a world, one after the other: each a runtime on the world's thread, whose time stands still
//! unless it has nothing else to do.

use std::sync::Arc;
use std::time::Duration;

use stepwell::testing::Testing;
use stepwell_engine::connections::ProgramConnections;
use stepwell_engine::driver::{Driver, Limits, Parts, Retention, StartError};
use stepwell_engine::secrets::{Keys, Urls};
use stepwell_engine::store::sqlite::MemoryDatabase;
use tokio::runtime::{Builder, Runtime};

use crate::sim::Sim;
use crate::store::{Life, SimStore};

/// How long handlers of a world may take.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A process that lives.
pub(crate) struct Process {
    sim: Arc<Sim>,
    runtime: Runtime,
    life: Life,
    driver: Driver,
}

/// That the process died meanwhile.
#[derive(Debug)]
pub(crate) struct Died;

impl Process {
    /// Starts a process, again if it dies or fails at once.
    pub(crate) fn launch(sim: &Arc<Sim>, database: &Arc<MemoryDatabase>, keys: &Arc<Keys>) -> Self {
        loop {
            let life = Life::default();
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
            let runtime = runtime.expect("a runtime on this thread needs nothing");
            let store = Arc::new(SimStore::new(sim, database, life.clone()));
            let parts = Parts {
                store,
                keys: Arc::clone(keys),
                urls: Urls::new("https://stepwell.test", Arc::clone(keys)),
                http: Testing::new().http,
                network: Testing::new().network,
                connections: Arc::new(ProgramConnections::new()),
                clock: Arc::clone(sim) as _,
                limits: Limits {
                    step: TIME_LIMIT,
                    trigger: TIME_LIMIT,
                    attempts: 4,
                    grace: TIME_LIMIT,
                    ..Limits::default()
                },
                retention: Retention::default(),
                blocks: crate::our_blocks(),
            };
            let launched: Option<Result<Driver, StartError>> = runtime.block_on(async {
                sim.begin_process();
                sim.trace("a process starts");
                let launched = tokio::select! {
                    biased;
                    () = life.ended() => None,
                    launched = Driver::launch(parts) => Some(launched),
                };
                sim.note_time();
                launched
            });
            match launched {
                Some(Ok(driver)) => {
                    sim.set_driver(Some(driver.clone()));
                    return Self { sim: Arc::clone(sim), runtime, life, driver };
                }
                Some(Err(error)) => sim.trace(format!("it does not start: {error}")),
                None => {}
            }
            drop(runtime);
            sim.end_process();
            sim.pass(Duration::from_secs(1));
        }
    }

    pub(crate) fn driver(&self) -> Driver {
        self.driver.clone()
    }

    /// Starts something that goes on by itself.
    pub(crate) fn begin(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Lets the process live for a while.
    pub(crate) fn live_for(&self, time: Duration) -> Result<(), Died> {
        self.runtime.block_on(async {
            let lived = tokio::select! {
                biased;
                () = self.life.ended() => Err(Died),
                () = tokio::time::sleep(time) => Ok(()),
            };
            self.sim.note_time();
            lived
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.life.end();
        self.sim.end_process();
    }
}

//! The processes in which an engine under test lives, one after the other.

use std::future::Future;
use std::sync::Arc;

use stepwell::testing::Testing;

use super::TestEngine;
use super::engine::Shared;
use super::faults::{Life, MortalStore};
use super::start::START;
use crate::driver::{Driver, Parts};
use crate::secrets::Urls;

/// Where the engine is told to be.
pub(super) const PUBLIC_URL: &str = "https://stepwell.test";

/// One life of the engine.
pub(super) struct Process {
    pub(super) life: Life,
    driver: Driver,
    runtime: Runtime,
}

/// A runtime whose tasks end where they stand when it is dropped.
struct Runtime(Option<tokio::runtime::Runtime>);

impl Runtime {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self(Some(runtime.expect("the system has a thread left")))
    }

    fn handle(&self) -> tokio::runtime::Handle {
        self.0.as_ref().expect("it lives until it is dropped").handle().clone()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// That the process died before it answered.
pub(super) struct Died;

impl TestEngine {
    /// Reads something, after a crash again.
    pub(super) async fn read<T, E, F, Fut>(&self, read: F) -> T
    where
        T: Send + 'static,
        E: std::fmt::Debug + Send + 'static,
        F: Fn(Driver) -> Fut,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        loop {
            if let Ok(result) = self.call(&read).await {
                return result.expect("the database works");
            }
        }
    }

    /// Asks the living process for something.
    pub(super) async fn call<T, F, Fut>(&self, ask: F) -> Result<T, Died>
    where
        T: Send + 'static,
        F: FnOnce(Driver) -> Fut,
        Fut: Future<Output = T> + Send + 'static,
    {
        let (answer, died) = {
            let mut process = self.0.process.lock().await;
            let process = self.living(&mut process).await;
            let answer = process.runtime.handle().spawn(ask(process.driver.clone()));
            (answer, process.life.ended())
        };
        tokio::select! {
            biased;
            () = died => Err(Died),
            answer = answer => match answer {
                Ok(answer) => Ok(answer),
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Err(_) => Err(Died),
            },
        }
    }

    async fn living<'a>(&self, process: &'a mut Option<Process>) -> &'a mut Process {
        loop {
            if process.as_ref().is_none_or(|process| process.life.has_ended()) {
                // The old one ends where it stands.
                *process = None;
                *process = self.launch().await;
            } else if let Some(process) = process {
                return process;
            }
        }
    }

    /// Starts a process; `None` if it dies at once.
    async fn launch(&self) -> Option<Process> {
        let Shared { setup, clock, database, keys, moments, records_read, .. } = &*self.0;
        let life = Life::new();
        let chosen = self.0.blocks.lock().expect("no holder panics").clone();
        let connections = self.connections();
        let mut blocks = chosen.unwrap_or_else(stepwell::block::registered);
        blocks.push(&START);
        let runtime = Runtime::new();
        let database = Arc::clone(database);
        let opened = runtime.handle().spawn(async move { database.open().await }).await;
        let inner = opened.expect("the store does not panic").expect("the database works");
        let store = MortalStore {
            inner,
            moments: Arc::clone(moments),
            life: life.clone(),
            records_read: Arc::clone(records_read),
        };
        let parts = Parts {
            store: Arc::new(store),
            keys: Arc::clone(keys),
            urls: Urls::new(PUBLIC_URL, Arc::clone(keys)),
            http: setup.http.clone().unwrap_or_else(|| Testing::new().http),
            network: stepwell::testing::loopback(),
            connections: Arc::new(connections),
            clock: Arc::new(clock.clone()),
            limits: setup.limits,
            retention: setup.retention,
            blocks,
        };
        let launched = runtime.handle().spawn(Driver::launch(parts));
        let driver = tokio::select! {
            biased;
            () = life.ended() => return None,
            launched = launched => launched.expect("the launch does not panic").expect("the blocks are as they should be"),
        };
        Some(Process { life, driver, runtime })
    }
}

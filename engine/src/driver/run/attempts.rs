//! The attempts of a run that are under way: each call in a task of its own, its end awaited by the task of the run.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;

use super::super::call::panic_message;
use crate::core::run::{Event, Returned};

/// The calls that are under way.
#[derive(Default)]
pub(super) struct Attempts {
    tasks: JoinSet<Finished>,
    running: HashMap<Id, Running>,
}

/// A call that is under way.
struct Running {
    execution: u32,
    limit: Duration,
    until: Instant,
    task: AbortHandle,
}

/// What a call came to, with its slot of the process.
pub(super) struct Finished {
    pub(super) event: Event,
    pub(super) slot: OwnedSemaphorePermit,
}

/// An attempt that has ended. Its slot is gone where the call did not return.
pub(super) struct Ended {
    pub(super) event: Event,
    pub(super) slot: Option<OwnedSemaphorePermit>,
}

impl Attempts {
    /// Whether none is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// Starts a call.
    pub(super) fn start(
        &mut self,
        execution: u32,
        limit: Duration,
        call: impl Future<Output = Finished> + Send + 'static,
    ) {
        let task = self.tasks.spawn(Box::pin(call));
        self.running.insert(task.id(), Running { execution, limit, until: Instant::now() + limit, task });
    }

    /// The next that ends, be it that it returns, panics or takes longer than it may. `None` if a task has ended that
    /// was given up before. Waits for ever while none is under way.
    pub(super) async fn next(&mut self) -> Option<Ended> {
        let until = self.running.values().map(|running| running.until).min();
        let overdue = async {
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
            () = overdue => self.give_up(),
        }
    }

    fn ended(&mut self, ended: Result<(Id, Finished), JoinError>) -> Option<Ended> {
        match ended {
            Ok((id, Finished { event, slot })) => {
                self.running.remove(&id)?;
                Some(Ended { event, slot: Some(slot) })
            }
            Err(error) => {
                let Running { execution, .. } = self.running.remove(&error.id())?;
                let message = match error.try_into_panic() {
                    Ok(panic) => format!("the handler panicked: {}", panic_message(panic.as_ref())),
                    Err(_) => "the handler was aborted".to_owned(),
                };
                let returned = Returned::Error { message, retry: None };
                Some(Ended { event: Event::Returned { execution, returned }, slot: None })
            }
        }
    }

    /// Gives up a call that has taken too long.
    fn give_up(&mut self) -> Option<Ended> {
        let now = Instant::now();
        let overdue = self.running.iter().filter(|(_, running)| running.until <= now);
        let (&id, _) = overdue.min_by_key(|(_, running)| (running.until, running.execution))?;
        let Running { execution, limit, task, .. } = self.running.remove(&id)?;
        task.abort();
        let message = format!("the handler did not return within {} s", limit.as_secs());
        Some(Ended { event: Event::Interrupted { execution, message }, slot: None })
    }
}

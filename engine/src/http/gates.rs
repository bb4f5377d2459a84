//! How many requests are handled at once, by what they ask for: senders of events, callbacks and operators each have
//! their own number, so that none of them keeps the others out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Api;
use super::problem::Problem;
use crate::driver::Limits;
use crate::model::ActivationId;

/// What requests pass before anything is done for them. Which numbers hold, [`Limits`] says.
pub(super) struct Gates {
    triggers: Arc<Semaphore>,
    urls: Arc<Urls>,
    callbacks: Arc<Semaphore>,
    api: Arc<Semaphore>,
}

/// How many requests are under way at each URL of a trigger; one that has none is not in it.
struct Urls {
    most: usize,
    counts: Mutex<HashMap<ActivationId, usize>>,
}

/// A request that has passed, until it is dropped.
pub(super) struct Passed {
    _all: OwnedSemaphorePermit,
    _url: Option<AtUrl>,
}

/// A request at the URL of a trigger, counted until it is dropped.
struct AtUrl {
    urls: Arc<Urls>,
    id: ActivationId,
}

impl Gates {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            triggers: Arc::new(Semaphore::new(limits.trigger_requests)),
            urls: Arc::new(Urls { most: limits.trigger_requests_per_url, counts: Mutex::default() }),
            callbacks: Arc::new(Semaphore::new(limits.callbacks)),
            api: Arc::new(Semaphore::new(limits.api_requests)),
        }
    }

    /// Lets a request to a trigger's URL through, or refuses it.
    pub(super) fn trigger(&self, id: ActivationId) -> Result<Passed, Problem> {
        if !self.urls.enter(id) {
            return Err(Problem::too_many(
                "As many requests to this URL are being handled as there may be; send this one again later",
            ));
        }
        let url = AtUrl { urls: Arc::clone(&self.urls), id };
        let all = Arc::clone(&self.triggers).try_acquire_owned().map_err(|_| {
            Problem::busy(
                "As many requests to triggers are being handled as there may be; send this one again later",
            )
        })?;
        Ok(Passed { _all: all, _url: Some(url) })
    }

    /// Lets a callback through, in the order in which they come. None is refused (o9).
    pub(super) async fn callback(&self) -> Passed {
        let all = Arc::clone(&self.callbacks).acquire_owned().await.expect("it is never closed");
        Passed { _all: all, _url: None }
    }
}

impl Urls {
    fn enter(&self, id: ActivationId) -> bool {
        let mut counts = self.counts.lock().expect("no holder panics");
        let count = counts.entry(id).or_default();
        if *count >= self.most {
            return false;
        }
        *count += 1;
        true
    }
}

impl Drop for AtUrl {
    fn drop(&mut self) {
        let mut counts = self.urls.counts.lock().expect("no holder panics");
        if let Some(count) = counts.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.id);
            }
        }
    }
}

/// Lets a request to the API through whose token is known, or refuses it.
pub(super) async fn api(State(api): State<Api>, request: Request, next: Next) -> Result<Response, Problem> {
    let passed = Arc::clone(&api.gates.api).try_acquire_owned().map_err(|_| {
        Problem::busy(
            "As many requests to the API are being handled as there may be; send this one again later",
        )
    })?;
    let response = next.run(request).await;
    drop(passed);
    Ok(response)
}

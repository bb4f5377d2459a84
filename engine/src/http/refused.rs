//! How many requests were refused at the URLs that are told outside, and why, since this process started. They are
//! counted in memory: anybody may send them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Api;
use super::problem::Reason;

/// The counts, by the reason that the answers gave.
pub(super) struct Refused {
    since: Timestamp,
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl Refused {
    pub(super) fn new(since: Timestamp) -> Self {
        Self { since, counts: Mutex::default() }
    }

    /// All counts that are not 0.
    pub(super) fn counts(&self) -> Value {
        let counts = self.counts.lock().expect("no holder panics");
        let by_reason: BTreeMap<String, u64> =
            counts.iter().map(|(reason, count)| (reason.replace('-', "_"), *count)).collect();
        json!({ "since": self.since, "by_reason": by_reason })
    }
}

/// Counts an answer that refuses its request. What a handler answers itself is none.
pub(super) async fn count(State(api): State<Api>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(Reason(reason)) = response.extensions().get() {
        *api.refused.counts.lock().expect("no holder panics").entry(reason).or_default() += 1;
    }
    response
}

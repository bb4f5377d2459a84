//! The outside world: notes every effect with its idempotency key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::failure::Failure;

type Effects = Arc<Mutex<BTreeMap<(String, u64), BTreeSet<String>>>>;

pub(super) struct Sink {
    pub(super) url: String,
    effects: Effects,
}

impl Sink {
    /// The idempotency keys that an effect of an event was asked for with.
    pub(super) fn keys(&self, name: &str, n: u64) -> usize {
        let effects = self.effects.lock().expect("no holder panics");
        effects.get(&(name.to_owned(), n)).map_or(0, BTreeSet::len)
    }
}

pub(super) async fn start() -> Result<Sink, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the outside world cannot listen: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(failed)?);
    let effects = Effects::default();
    let router = Router::new().route("/{name}", post(note)).with_state(Arc::clone(&effects));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Sink { url, effects })
}

async fn note(
    State(effects): State<Effects>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    let n = body["n"].as_u64().unwrap_or(u64::MAX);
    effects.lock().expect("no holder panics").entry((name, n)).or_default().insert(key.to_owned());
    Json(json!({}))
}

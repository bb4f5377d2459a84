//! The world outside: keeps webhooks and questions, and notes every effect with its idempotency key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::failure::Failure;

/// The id of a question is its event's number times this, and its place among the event's questions.
const QUESTIONS: u64 = 1000;

/// Where the engines find it, and what it knows.
pub(super) struct Provider {
    pub(super) url: String,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    next: u64,
    /// How many questions there are.
    asked: u64,
    hooks: BTreeMap<u64, Hook>,
    /// By event.
    questions: BTreeMap<u64, Vec<Question>>,
    /// The keys that each effect of each event was asked for with.
    effects: BTreeMap<(String, u64), BTreeSet<String>>,
    /// What was refused once, so that it is tried again.
    refused: BTreeSet<String>,
}

/// A webhook.
#[derive(Clone)]
pub(super) struct Hook {
    pub(super) url: String,
    pub(super) secret: String,
}

/// A question about an event.
#[derive(Clone)]
pub(super) struct Question {
    key: String,
    pub(super) answer_url: String,
    pub(super) withdrawn: bool,
}

impl Provider {
    pub(super) fn hooks(&self) -> Vec<Hook> {
        self.known().hooks.values().cloned().collect()
    }

    /// How many questions there are: it grows while runs go on.
    pub(super) fn asked(&self) -> u64 {
        self.known().asked
    }

    /// The questions that were posted for an event.
    pub(super) fn questions(&self, n: u64) -> Vec<Question> {
        self.known().questions.get(&n).cloned().unwrap_or_default()
    }

    /// How many keys an effect of an event was asked for with.
    pub(super) fn effects(&self, name: &str, n: u64) -> usize {
        self.known().effects.get(&(name.to_owned(), n)).map_or(0, BTreeSet::len)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().expect("no holder panics")
    }
}

impl Known {
    fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Whether this is refused, as it is the first time for a part of the events.
    fn refuses(&mut self, what: String, n: u64) -> bool {
        n.is_multiple_of(7) && self.refused.insert(what)
    }
}

pub(super) async fn start() -> Result<Arc<Provider>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the world outside cannot listen: {error}"));
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let url = format!("http://{}", listener.local_addr().map_err(failed)?);
    let provider = Arc::new(Provider { url, known: Mutex::default() });
    let router = Router::new()
        .route("/repos/{owner}/{name}/hooks", get(hooks).post(add_hook))
        .route("/repos/{owner}/{name}/hooks/{id}", patch(change_hook).delete(remove_hook))
        .route("/questions", post(ask))
        .route("/questions/{id}", delete(withdraw))
        .route("/effects/{name}", post(effect))
        .with_state(Arc::clone(&provider));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(provider)
}

type World = State<Arc<Provider>>;

async fn hooks(State(provider): World) -> Json<Value> {
    let known = provider.known();
    let hooks = known.hooks.iter().map(|(id, hook)| json!({ "id": id, "config": { "url": hook.url } }));
    Json(hooks.collect())
}

fn hook(body: &Value) -> Hook {
    let text = |field: &str| body["config"][field].as_str().unwrap_or_default().to_owned();
    Hook { url: text("url"), secret: text("secret") }
}

async fn add_hook(State(provider): World, Json(body): Json<Value>) -> Json<Value> {
    let mut known = provider.known();
    let id = known.next();
    known.hooks.insert(id, hook(&body));
    Json(json!({ "id": id, "config": { "url": hook(&body).url } }))
}

async fn change_hook(
    State(provider): World,
    Path((_, _, id)): Path<(String, String, u64)>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let mut known = provider.known();
    let found = known.hooks.get_mut(&id).ok_or(StatusCode::NOT_FOUND)?;
    *found = hook(&body);
    Ok(Json(json!({ "id": id, "config": { "url": found.url } })))
}

async fn remove_hook(
    State(provider): World,
    Path((_, _, id)): Path<(String, String, u64)>,
) -> Result<Json<Value>, StatusCode> {
    let mut known = provider.known();
    if known.refuses(format!("remove hook {id}"), id) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    known.hooks.remove(&id).map(|_| Json(json!({}))).ok_or(StatusCode::NOT_FOUND)
}

fn key(headers: &HeaderMap) -> String {
    headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned()
}

/// A question that is asked again with its key is the same question.
async fn ask(State(provider): World, headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    let (key, text) = (key(&headers), |field: &str| body[field].as_str().unwrap_or_default());
    let n = text("question").parse().unwrap_or(u64::MAX / QUESTIONS);
    let mut known = provider.known();
    let questions = known.questions.entry(n).or_default();
    let before = questions.iter().position(|question| question.key == key);
    let place = before.unwrap_or_else(|| {
        questions.push(Question { key, answer_url: text("answer_url").to_owned(), withdrawn: false });
        questions.len() - 1
    });
    known.asked += u64::from(before.is_none());
    Json(json!({ "id": n * QUESTIONS + place as u64 }))
}

async fn withdraw(State(provider): World, Path(id): Path<u64>) -> Result<Json<Value>, StatusCode> {
    let mut known = provider.known();
    let place = usize::try_from(id % QUESTIONS).unwrap_or(usize::MAX);
    let questions = known.questions.get_mut(&(id / QUESTIONS));
    let question = questions.and_then(|questions| questions.get_mut(place)).ok_or(StatusCode::NOT_FOUND)?;
    question.withdrawn = true;
    Ok(Json(json!({})))
}

async fn effect(
    State(provider): World,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    let mut known = provider.known();
    let (key, n) = (key(&headers), body["n"].as_u64().unwrap_or(u64::MAX));
    let refused = known.refuses(format!("{name} {key}"), n);
    known.effects.entry((name, n)).or_default().insert(key);
    if refused { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(Json(json!({}))) }
}

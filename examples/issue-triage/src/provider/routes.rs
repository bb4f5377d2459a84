//! The routes of the stand-in, in the shapes of the provider's own API.

use std::io;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, patch, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Hook, LabelApplication, Ledger, Question, Shared, deliver, suggestions};

/// What the provider sends to a new webhook.
const PING: &str = include_str!("../../deliveries/ping.json");

type Answer<T> = Result<T, (StatusCode, String)>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/repos/{owner}/{name}/hooks", get(list_hooks).post(add_hook))
        .route("/repos/{owner}/{name}/hooks/{id}", patch(change_hook).delete(remove_hook))
        .route("/repos/{owner}/{name}/issues/{number}/labels", post(add_labels))
        .route("/label-suggestions", post(suggest_label))
        .route("/questions", post(add_question))
        .route("/questions/{id}", delete(withdraw_question))
        .route("/ledger", get(show_ledger))
        .with_state(shared)
}

#[derive(Deserialize)]
struct HookRequest {
    config: HookConfig,
    events: Vec<String>,
}

#[derive(Deserialize)]
struct HookConfig {
    url: String,
    secret: String,
}

async fn list_hooks(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
) -> Json<Value> {
    let repository = format!("{owner}/{name}");
    Json(shared.read(|ledger| {
        let hooks = ledger.hooks.iter().filter(|hook| hook.repository == repository);
        Value::Array(hooks.map(shown).collect())
    }))
}

async fn add_hook(
    State(shared): State<Arc<Shared>>,
    Path((owner, name)): Path<(String, String)>,
    Json(HookRequest { config, events }): Json<HookRequest>,
) -> Answer<(StatusCode, Json<Value>)> {
    let hook = changed(shared.change(|ledger| {
        let repository = format!("{owner}/{name}");
        let hook = Hook { id: ledger.next_id(), repository, url: config.url, secret: config.secret, events };
        ledger.hooks.push(hook.clone());
        hook
    }))?;
    let answer = Json(shown(&hook));
    // The provider pings a new webhook at once, often before it has answered the registration.
    tokio::spawn(async move { deliver::send(&shared.client, &hook, "ping", PING.into()).await });
    Ok((StatusCode::CREATED, answer))
}

async fn change_hook(
    State(shared): State<Arc<Shared>>,
    Path((_, _, id)): Path<(String, String, u64)>,
    Json(HookRequest { config, events }): Json<HookRequest>,
) -> Answer<Json<Value>> {
    changed(shared.change(|ledger| {
        let hook = ledger.hooks.iter_mut().find(|hook| hook.id == id)?;
        (hook.url, hook.secret, hook.events) = (config.url, config.secret, events);
        Some(Json(shown(hook)))
    }))?
    .ok_or_else(not_found)
}

async fn remove_hook(
    State(shared): State<Arc<Shared>>,
    Path((_, _, id)): Path<(String, String, u64)>,
) -> Answer<StatusCode> {
    removed(&shared, |ledger| {
        let before = ledger.hooks.len();
        ledger.hooks.retain(|hook| hook.id != id);
        ledger.hooks.len() < before
    })
}

#[derive(Deserialize)]
struct LabelsRequest {
    labels: Vec<String>,
}

async fn add_labels(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Path<(String, String, u64)>,
    headers: HeaderMap,
    Json(LabelsRequest { labels }): Json<LabelsRequest>,
) -> Answer<Json<Value>> {
    let key = idempotency_key(&headers)?;
    let applied = changed(shared.change(|ledger| {
        let repository = format!("{owner}/{name}");
        let new = LabelApplication { repository, number, labels, requests: 0 };
        let application = ledger.labels.entry(key).or_insert(new);
        application.requests += 1;
        application.labels.clone()
    }))?;
    Ok(Json(applied.iter().map(|label| json!({ "name": label })).collect()))
}

#[derive(Deserialize)]
struct SuggestionRequest {
    title: String,
    body: Option<String>,
}

async fn suggest_label(Json(request): Json<SuggestionRequest>) -> Json<Value> {
    let (label, confidence) = suggestions::suggest(&request.title, &request.body.unwrap_or_default());
    Json(json!({ "label": label, "confidence": confidence }))
}

#[derive(Deserialize)]
struct QuestionRequest {
    question: String,
    label: String,
    answer_url: String,
}

async fn add_question(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(QuestionRequest { question, label, answer_url }): Json<QuestionRequest>,
) -> Answer<(StatusCode, Json<Value>)> {
    let key = idempotency_key(&headers)?;
    let id = changed(shared.change(|ledger| {
        if let Some(asked) = ledger.questions.iter().find(|question| question.key == key) {
            return asked.id;
        }
        let id = ledger.next_id();
        ledger.questions.push(Question { id, key, question, label, answer_url });
        id
    }))?;
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

async fn withdraw_question(State(shared): State<Arc<Shared>>, Path(id): Path<u64>) -> Answer<StatusCode> {
    removed(&shared, |ledger| {
        let before = ledger.questions.len();
        ledger.questions.retain(|question| question.id != id);
        ledger.questions.len() < before
    })
}

/// For whoever wants to see what the provider was told. Secrets are not shown.
async fn show_ledger(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.read(|ledger| {
        let hooks: Vec<_> = ledger.hooks.iter().map(shown).collect();
        json!({ "hooks": hooks, "questions": ledger.questions, "labels": ledger.labels })
    }))
}

/// A webhook as the API shows it.
fn shown(hook: &Hook) -> Value {
    json!({
        "id": hook.id,
        "type": "Repository",
        "name": "web",
        "active": true,
        "events": hook.events,
        "config": { "url": hook.url, "content_type": "json", "secret": "********" },
    })
}

fn idempotency_key(headers: &HeaderMap) -> Answer<String> {
    let value = headers.get("Idempotency-Key").and_then(|value| value.to_str().ok());
    value
        .map(str::to_owned)
        .ok_or_else(|| (StatusCode::BAD_REQUEST, "header `Idempotency-Key` is missing".into()))
}

fn removed(shared: &Shared, remove: impl FnOnce(&mut Ledger) -> bool) -> Answer<StatusCode> {
    if changed(shared.change(remove))? { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

fn not_found() -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, "there is nothing with this id".into())
}

fn changed<T>(result: io::Result<T>) -> Answer<T> {
    result.map_err(|error| {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("the ledger could not be written: {error}"))
    })
}

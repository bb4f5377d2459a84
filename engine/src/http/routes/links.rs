//! The links of the people whom a run asks.

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::runs::run_id;
use crate::driver::OpenQuestion;
use crate::http::Api;
use crate::http::problem::Problem;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/api/v1/runs/{id}/links", get(list))
}

/// Whoever has a link can answer in that person's name. So links are in no list and no history, and who asks for them
/// here leaves a line in the log.
async fn list(State(api): State<Api>, Path(id): Path<String>) -> Result<impl IntoResponse, Problem> {
    let id = run_id(&id)?;
    let questions = api.driver.open_questions(id).await?;
    let questions = questions.ok_or_else(|| Problem::not_found(format!("There is no run `{id}`")))?;
    let links: Vec<Value> = questions.iter().flat_map(|asked| links(&api, asked)).collect();
    tracing::info!(run = %id, count = links.len(), "the links of a run were given out");
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(json!({ "links": links }))))
}

fn links(api: &Api, asked: &OpenQuestion) -> Vec<Value> {
    let OpenQuestion { execution, step, question } = asked;
    let urls = api.driver.urls();
    let link = |name: Option<&str>, link: String| {
        json!({
            "unique_execution_id": execution.to_string(),
            "step": step,
            "name": name,
            "link": link,
        })
    };
    if question.people.is_empty() {
        return vec![link(None, urls.finish_callback_url(*execution))];
    }
    let people = (0..).zip(&question.people);
    people.map(|(person, name)| link(Some(name), urls.finish_link(*execution, person))).collect()
}

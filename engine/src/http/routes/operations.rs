//! Operations on all runs that a filter selects.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::driver::{Action, HIGHEST_RATE, Operation, RATE, Selection};
use crate::http::Api;
use crate::http::problem::Problem;
use crate::model::{OperationId, RunStatus};
use crate::store::OperationRow;

/// How many operations are listed.
const MOST_LISTED: usize = 100;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/operations", get(list).post(start))
        .route("/api/v1/operations/{id}", get(one).delete(cancel))
}

/// What is to be done to which runs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    action: Action,
    filter: Selection,
    rate: Option<u32>,
    /// Only count the runs.
    #[serde(default)]
    dry_run: bool,
}

async fn start(
    State(api): State<Api>,
    body: Result<Json<Asked>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(Asked { action, filter, rate, dry_run }) = body?;
    let rate = rate.unwrap_or(RATE);
    if !(1..=HIGHEST_RATE).contains(&rate) {
        let message = format!("A rate is 1 to {HIGHEST_RATE} runs a second");
        return Err(Problem::invalid_field("rate", message));
    }
    let fits = |status: RunStatus| match action {
        Action::Cancel => !status.is_final(),
        Action::Retry => status == RunStatus::Failed,
        Action::Replay => status.is_final(),
    };
    if filter.status.is_some_and(|status| !fits(status)) {
        let message = "Only runs that have not ended can be cancelled, only failed ones retried, and only those that have \
            ended replayed";
        return Err(Problem::invalid_field("filter.status", message));
    }
    if dry_run {
        let matched = api.driver.count_selected(action, &filter).await?;
        return Ok(Json(json!({ "matched": matched })).into_response());
    }
    let id = api.driver.start_operation(action, filter, rate).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response())
}

async fn list(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let rows = api.driver.store().operations(MOST_LISTED).await?;
    let operations = rows.iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(json!({ "operations": operations })))
}

async fn one(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let id = operation_id(&id)?;
    let row = api.driver.store().operation(id).await?;
    let row = row.ok_or_else(|| Problem::not_found(format!("There is no operation `{id}`")))?;
    Ok(Json(view(&row)?))
}

async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = operation_id(&id)?;
    api.driver.cancel_operation(id).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "status": "cancelled" }))).into_response())
}

fn view(row: &OperationRow) -> Result<Value, Problem> {
    let Operation { action, filter, rate, status, matched, done, skipped, failed, .. } =
        Operation::read(row)?;
    Ok(json!({
        "id": row.id,
        "action": action,
        "filter": filter,
        "rate": rate,
        "status": status,
        "matched": matched,
        "done": done,
        "skipped": skipped,
        "failed": failed,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }))
}

fn operation_id(text: &str) -> Result<OperationId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("There is no operation `{text}`")))
}

//! Runs.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::definition::is_workflow_id;
use crate::driver::ReplayOn;
use crate::http::problem::Problem;
use crate::http::{Api, views};
use crate::model::{RunId, RunStatus, WorkflowId};
use crate::store::{RunFilter, RunRow};

/// How many runs a page has, unless the request says otherwise.
const PAGE: usize = 50;
/// How many runs a page may have.
const LARGEST_PAGE: usize = 200;
/// How long a request may wait for a run to change, in seconds.
const LONGEST_WAIT: u64 = 60;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/runs", get(list))
        .route("/api/v1/runs/{id}", get(one))
        .route("/api/v1/runs/{id}/cancel", post(cancel))
        .route("/api/v1/runs/{id}/retry", post(retry))
        .route("/api/v1/runs/{id}/replay", post(replay))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    workflow: Option<String>,
    status: Option<String>,
    #[serde(default)]
    unreadable: bool,
    cursor: Option<String>,
    limit: Option<usize>,
}

async fn list(
    State(api): State<Api>,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(filter) = filter.map_err(|rejection| Problem::invalid_field("query", rejection.body_text()))?;
    let limit = filter.limit.unwrap_or(PAGE).clamp(1, LARGEST_PAGE);
    let status = filter.status.as_deref().map(|status| parse_status("status", status)).transpose()?;
    let before = filter.cursor.as_deref().map(|cursor| {
        cursor.parse::<RunId>().map_err(|error| Problem::invalid_field("cursor", error.to_string()))
    });
    if filter.workflow.as_deref().is_some_and(|id| !is_workflow_id(id)) {
        return Err(Problem::invalid_field("workflow", "An id is 1 to 100 letters, digits, `-` and `_`"));
    }
    let filter = RunFilter {
        workflow: filter.workflow.map(WorkflowId),
        status,
        before: before.transpose()?,
        unreadable: filter.unreadable,
        limit,
        ..RunFilter::default()
    };
    let rows = api.driver.store().runs(filter).await?;
    let next = (rows.len() == limit).then(|| rows.last().map(|row| row.id)).flatten();
    let runs: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut run = views::run(row);
            if row.set_aside {
                run["unreadable"] = true.into();
            }
            run
        })
        .collect();
    Ok(Json(json!({ "runs": runs, "next_cursor": next })))
}

/// `wait`: seconds to wait until the run has ended, has one of the statuses `until`, or has moved on from the
/// sequence `since_sequence` (or `after`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    #[serde(default, rename = "wait")]
    seconds: u64,
    #[serde(default)]
    until: String,
    #[serde(alias = "since_sequence")]
    after: Option<i64>,
}

async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
    wait: Result<Query<Wait>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(Wait { seconds, until, after }) =
        wait.map_err(|rejection| Problem::invalid_field("query", rejection.body_text()))?;
    let id = run_id(&id)?;
    let until = parse_statuses("until", &until)?;
    let wait = Duration::from_secs(seconds.min(LONGEST_WAIT));
    let done = |row: &RunRow| {
        row.status.is_final()
            || until.contains(&row.status)
            || after.is_some_and(|after| row.sequence > after)
    };
    let row = api.driver.run_when(id, wait, |row| wait.is_zero() || done(row)).await?;
    let row = row.ok_or_else(|| Problem::not_found(format!("There is no run `{id}`")))?;
    Ok(Json(views::run_with_history(&api.driver, &row).await?))
}

async fn cancel(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    api.driver.cancel(id).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "status": RunStatus::Cancelling }))).into_response())
}

async fn retry(State(api): State<Api>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    api.driver.retry(id).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id, "status": RunStatus::Running }))).into_response())
}

/// `from`: the step to begin with, or the beginning. `version`: `same`, or `draft`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Replay {
    from: Option<String>,
    version: ReplayOn,
}

async fn replay(State(api): State<Api>, Path(id): Path<String>, body: Bytes) -> Result<Response, Problem> {
    let id = run_id(&id)?;
    let Replay { from, version } = if body.is_empty() {
        Replay::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| Problem::invalid_field("body", error.to_string()))?
    };
    let run = api.driver.replay(id, from, version).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": run }))).into_response())
}

pub(super) fn run_id(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("There is no run `{text}`")))
}

/// Reads statuses with commas between them.
pub(super) fn parse_statuses(path: &str, text: &str) -> Result<Vec<RunStatus>, Problem> {
    text.split(',').filter(|status| !status.is_empty()).map(|status| parse_status(path, status)).collect()
}

fn parse_status(path: &str, text: &str) -> Result<RunStatus, Problem> {
    text.parse().map_err(|message: String| Problem::invalid_field(path, message))
}

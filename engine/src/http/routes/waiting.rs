//! What waits for somebody.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::http::problem::Problem;
use crate::http::{Api, views};
use crate::model::{ExecutionStatus, RunStatus, UnreadableRecord};
use crate::store::RunFilter;

/// How many runs of a status are looked at, newest first.
const MOST_RUNS: usize = 200;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/api/v1/waiting", get(list))
}

async fn list(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let mut rows = Vec::new();
    // A run with several branches may wait on one while it works on another.
    for status in [RunStatus::Waiting, RunStatus::Running] {
        let filter = RunFilter { status: Some(status), limit: MOST_RUNS, ..RunFilter::default() };
        rows.extend(api.driver.store().runs(filter).await?);
    }
    let mut waiting = Vec::new();
    for row in rows {
        let history = match views::history(&api.driver, row.id).await {
            Ok(history) => history,
            // A run that cannot be read hides no others.
            Err(error) if error.source.is::<UnreadableRecord>() => {
                tracing::error!(run = %row.id, error = %error.source, "the run is missing from what waits");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        for execution in
            history.executions.iter().filter(|execution| execution.status == ExecutionStatus::Waiting)
        {
            waiting.push(json!({
                "run_id": row.id,
                "workflow_id": row.workflow,
                "step": execution.step,
                "block": execution.block,
                "unique_execution_id": execution.unique_execution_id,
                "waiting_since": execution.waiting_since,
                "waiting_for": execution.waiting_for,
                "question": execution.question,
                "finish_callback_url": execution.finish_callback_url,
            }));
        }
    }
    Ok(Json(json!({ "waiting": waiting })))
}

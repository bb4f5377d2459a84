//! What a workflow's trigger has made of what came.

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

use super::workflows::find;
use crate::driver::Sample;
use crate::http::Api;
use crate::http::problem::Problem;
use crate::secrets::hide_secrets;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/api/v1/workflows/{id}/sample", get(latest))
}

async fn latest(State(api): State<Api>, Path(id): Path<String>) -> Result<Json<Sample>, Problem> {
    let workflow = find(&api, &id).await?;
    let Some(sample) = api.driver.sample(&workflow.id).await? else {
        return Err(Problem::not_found(format!(
            "No run of `{id}` has begun yet; enable it and send it an event, or start it by hand"
        )));
    };
    let mut data: Value = sample.data;
    hide_secrets(&mut data);
    Ok(Json(Sample { data, ..sample }))
}

//! The JSON schema of workflow files.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

use crate::definition::file_schema;
use crate::http::Api;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/api/v1/schema", get(schema))
}

async fn schema(State(api): State<Api>) -> Json<Value> {
    Json(file_schema(api.driver.manifest()))
}

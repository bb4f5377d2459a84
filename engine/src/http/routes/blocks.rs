//! The registered blocks.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use stepwell::manifest::Manifest;

use crate::http::Api;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/api/v1/blocks", get(manifest))
}

async fn manifest(State(api): State<Api>) -> Json<Manifest> {
    Json(api.driver.manifest().clone())
}

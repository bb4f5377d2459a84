//! Whether the engine lives and is ready.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::http::Api;
use crate::http::problem::Problem;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

/// Ready when the database answers.
async fn ready(State(api): State<Api>) -> Result<&'static str, Problem> {
    api.driver.store().next_due().await?;
    Ok("ok\n")
}

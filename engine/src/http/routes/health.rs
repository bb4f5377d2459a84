//! Whether the engine lives and is ready.

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::http::Api;
use crate::http::problem::Problem;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

/// Ready when the database answers and takes changes, and this engine may work on what it holds.
async fn ready(State(api): State<Api>) -> Result<&'static str, Problem> {
    if api.driver.has_lost_lease() {
        return Err(Problem::unavailable(
            "The lease on the database is lost, and there is no new one yet",
            1,
        ));
    }
    let store = api.driver.store();
    store.check_writable().await?;
    store.next_due().await?;
    Ok("ok\n")
}

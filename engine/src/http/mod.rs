//! HTTP: callbacks and the management API.

mod auth;
mod in_process;
mod problem;
mod routes;
mod views;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) use in_process::answer;
pub(crate) use views::history;

use crate::driver::Driver;
use auth::Tokens;

/// What every route is given.
#[derive(Clone)]
pub(crate) struct Api {
    driver: Driver,
    tokens: Arc<Tokens>,
}

/// All routes: callbacks and health are open, the API needs a token.
pub fn router(driver: Driver) -> Router {
    let api = Api { driver, tokens: Arc::default() };
    let guarded = Router::new()
        .merge(routes::blocks::routes())
        .merge(routes::options::routes())
        .merge(routes::workflows::routes())
        .merge(routes::runs::routes())
        .merge(routes::waiting::routes())
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::extract::DefaultBodyLimit::max(routes::LONGEST_API_BODY))
        .layer(axum::middleware::from_fn_with_state(api.clone(), auth::guard));
    Router::new()
        .merge(guarded)
        .merge(routes::callbacks::routes())
        .merge(routes::health::routes())
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::not_found)
        .with_state(api)
}

/// How long open requests may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves all routes until told to stop.
pub(crate) async fn serve(listener: TcpListener, driver: Driver, stop: CancellationToken) {
    let signal = stop.clone();
    let server =
        axum::serve(listener, router(driver)).with_graceful_shutdown(async move { signal.cancelled().await });
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server => {
            if let Err(error) = result {
                tracing::error!(error = %error, "the HTTP server failed");
            }
        }
        () = late => tracing::warn!("requests are still open after the grace period"),
    }
}

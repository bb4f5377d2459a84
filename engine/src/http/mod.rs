//! HTTP: callbacks and the management API.

mod auth;
mod body;
mod gates;
mod in_process;
mod pages;
mod problem;
mod refused;
mod routes;
mod serve;
mod views;

use std::sync::Arc;

use axum::Router;

pub(crate) use in_process::answer;
pub(crate) use serve::serve;
pub(crate) use views::history;

use crate::driver::Driver;
use auth::Tokens;
use gates::Gates;
use refused::Refused;

/// What every route is given.
#[derive(Clone)]
pub(crate) struct Api {
    driver: Driver,
    tokens: Arc<Tokens>,
    gates: Arc<Gates>,
    refused: Arc<Refused>,
}

/// All routes: callbacks and health are open, the API needs a token.
pub fn router(driver: Driver) -> Router {
    let gates = Arc::new(Gates::new(driver.limits()));
    let refused = Arc::new(Refused::new(driver.now()));
    let api = Api { driver, tokens: Arc::new(Tokens::new()), gates, refused };
    let callbacks = routes::callbacks::routes()
        .merge(routes::finish::routes())
        .layer(axum::middleware::from_fn_with_state(api.clone(), refused::count));
    let guarded = Router::new()
        .merge(routes::blocks::routes())
        .merge(routes::connections::routes())
        .merge(routes::doctor::routes())
        .merge(routes::links::routes())
        .merge(routes::operations::routes())
        .merge(routes::options::routes())
        .merge(routes::workflows::routes())
        .merge(routes::runs::routes())
        .merge(routes::sample::routes())
        .merge(routes::schema::routes())
        .merge(routes::events::routes())
        .merge(routes::waiting::routes())
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(axum::extract::DefaultBodyLimit::max(routes::LONGEST_API_BODY))
        .layer(axum::middleware::from_fn_with_state(api.clone(), body::in_time))
        .layer(axum::middleware::from_fn_with_state(api.clone(), gates::api))
        .layer(axum::middleware::from_fn_with_state(api.clone(), auth::guard));
    Router::new()
        .merge(guarded)
        .merge(callbacks)
        .merge(routes::health::routes())
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::not_found)
        .with_state(api)
}

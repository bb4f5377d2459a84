//! Connections. Their credentials go in and never come out.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use crate::http::Api;
use crate::http::problem::Problem;
use crate::store::ConnectionRow;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/connections", get(list))
        .route("/api/v1/connections/{app}/{kind}/{name}", put(set).delete(remove))
}

/// App, kind and name.
type Key = Path<(String, String, String)>;

async fn list(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let connections: Vec<Value> = api.driver.connections().await?.iter().map(view).collect();
    Ok(Json(json!({ "connections": connections })))
}

async fn set(
    State(api): State<Api>,
    Path((app, kind, name)): Key,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(credentials) = body?;
    let kind = format!("{app}/{kind}");
    let is_new = api.driver.put_connection(&kind, &name, &credentials).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(json!({ "kind": kind, "name": name }))).into_response())
}

async fn remove(State(api): State<Api>, Path((app, kind, name)): Key) -> Result<Json<Value>, Problem> {
    let kind = format!("{app}/{kind}");
    api.driver.remove_connection(&kind, &name).await?;
    Ok(Json(json!({ "kind": kind, "name": name })))
}

fn view(row: &ConnectionRow) -> Value {
    let ConnectionRow { kind, name, credentials: _, created_at, updated_at } = row;
    json!({ "kind": kind, "name": name, "created_at": created_at, "updated_at": updated_at })
}

//! The addresses of triggers, which are told outside.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;
use stepwell::request::Request;

use super::LONGEST_CALLBACK_BODY;
use crate::driver::TriggerAnswer;
use crate::http::problem::Problem;
use crate::http::{Api, body};

/// How long a sender is asked to wait while its activation completes, in seconds.
const RETRY_AFTER_ACTIVATION: u32 = 10;
/// How long a sender is asked to wait while the trigger's block is missing, in seconds.
const RETRY_AFTER_UNFIT: u32 = 60;
/// How long a sender is asked to wait while the database fails, in seconds.
pub(super) const RETRY_AFTER_FAILURE: u32 = 1;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/callbacks/trigger/{token}", any(trigger))
}

async fn trigger(
    State(api): State<Api>,
    Path(token): Path<String>,
    request: axum::extract::Request,
) -> Result<Response, Problem> {
    let id = api.driver.urls().keys().read_trigger_token(&token).ok_or_else(unknown)?;
    let passed = api.gates.trigger(id)?;
    let request = read(&api, request).await?;
    // In a task of its own: a client that hangs up does not cancel it (t10).
    let answer = tokio::spawn(async move {
        let answer = api.driver.trigger(id, request).await;
        drop(passed);
        answer
    });
    let answer = answer.await.unwrap_or_else(|_| TriggerAnswer::Failed("the engine is stopping".into()));
    match answer {
        TriggerAnswer::Started(run, response) | TriggerAnswer::Duplicate(run, response) => {
            Ok(match response {
                Some(response) => own(&response),
                None => (StatusCode::ACCEPTED, Json(json!({ "run_id": run }))).into_response(),
            })
        }
        TriggerAnswer::Respond(response) => Ok(own(&response)),
        TriggerAnswer::NoOp => Ok(Json(json!({ "status": "no_op" })).into_response()),
        TriggerAnswer::Gone => {
            Err(gone("The workflow is not enabled, or another version has replaced this one"))
        }
        TriggerAnswer::Rejected(rejected) => {
            let problem = Problem::new(rejected.status(), "rejected", "Rejected", rejected.message());
            let headers = rejected.headers().iter().cloned();
            Err(headers.fold(problem, |problem, (name, value)| problem.with_header(name, value)))
        }
        TriggerAnswer::Failed(message) => {
            tracing::warn!(activation = %id, error = %message, "a trigger failed on a request");
            let detail = "The trigger failed on this request; deliver it again later";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "trigger-failed", "Trigger failed", detail))
        }
        TriggerAnswer::NotReady => Err(Problem::unavailable(
            "The trigger is still being activated; deliver again later",
            RETRY_AFTER_ACTIVATION,
        )),
        TriggerAnswer::Unfit => Err(Problem::unavailable(
            "The workflow's trigger cannot take requests now; deliver again later",
            RETRY_AFTER_UNFIT,
        )),
        TriggerAnswer::Busy => {
            Err(Problem::busy("As many runs are under way as there may be; send this request again later"))
        }
        TriggerAnswer::Unavailable(message) => Err(Problem::unavailable(message, RETRY_AFTER_FAILURE)),
    }
}

/// The request as handlers see it.
pub(super) async fn read(api: &Api, request: axum::extract::Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts, body, LONGEST_CALLBACK_BODY, api.driver.limits().client).await?;
    Ok(Request::new(parts.method, body)
        .with_path(parts.uri.path())
        .with_query(parts.uri.query().unwrap_or_default())
        .with_headers(parts.headers))
}

/// A response that the handler made itself.
fn own(response: &stepwell::response::Response) -> Response {
    let mut answer = Response::new(Body::from(response.bytes().clone()));
    *answer.status_mut() = response.status();
    *answer.headers_mut() = response.headers().clone();
    answer
}

pub(super) fn unknown() -> Problem {
    Problem::not_found("There is nothing at this address")
}

pub(super) fn gone(detail: &str) -> Problem {
    Problem::new(StatusCode::GONE, "gone", "Gone", detail)
}

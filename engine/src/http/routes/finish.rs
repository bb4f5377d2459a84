//! The addresses of executions, which are told outside: where a callback is posted and a question is read.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::callbacks::{RETRY_AFTER_FAILURE, gone, read, unknown};
use crate::driver::{Asked, CallbackAnswer};
use crate::http::problem::Problem;
use crate::http::{Api, pages};
use crate::model::ExecutionId;

/// How long somebody is asked to wait who comes before the question, in seconds.
const RETRY_AFTER_EARLY: u32 = 2;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/callbacks/finish/{token}", any(finish))
}

/// An answer for a person is a page, as far as they look at it in a browser.
async fn finish(
    State(api): State<Api>,
    Path(token): Path<String>,
    request: axum::extract::Request,
) -> Response {
    let in_browser = pages::are_wanted(request.headers());
    let answer = match api.driver.urls().keys().read_finish_token(&token) {
        None => Err(unknown()),
        Some((id, sender)) => match *request.method() {
            Method::POST => take(&api, id, sender, request).await.map(|()| recorded(in_browser)),
            Method::GET | Method::HEAD => show(&api, id, sender).await,
            _ => Err(not_allowed("GET, HEAD, POST")),
        },
    };
    answer.unwrap_or_else(|problem| if in_browser { problem.into_page() } else { problem.into_response() })
}

/// Records a callback.
async fn take(
    api: &Api,
    id: ExecutionId,
    sender: Option<u32>,
    request: axum::extract::Request,
) -> Result<(), Problem> {
    let passed = api.gates.callback().await;
    let mut request = read(api, request).await?;
    if let Some(person) = sender {
        request = request.with_sender(person);
    }
    let driver = api.driver.clone();
    // In a task of its own: a client that hangs up does not cancel it.
    let answer = tokio::spawn(async move {
        let answer = driver.callback(id, request).await;
        drop(passed);
        answer
    });
    match answer.await.unwrap_or_else(|_| CallbackAnswer::Unavailable("the engine is stopping".into())) {
        CallbackAnswer::Recorded => Ok(()),
        CallbackAnswer::Gone => Err(closed()),
        CallbackAnswer::Unavailable(message) => Err(Problem::unavailable(message, RETRY_AFTER_FAILURE)),
    }
}

fn recorded(in_browser: bool) -> Response {
    if in_browser {
        let text = "Your answer has been received. You can close this page.";
        return pages::message(StatusCode::ACCEPTED, "Thank you", text);
    }
    (StatusCode::ACCEPTED, Json(json!({ "status": "recorded" }))).into_response()
}

/// Shows the question. Following the link changes nothing (d1).
async fn show(api: &Api, id: ExecutionId, sender: Option<u32>) -> Result<Response, Problem> {
    let _passed = api.gates.callback().await;
    let question = match api.driver.question(id).await? {
        Asked::Question(question) => question,
        Asked::Nothing => return Err(not_allowed("POST")),
        Asked::NotYet => {
            let detail = "There is no question here yet; try again in a moment";
            return Err(Problem::unavailable(detail, RETRY_AFTER_EARLY));
        }
        Asked::Gone => return Err(closed()),
    };
    let person = sender.and_then(|person| question.people.get(usize::try_from(person).ok()?));
    if person.is_none() && !question.people.is_empty() {
        let detail =
            "Each of those who are asked has a link of their own, and this is none of them; use yours";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not your link", detail));
    }
    Ok(pages::question(&question, person.map(String::as_str)))
}

fn not_allowed(methods: &'static str) -> Problem {
    let detail = "Send a POST to finish the waiting step";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
        .with_header(header::ALLOW, HeaderValue::from_static(methods))
}

fn closed() -> Problem {
    gone("This is closed: it was answered or given up before. Nothing was changed")
}

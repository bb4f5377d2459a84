//! Bodies of requests, read whole, within a limit and a time.

use std::error::Error as _;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{StatusCode, header};
use http_body_util::LengthLimitError;

use super::Api;
use super::problem::{Problem, too_long};
use super::routes::LONGEST_API_BODY;

/// Reads the body of a request to the API before anything is done for it.
pub(super) async fn in_time(
    State(api): State<Api>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = read(&parts, body, LONGEST_API_BODY, api.driver.limits().client).await?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

/// The body of a request, if it is not longer than `longest` bytes and comes within `patience`.
pub(super) async fn read(
    parts: &http::request::Parts,
    body: Body,
    longest: usize,
    patience: Duration,
) -> Result<Bytes, Problem> {
    let declared = parts.headers.get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > longest) {
        return Err(too_long());
    }
    match tokio::time::timeout(patience, to_bytes(body, longest)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.source().is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) => {
            Err(too_long())
        }
        Ok(Err(_)) => {
            let detail = "The body broke off, or is not what its head announces";
            Err(Problem::new(StatusCode::BAD_REQUEST, "broken-body", "Broken body", detail))
        }
        Err(_) => {
            let detail = format!("The body did not arrive within {} s", patience.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "Too slow", detail))
        }
    }
}

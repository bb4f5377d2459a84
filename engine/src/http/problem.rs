//! Errors as problem documents (RFC 9457).

use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::definition::Problem as Finding;
use crate::driver::Refusal;
use crate::model::UnreadableRecord;
use crate::store::StoreError;

/// How long who comes beyond a limit is asked to wait, in seconds.
const RETRY_AFTER_BUSY: u32 = 1;

/// An error, ready to be sent.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<Finding>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What the `type` of an answer's problem ends with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reason(pub(crate) &'static str);

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        slug: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, slug, title, detail: detail.into(), errors: Vec::new(), headers: Vec::new() }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    pub(crate) fn invalid(errors: Vec<Finding>) -> Self {
        let detail = match errors.len() {
            1 => "There is 1 problem".to_owned(),
            count => format!("There are {count} problems"),
        };
        Self { errors, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Invalid input", detail) }
    }

    pub(crate) fn invalid_field(path: &str, message: impl Into<String>) -> Self {
        Self::invalid(vec![Finding::new(path, message)])
    }

    pub(crate) fn unavailable(detail: impl Into<String>, retry_after: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(retry_after))
    }

    /// A limit of the whole process is reached; nothing was begun.
    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_BUSY))
    }

    /// A limit of this caller or address is reached; nothing was begun.
    pub(crate) fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests", detail)
            .with_header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_BUSY))
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Problem {
    /// The error as a page for a person.
    pub(super) fn into_page(self) -> Response {
        let page = super::pages::message(self.status, self.title, &self.detail);
        self.complete(page)
    }

    fn complete(self, mut response: Response) -> Response {
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Reason(self.slug));
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("/problems/{}", self.slug),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let response = (self.status, [content_type], body.to_string()).into_response();
        self.complete(response)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error, source = %error.source, "a request could not be handled");
        if error.source.is::<UnreadableRecord>() {
            let detail = error.source.to_string();
            return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", "Unreadable", detail);
        }
        Self::unavailable(format!("The database failed: {error}"), 1)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(detail) => Self::not_found(detail),
            Refusal::Problems(errors) => Self::invalid(errors),
            Refusal::Conflict(detail) => {
                Self::new(StatusCode::CONFLICT, "conflict", "Not possible now", detail)
            }
            Refusal::ActivationFailed(message) => {
                let detail = format!("The trigger could not be activated: {message}");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "activation-failed", "Activation failed", detail)
            }
            Refusal::OptionsFailed(message) => {
                let detail = format!("The options could not be looked up: {message}");
                Self::new(StatusCode::BAD_GATEWAY, "options-failed", "Look-up failed", detail)
            }
            Refusal::Pending(detail) => Self::new(StatusCode::ACCEPTED, "pending", "Not done yet", detail),
            Refusal::Busy => Self::busy(refusal.to_string()),
            Refusal::Store(error) => error.into(),
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let status = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => return too_long(),
            status => status,
        };
        Self::new(status, "invalid-json", "Not the expected JSON", rejection.body_text())
    }
}

/// A body that is longer than its route allows.
pub(crate) fn too_long() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-long",
        "Body too long",
        "The body is longer than the limit",
    )
}

/// What no route answers.
pub(crate) async fn not_found() -> Problem {
    Problem::not_found("There is nothing at this address")
}

/// What a route answers to a method that it does not take; the router adds which it takes.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "Method not allowed",
        "This address does not take this method; see the `Allow` header",
    )
}

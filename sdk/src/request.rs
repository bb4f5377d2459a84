//! The request that a trigger or a `finish` handler receives.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::signature::Signature;

/// One HTTP request to an activation's `trigger_callback_url` or an execution's `finish_callback_url`.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    /// A request with this method and body, an empty query and no headers.
    pub fn new(method: Method, body: impl Into<Bytes>) -> Self {
        Self { method, path: "/".into(), query: String::new(), headers: HeaderMap::new(), body: body.into() }
    }

    /// Sets the path, without the query.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the query, without the question mark.
    #[must_use]
    pub fn with_query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    /// Sets a header, replacing what it had.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Replaces all headers.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, without the query. It contains the callback's token.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query without the question mark; empty if there is none.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, as it was sent.
    pub fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// The body as UTF-8 text.
    ///
    /// # Errors
    ///
    /// Rejects the request (400) if the body is not UTF-8.
    pub fn text(&self) -> Result<&str, Rejected> {
        std::str::from_utf8(&self.body).map_err(|_| Rejected::bad_request("the body is not UTF-8 text"))
    }

    /// The value of a header that must be there, as text. The name is matched without regard to case.
    ///
    /// # Errors
    ///
    /// Rejects the request (400) if the header is missing or is not text.
    pub fn header(&self, name: &str) -> Result<&str, Rejected> {
        let value = self
            .headers
            .get(name)
            .ok_or_else(|| Rejected::bad_request(format!("header `{name}` is missing")))?;
        value.to_str().map_err(|_| Rejected::bad_request(format!("header `{name}` is not text")))
    }

    /// The body as a JSON document of type `T`.
    ///
    /// # Errors
    ///
    /// Rejects the request (400) if the body is not JSON, or does not fit `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Rejected> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Rejected::bad_request(format!("the body is not the expected JSON: {error}")))
    }

    /// Checks the request's signature.
    ///
    /// # Errors
    ///
    /// Rejects the request (401) if the signature is missing or wrong.
    pub fn verify(&self, signature: &impl Signature) -> Result<(), Rejected> {
        signature.verify(self)
    }
}

/// A request that a handler refuses: a bad signature, an unreadable body.
///
/// In a `trigger` handler it answers the request with its status and starts no run. In a `finish` handler the
/// callback is recorded as rejected and the execution goes on waiting. `?` turns it into either handler's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    status: StatusCode,
    message: String,
}

impl Rejected {
    /// Refuses the request as malformed (400).
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// Refuses the request as not authentic (401).
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, message: message.into() }
    }

    /// The status that answers the request, always 4xx.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Why the request was refused, in one sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

// `Rejected` is not a `std::error::Error` on purpose: the blanket conversion of errors into handler errors
// would turn it into a failure of the step, and its meaning would be lost.
impl fmt::Display for Rejected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

//! Requests that are refused.

use std::fmt;

use http::{HeaderName, HeaderValue, StatusCode};

/// A request that a handler refuses: a bad signature, an unreadable body.
///
/// In a `trigger` handler it answers the request with its status and starts no run. In a `finish` handler the
/// callback is recorded as rejected and the execution goes on waiting. `?` turns it into either handler's error.
///
/// The message is sent to whoever made the request and may be stored: keep secrets out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    status: StatusCode,
    message: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Rejected {
    /// Refuses the request as malformed (400).
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::BAD_REQUEST, message)
    }

    /// Refuses the request as not authentic (401).
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::UNAUTHORIZED, message)
    }

    /// Refuses the request as authentic, but of a sender who may not make it (403).
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::with_status(StatusCode::FORBIDDEN, message)
    }

    /// Refuses the request with another status that blames the sender (4xx), such as 410 to have a webhook removed.
    ///
    /// Any other status becomes 400, for a rejection is neither an answer nor a failure of the handler. Return a
    /// [`Response`](crate::response::Response) or an error for those.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::StatusCode;
    /// use stepwell::request::Rejected;
    ///
    /// let gone = Rejected::with_status(StatusCode::GONE, "the repository is not watched any more");
    /// assert_eq!(gone.status(), 410);
    /// assert_eq!(Rejected::with_status(StatusCode::OK, "no").status(), 400);
    /// ```
    pub fn with_status(status: StatusCode, message: impl Into<String>) -> Self {
        let status = if status.is_client_error() { status } else { StatusCode::BAD_REQUEST };
        Self { status, message: message.into(), headers: Vec::new() }
    }

    /// Adds a header to the answer of a `trigger` handler, such as the `Allow` that belongs to a 405 (RFC 9110, 15.5.6). A
    /// callback is answered before `finish` judges it, so that its sender sees none.
    ///
    /// ```
    /// use http::{HeaderValue, StatusCode, header};
    /// use stepwell::request::Rejected;
    ///
    /// let refused = Rejected::with_status(StatusCode::METHOD_NOT_ALLOWED, "only POST is taken")
    ///     .header(header::ALLOW, HeaderValue::from_static("POST"));
    /// assert_eq!(refused.headers().len(), 1);
    /// ```
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The status that answers the request, always 4xx.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers that were added.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
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

//! Outgoing HTTP: the client that `cx.http()` gives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::fmt::rfc2822;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connection::Connection;
use crate::error::{ActivationError, StepError, TriggerError};

/// Sends one request. The engine implements it with its guarded client, a test with its own answers.
#[async_trait]
pub trait HttpTransport: Send + Sync {
    /// Sends the request and reads the whole response.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError>;
}

/// The engine's outgoing HTTP client: guarded against private addresses, with time and size limits.
#[derive(Clone)]
pub struct HttpClient {
    transport: Arc<dyn HttpTransport>,
}

impl HttpClient {
    /// A client over this transport.
    pub fn new(transport: Arc<dyn HttpTransport>) -> Self {
        Self { transport }
    }

    /// A request with any method.
    pub fn request(&self, method: Method, url: impl Into<String>) -> RequestBuilder {
        RequestBuilder {
            transport: Arc::clone(&self.transport),
            request: Ok(HttpRequest {
                method,
                url: url.into(),
                headers: HeaderMap::new(),
                body: Bytes::new(),
                timeout: None,
                redirects: Redirects::Follow,
                longest_response: None,
            }),
        }
    }

    /// A GET request.
    pub fn get(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// A POST request.
    pub fn post(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// A PUT request.
    pub fn put(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// A PATCH request.
    pub fn patch(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// A DELETE request.
    pub fn delete(&self, url: impl Into<String>) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// An outgoing request.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL, `http` or `https`.
    pub url: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// How long the whole exchange may take; otherwise the engine's limit holds.
    pub timeout: Option<Duration>,
    /// What becomes of a redirect.
    pub redirects: Redirects,
    /// How long the body of the response may be in bytes; the engine's limit holds where it is less.
    pub longest_response: Option<usize>,
}

/// What becomes of an answer that redirects to another URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Redirects {
    /// It is followed, a few times. Credentials are not taken along to another scheme, host or port.
    #[default]
    Follow,
    /// It is the response.
    Return,
}

/// Builds a request. A mistake on the way (a header that is not one, a body without a JSON form) is reported
/// by [`send`](Self::send).
#[must_use]
pub struct RequestBuilder {
    transport: Arc<dyn HttpTransport>,
    request: Result<HttpRequest, HttpError>,
}

impl RequestBuilder {
    /// Sets a header, replacing what it had.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.change(|request| {
            let (name, value) = header(name, value)?;
            request.headers.insert(name, value);
            Ok(())
        })
    }

    /// Sets a header that is a credential, replacing what it had. It is not shown, and a redirect to another scheme,
    /// host or port does not get it.
    pub fn secret_header(self, name: &str, value: &str) -> Self {
        self.change(|request| {
            let (name, mut value) = header(name, value)?;
            value.set_sensitive(true);
            request.headers.insert(name, value);
            Ok(())
        })
    }

    /// Sets `Authorization: Bearer …`, as a [`secret_header`](Self::secret_header).
    pub fn bearer(self, token: &str) -> Self {
        self.secret_header(AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }

    /// Sets `Authorization: Basic …` (RFC 7617), as a [`secret_header`](Self::secret_header).
    pub fn basic(self, user: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        self.secret_header(AUTHORIZATION.as_str(), &format!("Basic {credentials}"))
    }

    /// Adds the credentials of a connection, in the way that its declaration names.
    pub fn authorize(self, connection: &impl Connection) -> Self {
        connection.authorize(self)
    }

    /// Sets a JSON body and its content type.
    pub fn json(self, body: &impl Serialize) -> Self {
        self.change(|request| {
            let body = serde_json::to_vec(body)
                .map_err(|error| HttpError::invalid(format!("the body has no JSON form: {error}")))?;
            request.body = body.into();
            request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(())
        })
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.change(|request| {
            request.body = body.into();
            Ok(())
        })
    }

    /// Bounds the time of the whole exchange.
    pub fn timeout(self, timeout: impl Into<Duration>) -> Self {
        self.change(|request| {
            request.timeout = Some(timeout.into());
            Ok(())
        })
    }

    /// Says what becomes of a redirect.
    pub fn redirects(self, redirects: Redirects) -> Self {
        self.change(|request| {
            request.redirects = redirects;
            Ok(())
        })
    }

    /// Bounds the body of the response, in bytes; a longer one is an error that is not retryable.
    pub fn longest_response(self, bytes: usize) -> Self {
        self.change(|request| {
            request.longest_response = Some(bytes);
            Ok(())
        })
    }

    /// Sends the request and reads the whole response, whatever its status.
    ///
    /// # Errors
    ///
    /// When the request is malformed or refused, or no response came. See [`HttpError::is_retryable`].
    pub async fn send(self) -> Result<HttpResponse, HttpError> {
        self.transport.send(self.request?).await
    }

    fn change(mut self, change: impl FnOnce(&mut HttpRequest) -> Result<(), HttpError>) -> Self {
        if let Ok(request) = &mut self.request
            && let Err(error) = change(request)
        {
            self.request = Err(error);
        }
        self
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HttpError> {
    let name = HeaderName::try_from(name)
        .map_err(|_| HttpError::invalid(format!("`{name}` is not a header name")))?;
    let value = HeaderValue::try_from(value).map_err(|_| {
        HttpError::invalid(format!("the value of header `{name}` has a character that headers cannot carry"))
    })?;
    Ok((name, value))
}

/// A response, read to its end.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl HttpResponse {
    /// A response with this status and body, for a test that answers requests.
    ///
    /// # Panics
    ///
    /// When the status is not from 100 to 999.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        let status = StatusCode::from_u16(status).expect("a status has three digits");
        Self { status, headers: HeaderMap::new(), body: body.into() }
    }

    /// A response with a JSON body, for a test that answers requests.
    ///
    /// # Panics
    ///
    /// When the status is not from 100 to 999, or the value has no JSON form.
    pub fn of_json(status: u16, body: &impl Serialize) -> Self {
        let mut response = Self::new(status, serde_json::to_vec(body).expect("the body has a JSON form"));
        response.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// This response if its status is below 400.
    ///
    /// # Errors
    ///
    /// Otherwise an error with the status, as [`to_error`](Self::to_error) makes it.
    pub fn error_for_status(self) -> Result<Self, HttpError> {
        if self.status.as_u16() < 400 { Ok(self) } else { Err(self.to_error()) }
    }

    /// This response as an error with its status and the beginning of its body: retryable if it
    /// [may pass](Self::may_pass), after what [`Retry-After`](Self::retry_after) says.
    pub fn to_error(&self) -> HttpError {
        let mut message = format!("the server answered {}", self.status);
        if let Some(excerpt) = excerpt(&self.body) {
            message = format!("{message}: {excerpt}");
        }
        HttpError { message, retryable: self.may_pass(), retry_after: self.retry_after() }
    }

    /// Whether the same request may succeed later: 408, 425, 429 and 5xx.
    pub fn may_pass(&self) -> bool {
        matches!(self.status.as_u16(), 408 | 425 | 429 | 500..=599)
    }

    /// How long the server asks to wait, with `Retry-After` (RFC 9110, 10.2.3): in seconds, or until a time, by the
    /// server's own clock in `Date`.
    pub fn retry_after(&self) -> Option<Duration> {
        let text = |name| self.headers.get(name)?.to_str().ok().map(str::trim);
        let asked = text(RETRY_AFTER)?;
        if let Ok(seconds) = asked.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let time = |text| Some(rfc2822::parse(text).ok()?.timestamp());
        Duration::try_from(time(asked)?.duration_since(time(text(DATE)?)?)).ok()
    }

    /// The body as JSON of type `T`.
    ///
    /// # Errors
    ///
    /// When the body is not JSON or does not fit `T`; not retryable.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| HttpError::invalid(format!("the response is not the expected JSON: {error}")))
    }
}

/// The beginning of a textual body, for an error message.
fn excerpt(body: &[u8]) -> Option<String> {
    const LONGEST_EXCERPT: usize = 200;
    let text = std::str::from_utf8(body).ok()?.trim();
    (!text.is_empty()).then(|| text.chars().take(LONGEST_EXCERPT).collect())
}

/// Why no usable response came.
///
/// `?` turns it into a handler's error and keeps whether it is retryable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    message: String,
    retryable: bool,
    retry_after: Option<Duration>,
}

impl HttpError {
    /// A request that cannot succeed as it is.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: false, retry_after: None }
    }

    /// A failure that may pass: no connection, a time-out.
    pub fn transient(message: impl Into<String>) -> Self {
        Self { message: message.into(), retryable: true, retry_after: None }
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// The same error, after which the request is sent again.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The same error, after which the request is not sent again.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.retryable = false;
        self
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl From<HttpError> for StepError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError { message, retryable: false, .. } => Self::permanent(message),
            HttpError { message, retry_after: None, .. } => Self::retryable(message),
            HttpError { message, retry_after: Some(delay), .. } => {
                Self::retryable(message).retry_after(delay)
            }
        }
    }
}

impl From<HttpError> for TriggerError {
    fn from(error: HttpError) -> Self {
        Self::failed(error.message)
    }
}

impl From<HttpError> for ActivationError {
    fn from(error: HttpError) -> Self {
        Self::new(error.message)
    }
}

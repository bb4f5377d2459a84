//! The request that a trigger or a `finish` handler receives.

mod reason;
mod rejected;
#[cfg(test)]
mod tests;
mod typed;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::de::DeserializeOwned;

pub use self::rejected::Rejected;
use crate::signature::Signature;

/// One HTTP request to an activation's `trigger_callback_url` or an execution's `finish_callback_url`.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    sender: Option<u32>,
}

impl Request {
    /// A request with this method and body, an empty query and no headers.
    pub fn new(method: Method, body: impl Into<Bytes>) -> Self {
        Self {
            method,
            path: "/".into(),
            query: String::new(),
            headers: HeaderMap::new(),
            body: body.into(),
            sender: None,
        }
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

    /// Sets whose link the request came by.
    #[must_use]
    pub const fn with_sender(mut self, person: u32) -> Self {
        self.sender = Some(person);
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

    /// Whose link the request came by, if it came by one of
    /// [`finish_link`](crate::context::FinishContext::finish_link): the number that the link was made with. The engine
    /// reads it from the link's token, so that nothing in the request can name another.
    pub fn sender(&self) -> Option<u32> {
        self.sender
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body, as it was sent.
    pub fn bytes(&self) -> &Bytes {
        &self.body
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

    /// The value of a header that may be missing. One that is not text counts as missing. The name is matched without
    /// regard to case.
    pub fn header_opt(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as a JSON document of type `T`, whatever its content type: many senders name none.
    ///
    /// # Errors
    ///
    /// Rejects the request (400) if the body is not JSON, or does not fit `T`. The message says where and why without
    /// quoting the body's values, so that it can be stored. Keys that do not look like a field's name are left out of
    /// it too; those that do, such as `u123` in a map of users, are not.
    ///
    /// # Examples
    ///
    /// ```
    /// use stepwell::prelude::*;
    ///
    /// #[derive(Debug, serde::Deserialize)]
    /// struct Event {
    ///     issue: Issue,
    /// }
    ///
    /// #[derive(Debug, serde::Deserialize)]
    /// struct Issue {
    ///     number: u64,
    /// }
    ///
    /// let request = Request::new(http::Method::POST, r#"{"issue": {"number": "seven"}}"#);
    /// let rejected = request.json::<Event>().unwrap_err();
    /// assert_eq!(
    ///     rejected.message(),
    ///     "the body does not fit: `issue.number`: invalid type: string, expected u64"
    /// );
    /// ```
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Rejected> {
        typed::from_json(&self.body)
    }

    /// The body as a form (`application/x-www-form-urlencoded`) of type `T`, whatever its content type.
    ///
    /// A field of type `Vec` takes every value of its name.
    ///
    /// # Errors
    ///
    /// Rejects the request (400) if the body does not fit `T`, like [`json`](Self::json).
    ///
    /// # Examples
    ///
    /// ```
    /// use stepwell::prelude::*;
    ///
    /// #[derive(Debug, PartialEq, serde::Deserialize)]
    /// struct Command {
    ///     command: String,
    ///     text: String,
    /// }
    ///
    /// let request = Request::new(http::Method::POST, "command=%2Fdeploy&text=to+production");
    /// let command = Command { command: "/deploy".into(), text: "to production".into() };
    /// assert_eq!(request.form(), Ok(command));
    /// ```
    pub fn form<T: DeserializeOwned>(&self) -> Result<T, Rejected> {
        typed::from_form("body", &self.body)
    }

    /// The query as a value of type `T`. A field of type `Vec` takes every value of its name.
    ///
    /// # Errors
    ///
    /// Rejects the request (400) if the query does not fit `T`, like [`json`](Self::json).
    ///
    /// # Examples
    ///
    /// ```
    /// use stepwell::prelude::*;
    ///
    /// #[derive(Debug, PartialEq, serde::Deserialize)]
    /// struct Decision {
    ///     approved: bool,
    ///     comment: Option<String>,
    /// }
    ///
    /// let request = Request::new(http::Method::GET, "").with_query("approved=true");
    /// assert_eq!(request.query_as(), Ok(Decision { approved: true, comment: None }));
    ///
    /// let rejected = request.with_query("").query_as::<Decision>().unwrap_err();
    /// assert_eq!(rejected.message(), "the query does not fit: missing field `approved`");
    /// ```
    pub fn query_as<T: DeserializeOwned>(&self) -> Result<T, Rejected> {
        typed::from_form("query", self.query.as_bytes())
    }

    /// The body as UTF-8 text.
    ///
    /// # Errors
    ///
    /// Rejects the request (400) if the body is not UTF-8.
    pub fn text(&self) -> Result<&str, Rejected> {
        std::str::from_utf8(&self.body).map_err(|_| Rejected::bad_request("the body is not UTF-8 text"))
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

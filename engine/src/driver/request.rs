//! Callbacks' requests, as the journal keeps them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use stepwell::request::Request;

use crate::model::{CallbackRequest, Entry, decode_entries};
use crate::store::Record;

/// Headers that are never stored: they carry the sender's own credentials, or the link that an answer came by.
const PRIVATE_HEADERS: [HeaderName; 4] =
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION, header::REFERER];

impl CallbackRequest {
    /// The form in which a request is recorded: without private headers, and without those that are no text.
    pub fn of(request: &Request) -> Self {
        let headers = request
            .headers()
            .iter()
            .filter(|(name, _)| !PRIVATE_HEADERS.contains(name))
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        Self {
            method: request.method().to_string(),
            query: request.query().to_owned(),
            headers,
            body: STANDARD.encode(request.bytes()),
            sender: request.sender(),
        }
    }

    /// The request as `finish` receives it; `None` if the record is damaged.
    pub fn into_request(self) -> Option<Request> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
        let method = Method::from_bytes(self.method.as_bytes()).ok()?;
        let body = STANDARD.decode(&self.body).ok()?;
        let request = Request::new(method, body).with_query(self.query).with_headers(headers);
        Some(match self.sender {
            Some(person) => request.with_sender(person),
            None => request,
        })
    }
}

/// The request that a callback's record holds.
pub(super) fn read(record: &Record) -> Option<Request> {
    let entries = decode_entries(&record.body).ok()?;
    entries.into_iter().find_map(|entry| match entry {
        Entry::CallbackReceived { request, .. } => request.into_request(),
        _ => None,
    })
}

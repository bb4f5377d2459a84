//! `core/http-request`: sends a request and goes the way of its answer.

mod account;
mod body;
mod statuses;

use std::collections::BTreeMap;

use serde_json::Value;
use stepwell::config::FieldError;
use stepwell::http_client::{HttpResponse, Redirects, RequestBuilder};
use stepwell::prelude::*;

use super::method::Method;
use account::Account;
use body::{Body, ReadAs};
use statuses::{Meaning, STATUS, Statuses, meaning};

/// The longest time that a request may take: less than the five minutes after which an attempt counts as interrupted.
const LONGEST_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(4);

/// What to send.
#[config]
struct HttpRequest {
    /// Method
    #[field(default = Method::Get)]
    method: Method,
    /// Address
    #[field(placeholder = "https://example.com/orders", check = is_http)]
    url: Url,
    /// Query
    ///
    /// Fields that are added to the address.
    #[field(default = BTreeMap::new())]
    query: BTreeMap<String, String>,
    /// Headers
    #[field(default = BTreeMap::new(), check = can_be_sent(token))]
    headers: BTreeMap<String, String>,
    /// Bearer token
    ///
    /// Sent as `Authorization: Bearer …`. A connection keeps it out of the workflow.
    token: Option<Secret>,
    /// Body
    #[field(check = Body::is_readable)]
    body: Option<Body>,
    /// Timeout
    ///
    /// How long the whole exchange may take, at most 4 minutes; without it 30 seconds.
    #[field(group = "Limits", check = is_short)]
    timeout: Option<Duration>,
    /// Longest answer
    ///
    /// In bytes; the step fails with a longer one. Without it 10 MiB, of which a workflow's value holds 1 MiB.
    #[field(group = "Limits")]
    max_bytes: Option<u32>,
    /// Follow redirects
    ///
    /// Up to five. Otherwise an answer that redirects is `ok`, with the header `location`.
    #[field(default = true, group = "Answer")]
    follow_redirects: bool,
    /// Read the body as
    #[field(default = ReadAs::Auto, group = "Answer")]
    read_as: ReadAs,
    /// Statuses
    ///
    /// What a status or a class of them means where that differs: `{ 404: ok, 409: retry, 5xx: fail }`.
    #[field(default = Statuses::new(), group = "Answer")]
    #[schemars(extend("propertyNames" = { "pattern": STATUS }))]
    statuses: Statuses,
}

/// What was answered.
#[data]
struct Answer {
    /// The status
    status: u16,
    /// The headers, their names in lower case
    headers: BTreeMap<String, String>,
    /// The body: JSON where it is, otherwise text, or what `read_as` says
    body: Value,
}

/// Send a request
///
/// Sends an HTTP request. What may pass (no connection, 408, 425, 429, 5xx) is tried again, as `Retry-After` says; private
/// addresses are refused unless an operator allows them.
#[step(app = "core", outcomes(
    /// Answered with success
    ok(Answer),
    /// Answered with a refusal (4xx)
    refused(Answer),
))]
async fn http_request(
    config: HttpRequest,
    cx: ExecuteContext<Option<Account>>,
) -> Result<HttpRequestOutcome, StepError> {
    let response = request(&config, &cx)?.send().await?;
    match meaning(&response, &config.statuses) {
        Meaning::Ok => Ok(HttpRequestOutcome::Ok(answer(&response, &config.read_as))),
        Meaning::Refused => Ok(HttpRequestOutcome::Refused(answer(&response, &config.read_as))),
        Meaning::Retry => Err(response.to_error().retryable().into()),
        Meaning::Fail => Err(response.to_error().permanent().into()),
    }
}

fn request(config: &HttpRequest, cx: &ExecuteContext<Option<Account>>) -> Result<RequestBuilder, StepError> {
    let mut url = url::Url::from(config.url.clone());
    if !config.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&config.query);
    }
    let mut request = cx.http().request(config.method.into(), url.clone());
    request = request.header("Idempotency-Key", cx.unique_execution_id());
    if let Some(body) = &config.body {
        request = body.add_to(request)?;
    }
    for (name, value) in &config.headers {
        if cx.connection().is_some() && name.eq_ignore_ascii_case("host") {
            // Behind one address there may be many hosts, of which the connection trusts one.
            return wrong("headers", "with a connection there is no header `Host`; write the host in `url`");
        }
        request = request.header(name, value);
    }
    if let Some(token) = &config.token {
        request = request.bearer(token.expose());
    }
    if let Some(account) = cx.connection() {
        request = account.authorize(request, &url)?;
    }
    Ok(limited(request, config))
}

fn is_http(url: &Url) -> Result<(), &'static str> {
    match url.scheme() {
        "http" | "https" => Ok(()),
        _ => Err("The address begins with neither `https://` nor `http://`; change it"),
    }
}

fn can_be_sent(headers: &BTreeMap<String, String>, token: Option<&Secret>) -> Result<(), FieldError> {
    for (name, value) in headers {
        let wrong = |message: &'static str| Err(FieldError::new(message).at(name));
        let Ok(parsed) = name.parse::<http::HeaderName>() else {
            return wrong("This is not the name of a header; change it");
        };
        if value.parse::<http::HeaderValue>().is_err() {
            return wrong("The value of a header is one line of printable ASCII; change it");
        }
        if [http::header::CONTENT_LENGTH, http::header::TRANSFER_ENCODING].contains(&parsed) {
            return wrong("This header follows from the body; remove it");
        }
        if parsed == http::header::AUTHORIZATION && token.is_some() {
            return wrong("`token` is sent as this header too; remove one of them");
        }
    }
    Ok(())
}

fn is_short(timeout: Option<&Duration>) -> Result<(), &'static str> {
    match timeout.copied().map(Duration::to_std) {
        Some(timeout) if timeout.is_zero() => Err("No answer comes in no time; make it longer"),
        Some(timeout) if timeout > LONGEST_TIMEOUT => Err("It is at most 4 minutes; shorten it"),
        _ => Ok(()),
    }
}

fn limited(mut request: RequestBuilder, config: &HttpRequest) -> RequestBuilder {
    if let Some(timeout) = config.timeout {
        request = request.timeout(timeout);
    }
    if let Some(bytes) = config.max_bytes {
        request = request.longest_response(bytes.try_into().unwrap_or(usize::MAX));
    }
    if config.follow_redirects { request } else { request.redirects(Redirects::Return) }
}

fn wrong<T>(field: &str, message: &str) -> Result<T, StepError> {
    Err(StepError::permanent(format!("config `{field}`: {message}")))
}

fn answer(response: &HttpResponse, read_as: &ReadAs) -> Answer {
    let headers = response.headers.iter();
    Answer {
        status: response.status.as_u16(),
        headers: headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
        body: read_as.body_of(response),
    }
}

//! `core/http-request`: sends a request and goes the way of its answer.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::Value;
use stepwell::http_client::HttpResponse;
use stepwell::prelude::*;

/// What to send.
#[config]
struct HttpRequest {
    /// Method
    #[field(default = Method::Get)]
    method: Method,
    /// Address
    #[field(placeholder = "https://example.com/orders")]
    url: Url,
    /// Query
    ///
    /// Fields that are added to the address.
    #[field(default = BTreeMap::new())]
    query: BTreeMap<String, String>,
    /// Headers
    #[field(default = BTreeMap::new())]
    headers: BTreeMap<String, String>,
    /// Bearer token
    ///
    /// Sent as `Authorization: Bearer …`.
    token: Option<Secret>,
    /// Body
    body: Option<Body>,
}

/// The method of a request.
#[data]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

/// The body of a request.
#[data]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Body {
    /// JSON
    Json {
        /// Value
        value: Value,
    },
    /// Form
    Form {
        /// Fields
        fields: BTreeMap<String, String>,
    },
    /// Text
    Text {
        /// Text
        text: String,
        /// Content type
        content_type: Option<String>,
    },
}

/// What was answered.
#[data]
struct Answer {
    /// The status
    status: u16,
    /// The headers, their names in lower case
    headers: BTreeMap<String, String>,
    /// The body: JSON where it is, otherwise text
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
async fn http_request(config: HttpRequest, cx: ExecuteContext) -> Result<HttpRequestOutcome, StepError> {
    let method = match config.method {
        Method::Get => http::Method::GET,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    };
    let mut url = url::Url::from(config.url);
    if !config.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&config.query);
    }
    let mut request = cx.http().request(method, url).header("Idempotency-Key", cx.unique_execution_id());
    for (name, value) in &config.headers {
        request = request.header(name, value);
    }
    if let Some(token) = &config.token {
        request = request.bearer(token.expose());
    }
    request = match &config.body {
        None => request,
        Some(Body::Json { value }) => request.json(value),
        Some(Body::Form { fields }) => {
            let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
            request.header("content-type", "application/x-www-form-urlencoded").body(form)
        }
        Some(Body::Text { text, content_type }) => {
            let kind = content_type.as_deref().unwrap_or("text/plain; charset=utf-8");
            request.header("content-type", kind).body(text.clone())
        }
    };
    let response = request.send().await?;
    let may_pass = response.status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS]
            .contains(&response.status);
    if may_pass {
        response.error_for_status()?;
        return Err(StepError::retryable("the server has failed"));
    }
    let refused = response.status.is_client_error();
    let answer = answer_of(&response);
    Ok(if refused { HttpRequestOutcome::Refused(answer) } else { HttpRequestOutcome::Ok(answer) })
}

fn answer_of(response: &HttpResponse) -> Answer {
    let text = || String::from_utf8_lossy(&response.body).into_owned();
    let headers = response.headers.iter();
    Answer {
        status: response.status.as_u16(),
        headers: headers
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect(),
        body: if response.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&response.body).unwrap_or_else(|_| Value::String(text()))
        },
    }
}

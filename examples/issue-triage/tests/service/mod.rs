//! An outside service whose answers a test writes down beforehand.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use sha2::Sha256;
use stepwell::http_client::{HttpError, HttpRequest, HttpResponse, HttpTransport};
use stepwell::testing::Testing;

/// Gives one answer to each request, in order, and remembers the requests.
#[derive(Clone)]
pub(crate) struct Service(Arc<Mutex<Exchange>>);

struct Exchange {
    answers: VecDeque<(u16, Value)>,
    requests: Vec<HttpRequest>,
}

impl Service {
    pub(crate) fn answering(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let answers = answers.into_iter().collect();
        Self(Arc::new(Mutex::new(Exchange { answers, requests: Vec::new() })))
    }

    /// Surroundings in which handlers reach this service.
    pub(crate) fn testing(&self) -> Testing {
        let mut testing = Testing::new();
        testing.http = Arc::new(self.clone());
        testing
    }

    /// Each request's method and URL, and its JSON body.
    pub(crate) fn sent(&self) -> Vec<(String, Value)> {
        let exchange = self.0.lock().expect("no holder panics");
        let requests = exchange.requests.iter();
        requests
            .map(|request| {
                let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
                (format!("{} {}", request.method, request.url), body)
            })
            .collect()
    }

    /// The idempotency key of a request.
    pub(crate) fn key(&self, index: usize) -> Option<String> {
        let value =
            self.0.lock().expect("no holder panics").requests[index].headers.get("Idempotency-Key").cloned();
        value.map(|value| value.to_str().expect("it is ASCII").to_owned())
    }
}

#[async_trait]
impl HttpTransport for Service {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut exchange = self.0.lock().expect("no holder panics");
        exchange.requests.push(request);
        let (status, body) =
            exchange.answers.pop_front().ok_or_else(|| HttpError::invalid("no answer is left"))?;
        let status = StatusCode::from_u16(status).expect("it is a status");
        Ok(HttpResponse { status, headers: HeaderMap::new(), body: body.to_string().into() })
    }
}

/// What the provider puts into `X-Hub-Signature-256`.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).expect("any key will do");
    mac.update(body);
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}

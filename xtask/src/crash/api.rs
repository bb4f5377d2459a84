//! How clients speak to the engines: to whichever answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use crate::failure::Failure;

/// Where the engines are told to be reached. Clients send to one of them instead.
pub(super) const PUBLIC_URL: &str = "http://engines.test";
/// How long a client waits for an answer: a paused engine gives none.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a client waits before it tries again.
const AGAIN: Duration = Duration::from_millis(20);
/// How long a client tries: longer than every fault lasts.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_mins(2);

/// Engines and the token for their API. Each request goes to the next of them.
#[derive(Clone)]
pub(super) struct Api {
    urls: Arc<[String]>,
    next: Arc<AtomicUsize>,
    token: Arc<str>,
    http: reqwest::Client,
}

/// What an engine has answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Api {
    pub(super) fn new(urls: Arc<[String]>, token: Arc<str>) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a plain client is built");
        Self { urls, next: Arc::default(), token, http }
    }

    /// A POST to a path, or to a URL that an engine has given out.
    pub(super) fn post(&self, target: &str) -> RequestBuilder {
        self.http.post(self.url(target)).bearer_auth(&self.token)
    }

    /// A PUT to a path.
    pub(super) fn put(&self, target: &str) -> RequestBuilder {
        self.http.put(self.url(target)).bearer_auth(&self.token)
    }

    /// What a GET of the API gives, from the first engine that answers with success.
    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        let answer = until(&format!("GET {path}"), async || {
            let request = self.http.get(self.url(path)).bearer_auth(&self.token);
            answer(request).await.filter(|answer| answer.status.is_success())
        })
        .await?;
        Ok(answer.body)
    }

    fn url(&self, target: &str) -> String {
        let path = target.strip_prefix(PUBLIC_URL).unwrap_or(target);
        let index = self.next.fetch_add(1, Ordering::Relaxed) % self.urls.len();
        format!("{}{path}", self.urls[index])
    }
}

/// The answer to a request, if there is one. Without it nobody knows what has become of the request.
pub(super) async fn answer(request: RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let status = response.status();
    Some(Answer { status, body: response.json().await.ok()? })
}

/// Tries something again and again until there is a result.
pub(super) async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> Result<T, Failure> {
    let attempts = async {
        loop {
            if let Some(result) = attempt().await {
                return result;
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    let done = tokio::time::timeout(GIVE_UP_AFTER, attempts).await;
    done.map_err(|_| Failure::new(format!("{what}: not done after {} s", GIVE_UP_AFTER.as_secs())))
}

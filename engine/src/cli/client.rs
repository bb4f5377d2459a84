//! The client of the commands that talk to a server.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::Failure;
use crate::definition::Problem;

/// How long a server may take to answer: longer than any long poll.
const TIMEOUT: Duration = Duration::from_secs(90);

/// A server and the token for it.
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    /// The server that the environment names, or the one of the data directory.
    pub(super) fn find() -> Result<Self, Failure> {
        let data = std::env::var_os("STEPWELL_DATA").map_or_else(|| PathBuf::from("data"), PathBuf::from);
        let setting = |name: &str, file: &str| {
            let set = std::env::var(name).ok().filter(|value| !value.is_empty());
            set.or_else(|| std::fs::read_to_string(data.join(file)).ok().map(|value| value.trim().to_owned()))
        };
        let url = setting("STEPWELL_URL", "url").unwrap_or_else(|| "http://127.0.0.1:7400".to_owned());
        let token = setting("STEPWELL_TOKEN", "token").ok_or_else(|| {
            Failure(format!(
                "there is no token in {}; start a server there, name its data directory with STEPWELL_DATA, or set STEPWELL_TOKEN",
                data.display()
            ))
        })?;
        // Another part of the process may have chosen a provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(TIMEOUT).no_proxy().build()?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), token })
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        self.send(Method::POST, path, body).await
    }

    pub(super) async fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// Changes a definition; what is wrong with it is told apart from other failures.
    pub(super) async fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Result<Value, Vec<Problem>>, Failure> {
        match self.exchange(method, path, body).await {
            Ok((_, value)) => Ok(Ok(value)),
            Err(Refused { problems, .. }) if !problems.is_empty() => Ok(Err(problems)),
            Err(refused) => Err(refused.failure),
        }
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.send(Method::DELETE, path, None).await
    }

    /// The text of an answer that is not JSON.
    pub(super) async fn text(&self, path: &str) -> Result<String, Failure> {
        Ok(self.exchange(Method::GET, path, None).await.map_err(|refused| refused.failure)?.0)
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        Ok(self.exchange(method, path, body).await.map_err(|refused| refused.failure)?.1)
    }

    /// The answer as text, and what it is as JSON: `null` if it is none.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(String, Value), Refused> {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| Failure(format!("the server at {} does not answer: {error}", self.url)))?;
        let status = response.status();
        let text = response.text().await?;
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let is_problem =
            value.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("/problems/"));
        if status.is_success() && !is_problem {
            Ok((text, value))
        } else {
            let problems = value.get("errors").cloned().unwrap_or_default();
            let problems = serde_json::from_value(problems).unwrap_or_default();
            Err(Refused { failure: problem(status.as_u16(), &value), problems })
        }
    }
}

/// Why there is no answer, and the problems of what was sent if it had any.
struct Refused {
    failure: Failure,
    problems: Vec<Problem>,
}

impl<E: Into<Failure>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { failure: error.into(), problems: Vec::new() }
    }
}

/// A problem document in words.
fn problem(status: u16, value: &Value) -> Failure {
    let field = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut message = match field("detail") {
        "" => format!("the server answered {status}"),
        detail => detail.to_owned(),
    };
    for error in value.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        message = format!("{message}\n  {}: {}", part("path"), part("message"));
    }
    Failure(message)
}

//! The engine's HTTP API, as far as the demo uses it.

use std::error::Error;

use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

/// A client with the admin token.
pub(super) struct Api {
    client: Client,
    url: String,
    token: String,
}

/// A run, as `GET /api/v1/runs/{id}` shows it.
#[derive(Deserialize)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) executions: Vec<Execution>,
}

/// One step's execution in a run.
#[derive(Deserialize)]
pub(super) struct Execution {
    pub(super) step: String,
    pub(super) outcome: Option<String>,
    #[serde(default)]
    pub(super) data: Value,
    #[serde(default)]
    pub(super) error: Value,
    pub(super) finish_callback_url: Option<String>,
}

impl Run {
    /// Whether the run will go on.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.status.as_str(), "queued" | "running" | "waiting" | "cancelling")
    }
}

impl Api {
    pub(super) fn new(url: &str, token: &str) -> reqwest::Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// Where the engine is, without a slash at its end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The workflow; `None` if there is no such workflow yet.
    pub(super) async fn workflow(&self, id: &str) -> Result<Option<Value>, Box<dyn Error>> {
        self.send(Method::GET, &format!("workflows/{id}"), None).await
    }

    /// Writes the workflow's draft and enables it.
    pub(super) async fn enable(&self, id: &str, definition: &Value) -> Result<(), Box<dyn Error>> {
        self.send(Method::PUT, &format!("workflows/{id}"), Some(definition)).await?;
        self.send(Method::POST, &format!("workflows/{id}/enable"), None).await?;
        Ok(())
    }

    /// The workflow's runs, without their executions.
    pub(super) async fn runs(&self, workflow: &str) -> Result<Vec<Run>, Box<dyn Error>> {
        #[derive(Deserialize)]
        struct Page {
            runs: Vec<Run>,
        }
        let page = self.send(Method::GET, &format!("runs?workflow={workflow}"), None).await?;
        let page: Page = serde_json::from_value(page.unwrap_or_default())?;
        Ok(page.runs)
    }

    /// One run with its executions.
    pub(super) async fn run(&self, id: &str) -> Result<Run, Box<dyn Error>> {
        let run = self.send(Method::GET, &format!("runs/{id}"), None).await?;
        Ok(serde_json::from_value(run.unwrap_or_default())?)
    }

    /// Sends a request; `None` if there is nothing at the path.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Option<Value>, Box<dyn Error>> {
        let mut request = self
            .client
            .request(method.clone(), format!("{}/api/v1/{path}", self.url))
            .bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let text = response.text().await?;
        if method == Method::GET && status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(format!("{method} {path} was answered with {status}: {text}").into());
        }
        Ok(Some(serde_json::from_str(&text).unwrap_or_default()))
    }
}

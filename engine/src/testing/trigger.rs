//! A trigger under test.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use stepwell::block::BlockDefinition;
use stepwell::outcome::{Outcome, Outcomes};
use stepwell::request::Request;
use stepwell::response::Response;

use super::start::of_trigger;
use super::{TestEngine, TestRun};
use crate::model::{ActivationStatus, WorkflowId};

/// An enabled workflow of one trigger.
#[derive(Clone)]
pub struct TestTrigger {
    engine: TestEngine,
    workflow: String,
    block: &'static BlockDefinition,
}

/// What came of a request to a trigger.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// What the sender was answered.
    pub response: Response,
    /// The outcomes of the runs that it started: one or none.
    pub started: Vec<Outcome>,
}

impl TestTrigger {
    pub(super) const fn new(engine: TestEngine, workflow: String, block: &'static BlockDefinition) -> Self {
        Self { engine, workflow, block }
    }

    pub(super) const fn block(&self) -> &'static BlockDefinition {
        self.block
    }

    /// Where the newest version receives its requests.
    pub async fn callback_url(&self) -> String {
        self.engine.trigger_callback_url(&self.workflow).await
    }

    /// Where the newest version's activation stands, with its error.
    pub async fn status(&self) -> (ActivationStatus, Option<String>) {
        let (_, activation) = self.newest().await;
        (activation.status, activation.error.clone())
    }

    /// Posts a body to the callback URL.
    pub async fn deliver(&self, body: impl Into<Bytes>) -> Delivery {
        self.request(Request::new(Method::POST, body)).await
    }

    /// Sends a request to the callback URL.
    pub async fn request(&self, request: Request) -> Delivery {
        self.request_to(&self.callback_url().await, request).await
    }

    /// Sends a request to the URL of an older version, or to an altered one.
    pub async fn request_to(&self, url: &str, request: Request) -> Delivery {
        let before = self.outcomes().await.len();
        let response = self.engine.request(url, request).await;
        self.engine.settle().await;
        Delivery { response, started: self.outcomes().await.split_off(before) }
    }

    /// The outcomes that have started runs, oldest first.
    pub async fn outcomes(&self) -> Vec<Outcome> {
        self.engine.started(&self.workflow).await
    }

    /// The runs that were started, oldest first.
    pub async fn runs(&self) -> Vec<TestRun> {
        let runs = self.engine.runs(&WorkflowId(self.workflow.clone())).await;
        runs.into_iter().map(|run| TestRun::new(self.engine.clone(), run)).collect()
    }

    /// Enables a new version with another config, in place of the one before.
    ///
    /// # Errors
    ///
    /// The message of `activate`, or what is wrong with the config.
    pub async fn replace(&self, config: &impl Serialize) -> Result<(), String> {
        self.enable(&of_trigger(self.block, config, &self.engine.connections())).await
    }

    pub(super) async fn enable(&self, definition: &Value) -> Result<(), String> {
        let enabled = self.engine.enable(&self.workflow, definition).await;
        self.engine.settle().await;
        enabled
    }

    /// Disables the workflow and waits until its trigger is deactivated, or to be tried again later.
    ///
    /// # Errors
    ///
    /// When it is not enabled.
    pub async fn disable(&self) -> Result<(), String> {
        self.engine.disable(&self.workflow).await
    }

    /// Asks to deactivate at once what could not be deactivated, and waits until that is done, or to be tried again
    /// later.
    ///
    /// # Errors
    ///
    /// When there is nothing of the kind.
    pub async fn deactivate_again(&self) -> Result<(), String> {
        let asked = loop {
            let id = WorkflowId(self.workflow.clone());
            let asked = self.engine.call(|driver| async move { driver.deactivate_again(&id).await }).await;
            if let Ok(asked) = asked {
                break asked;
            }
        };
        self.engine.settle().await;
        asked.map_err(|refusal| refusal.to_string())
    }

    async fn newest(&self) -> (crate::store::VersionRow, crate::store::ActivationRow) {
        let versions = self.engine.versions(&WorkflowId(self.workflow.clone())).await;
        let (version, activation) = versions.into_iter().next().expect("the workflow was enabled");
        (version, activation.expect("a version has an activation"))
    }
}

impl Delivery {
    /// The status that the sender was answered.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Checks that exactly this outcome started a run.
    ///
    /// # Panics
    ///
    /// When it did not.
    pub fn has_started(&self, outcome: impl Outcomes) {
        let expected = outcome.into_outcome().expect("the outcome's data is JSON");
        assert_eq!(self.started, [expected], "the answer: {:?}", self.response);
    }
}

//! The addresses that are told outside.

use std::sync::Arc;

use super::Keys;
use crate::model::{ActivationId, ExecutionId, RunId, WorkflowId};

/// Makes the addresses that are told outside, below the engine's public URL.
#[derive(Clone)]
pub struct Urls {
    public: String,
    keys: Arc<Keys>,
}

impl Urls {
    /// Addresses below this URL, such as `https://stepwell.example.com`.
    pub fn new(public_url: impl Into<String>, keys: Arc<Keys>) -> Self {
        let public = public_url.into().trim_end_matches('/').to_owned();
        Self { public, keys }
    }

    /// The keys of the tokens.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where an execution is finished.
    pub fn finish_callback_url(&self, id: ExecutionId) -> String {
        format!("{}/callbacks/finish/{}", self.public, self.keys.finish_token(id))
    }

    /// Where one of the people whom an execution asks answers.
    pub fn finish_link(&self, id: ExecutionId, person: u32) -> String {
        format!("{}/callbacks/finish/{}", self.public, self.keys.finish_link_token(id, person))
    }

    /// Where an activation receives its requests.
    pub fn trigger_callback_url(&self, id: ActivationId) -> String {
        format!("{}/callbacks/trigger/{}", self.public, self.keys.trigger_token(id))
    }

    /// Where a person sees a workflow.
    pub fn workflow_url(&self, id: &WorkflowId) -> String {
        format!("{}/workflows/{id}", self.public)
    }

    /// Where a person sees a run.
    pub fn run_url(&self, id: RunId) -> String {
        format!("{}/runs/{id}", self.public)
    }
}

//! The facts that the engine tells a handler.

use serde::{Deserialize, Serialize};

/// What every handler of a step is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepMetadata {
    /// See [`StepMetadata::workflow_id`].
    pub workflow_id: String,
    /// See [`StepMetadata::workflow_version_id`].
    pub workflow_version_id: String,
    /// See [`StepMetadata::workflow_block_id`].
    pub workflow_block_id: String,
    /// See [`StepMetadata::workflow_run_id`].
    pub workflow_run_id: String,
    /// See [`StepMetadata::unique_execution_id`].
    pub unique_execution_id: String,
    /// See [`StepMetadata::workflow_title`].
    pub workflow_title: String,
    /// See [`StepMetadata::workflow_url`].
    pub workflow_url: String,
    /// See [`StepMetadata::run_url`].
    pub run_url: String,
    /// See [`StepMetadata::finish_callback_url`].
    pub finish_callback_url: String,
    /// See [`StepMetadata::attempt`].
    pub attempt: u32,
}

impl StepMetadata {
    /// The workflow.
    pub fn workflow_id(&self) -> &str {
        &self.workflow_id
    }

    /// The version of the workflow that the run started on and stays on.
    pub fn workflow_version_id(&self) -> &str {
        &self.workflow_version_id
    }

    /// The block instance: the step's id in the workflow's definition.
    pub fn workflow_block_id(&self) -> &str {
        &self.workflow_block_id
    }

    /// The run.
    pub fn workflow_run_id(&self) -> &str {
        &self.workflow_run_id
    }

    /// The execution: the same for every attempt, and different between any two executions. Use it as an
    /// idempotency key for the outside effect of the step.
    pub fn unique_execution_id(&self) -> &str {
        &self.unique_execution_id
    }

    /// The workflow's title.
    pub fn workflow_title(&self) -> &str {
        &self.workflow_title
    }

    /// Where a person sees the workflow.
    pub fn workflow_url(&self) -> &str {
        &self.workflow_url
    }

    /// Where a person sees the run.
    pub fn run_url(&self) -> &str {
        &self.run_url
    }

    /// Where a POST finishes the execution: unguessable, the same for every attempt, open from before the first
    /// attempt until the execution is resolved.
    pub fn finish_callback_url(&self) -> &str {
        &self.finish_callback_url
    }

    /// The number of this attempt within the execution, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

/// What every handler of a trigger is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerMetadata {
    /// See [`TriggerMetadata::workflow_id`].
    pub workflow_id: String,
    /// See [`TriggerMetadata::workflow_version_id`].
    pub workflow_version_id: String,
    /// See [`TriggerMetadata::workflow_block_id`].
    pub workflow_block_id: String,
    /// See [`TriggerMetadata::unique_activation_id`].
    pub unique_activation_id: String,
    /// See [`TriggerMetadata::workflow_title`].
    pub workflow_title: String,
    /// See [`TriggerMetadata::workflow_url`].
    pub workflow_url: String,
}

impl TriggerMetadata {
    /// The workflow.
    pub fn workflow_id(&self) -> &str {
        &self.workflow_id
    }

    /// The version of the workflow that the activation belongs to.
    pub fn workflow_version_id(&self) -> &str {
        &self.workflow_version_id
    }

    /// The block instance: always `trigger`.
    pub fn workflow_block_id(&self) -> &str {
        &self.workflow_block_id
    }

    /// The activation: the same for every call for one enabled version.
    pub fn unique_activation_id(&self) -> &str {
        &self.unique_activation_id
    }

    /// The workflow's title.
    pub fn workflow_title(&self) -> &str {
        &self.workflow_title
    }

    /// Where a person sees the workflow.
    pub fn workflow_url(&self) -> &str {
        &self.workflow_url
    }
}

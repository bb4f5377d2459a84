//! Calls of workflows: the run that is called is prepared here, and begins with its caller's next commit.

use std::time::Duration;

use stepwell::outcome::Outcome;

use super::Inner;
use super::decode_workflow;
use super::slots::AtHand;
use super::start::Begun;
use super::version::{Unrunnable, Version};
use crate::core::limits::{DEEPEST_CALL, TooMuch};
use crate::core::run::{Beginning, CallConfig, Called, Callee, Caller};
use crate::definition::control::WORKFLOW_CALLED;
use crate::model::{RunId, WorkflowId};
use crate::store::{Lane, StartRun, StoreError};

/// The outcome of the trigger of a workflow that is called.
const CALLED: &str = "called";
/// How long to wait before a workflow is called again whose blocks this binary lacks; another may have them.
const AGAIN_AFTER: Duration = Duration::from_secs(10);

impl Inner {
    /// Prepares a run that is to be called; what it needs of the store is stored with the caller's next commit.
    pub(super) async fn prepare_call(
        &self,
        caller: Caller,
        config: CallConfig,
    ) -> Result<(Called, Option<StartRun>), StoreError> {
        match self.callee(caller, config).await {
            Ok((run, start)) => Ok((Called::Run(run), Some(start))),
            Err(Uncallable::Refused(message)) => Ok((Called::Refused(message), None)),
            Err(Uncallable::Version(Unrunnable::Store(error))) => Err(error),
            Err(Uncallable::Version(Unrunnable::Unfit { version, problem })) => {
                tracing::warn!(version = %version, problem, "the call waits for a binary with the workflow's blocks");
                let again = self.clock.now().checked_add(AGAIN_AFTER);
                Ok((again.map_or_else(|_| Called::Refused(problem), Called::Later), None))
            }
            Err(Uncallable::Version(error @ Unrunnable::Missing(_))) => {
                Ok((Called::Refused(error.to_string()), None))
            }
        }
    }

    async fn callee(&self, caller: Caller, config: CallConfig) -> Result<(Callee, StartRun), Uncallable> {
        let CallConfig { workflow, data, .. } = config;
        if caller.depth > DEEPEST_CALL {
            return Err(Uncallable::Refused(TooMuch::Calls.to_string()));
        }
        let workflow = WorkflowId(workflow);
        let version = self.callable(&workflow).await?;
        let problems = version.input_problems(&data);
        if !problems.is_empty() {
            let problems: Vec<_> =
                problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
            let message = format!("`{workflow}` does not take this data: {}", problems.join("; "));
            return Err(Uncallable::Refused(message));
        }
        let run = RunId(self.clock.id());
        let lane = self.lane(run, &version, &data);
        if let Ok(Some(Lane { key, .. })) = &lane
            && caller.lanes.iter().any(|(of, held)| *of == workflow && held == key)
        {
            let message = format!(
                "the run of `{workflow}` would wait for a place that a run which waits for it holds: both count for the same key of its `concurrency`; call it with another key, or without waiting"
            );
            return Err(Uncallable::Refused(message));
        }
        let outcome = Outcome { id: CALLED.to_owned(), data };
        let beginning = Beginning { activation: None, outcome, replayed: None, caller: Some(caller) };
        // Its first attempts begin when it is taken up, as far as there are slots then.
        let Begun { start, .. } = self.begin(run, &version, beginning, lane, &AtHand::new(&self.slots));
        Ok((Callee { run, workflow, version: version.row.id }, start))
    }

    /// The enabled version of a workflow that can be called.
    async fn callable(&self, workflow: &WorkflowId) -> Result<std::sync::Arc<Version>, Uncallable> {
        let refused = |message: String| Err(Uncallable::Refused(message));
        let Some(row) = self.store.workflow(workflow).await? else {
            return refused(format!("there is no workflow `{workflow}`; apply it and enable it"));
        };
        let state = match decode_workflow(&row.state) {
            Ok(state) => state,
            Err(error) => return refused(error.to_string()),
        };
        let Some(version) = state.enabled() else {
            return refused(format!("the workflow `{workflow}` is not enabled; enable it"));
        };
        let version = self.version(version).await?;
        match version.definition.trigger.block.as_str() {
            WORKFLOW_CALLED => Ok(version),
            block => refused(format!(
                "the workflow `{workflow}` begins with `{block}`; only one that begins with `{WORKFLOW_CALLED}` can be called"
            )),
        }
    }
}

/// Why a workflow cannot be called.
enum Uncallable {
    /// It fails the step.
    Refused(String),
    Version(Unrunnable),
}

impl From<Unrunnable> for Uncallable {
    fn from(error: Unrunnable) -> Self {
        Self::Version(error)
    }
}

impl From<StoreError> for Uncallable {
    fn from(error: StoreError) -> Self {
        Self::Version(Unrunnable::Store(error))
    }
}

//! What the API says of workflows, versions and runs.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::workflow::WorkflowState;
use crate::driver::{Driver, decode_workflow};
use crate::model::{ActivationId, ExecutionId, History, RunId, decode_entries};
use crate::secrets::hide_secrets;
use crate::store::{ActivationRow, RunRow, StoreError, VersionRow, WorkflowRow};

/// A workflow, without its draft.
pub(super) fn workflow(row: &WorkflowRow) -> Value {
    let (state, unreadable) = match decode_workflow(&row.state) {
        Ok(state) => (state, None),
        Err(error) => (WorkflowState::default(), Some(error.to_string())),
    };
    json!({
        "id": row.id,
        "title": row.title,
        "enabled": state.enabled().is_some(),
        "workflow_version_id": state.enabled(),
        "versions": state.versions,
        "error": unreadable.or(state.error),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    })
}

/// The state of a workflow's activations; that of one that was never enabled if it cannot be read.
pub(super) fn state(row: &WorkflowRow) -> WorkflowState {
    decode_workflow(&row.state).unwrap_or_default()
}

/// A workflow with its draft.
pub(super) fn workflow_with_draft(row: &WorkflowRow) -> Value {
    let mut view = workflow(row);
    view["definition"] = serde_json::from_str(&row.draft).unwrap_or_default();
    view
}

/// Where a version's trigger receives requests; none if it takes none.
pub(super) fn trigger_callback_url(
    driver: &Driver,
    version: &VersionRow,
    activation: ActivationId,
) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        trigger: Trigger,
    }
    #[derive(Deserialize)]
    struct Trigger {
        block: String,
    }
    let head = serde_json::from_str::<Head>(&version.definition);
    let block = head.ok().and_then(|head| driver.catalog().get(&head.trigger.block));
    // Whether a block takes them that this binary lacks, nobody knows here.
    let takes_requests = block.is_none_or(|block| block.manifest.takes_requests);
    takes_requests.then(|| driver.urls().trigger_callback_url(activation))
}

/// A version with its activation.
pub(super) fn version(
    driver: &Driver,
    version: &VersionRow,
    activation: Option<&ActivationRow>,
    state: &WorkflowState,
) -> Value {
    let live = activation.and_then(|activation| state.get(activation.id));
    json!({
        "id": version.id,
        "number": version.number,
        "created_at": version.created_at,
        "activation": activation.map(|activation| json!({
            "unique_activation_id": activation.id,
            "status": activation.status,
            "accepts": activation.accepts,
            "trigger_callback_url": trigger_callback_url(driver, version, activation.id),
            "error": activation.error,
            "expires_at": live.and_then(|live| live.expires_at),
            "next_tick_at": live.and_then(|live| live.tick).map(|tick| tick.time),
            "unstarted": driver.unstarted(activation.id),
        })),
    })
}

/// A run, without its history.
pub(super) fn run(row: &RunRow) -> Value {
    json!({
        "id": row.id,
        "workflow_id": row.workflow,
        "workflow_version_id": row.version,
        "status": row.status,
        "sequence": row.sequence,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "parent": row.parent,
    })
}

/// A run with its history.
pub(super) async fn run_with_history(driver: &Driver, row: &RunRow) -> Result<Value, StoreError> {
    let history = history(driver, row.id).await?;
    let mut view = run(row);
    let history = serde_json::to_value(history).map(|mut history| {
        hide_secrets(&mut history);
        history
    });
    if let (Some(view), Ok(Value::Object(history))) = (view.as_object_mut(), history) {
        view.extend(history);
    }
    Ok(view)
}

/// Everything that happened to a run.
pub(crate) async fn history(driver: &Driver, run: RunId) -> Result<History, StoreError> {
    let mut journal = Vec::new();
    for record in driver.store().journal(run).await? {
        let entries = decode_entries(&record.body)
            .map_err(|error| StoreError { operation: "reading the journal", source: error.into() })?;
        journal.push((record.id, record.at, entries));
    }
    let id = |number| ExecutionId { run, number };
    Ok(History::of(
        journal,
        |number| id(number).to_string(),
        |number| driver.urls().finish_callback_url(id(number)),
    ))
}

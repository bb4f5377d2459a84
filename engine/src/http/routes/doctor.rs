//! What an operator should know of this engine and its database.

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::core::workflow::Phase;
use crate::http::problem::Problem;
use crate::http::{Api, views};
use crate::model::{ActivationStatus, RunStatus};

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/api/v1/doctor", get(look))
}

async fn look(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let store = api.driver.store();
    let size = store.size().await?;
    let oldest = store.oldest(RunStatus::Waiting).await?;
    let (mut failed, mut failing) = (Vec::new(), Vec::new());
    for workflow in store.workflows().await? {
        // An activation that is not deactivated stays in the workflow's state.
        for activation in views::state(&workflow).activations {
            let again_at = match activation.phase {
                Phase::DeactivateAt(at) => Some(at),
                _ => None,
            };
            let told = json!({
                "workflow_id": workflow.id,
                "unique_activation_id": activation.id,
                "error": activation.error,
                "again_at": again_at,
            });
            match activation.status() {
                ActivationStatus::DeactivationFailed => failed.push(told),
                ActivationStatus::Deactivating if activation.failures > 0 => failing.push(told),
                _ => {}
            }
        }
    }
    Ok(Json(json!({
        "blocks": api.driver.unfit_blocks().await?,
        "unreadable": api.driver.unreadable_runs().await?,
        "deactivation_failed": failed,
        "deactivation_failing": failing,
        "refused": api.refused.counts(),
        "oldest_waiting": oldest.as_ref().map(views::run),
        "database": {
            "bytes": size.total,
            "free_bytes": size.free,
            "gives_space_back": size.gives_back,
        },
    })))
}

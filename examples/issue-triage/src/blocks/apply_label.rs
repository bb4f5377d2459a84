//! The step `apply-label`: puts a label on an issue, once.

use serde_json::json;
use stepwell::prelude::*;

/// What to label, and how.
#[config]
pub struct ApplyLabel {
    /// Address of the API
    api_url: String,
    /// Repository
    #[field(placeholder = "owner/name")]
    repository: String,
    /// Number of the issue
    number: u64,
    /// Label
    label: String,
}

/// Apply a label
///
/// Puts the label on the issue.
#[step(outcomes(
    /// Applied
    applied,
))]
pub async fn apply_label(config: ApplyLabel, cx: ExecuteContext) -> Result<ApplyLabelOutcome, StepError> {
    let ApplyLabel { api_url, repository, number, label } = config;
    let api_url = api_url.trim_end_matches('/');
    cx.http()
        .post(format!("{api_url}/repos/{repository}/issues/{number}/labels"))
        .header("Idempotency-Key", cx.unique_execution_id())
        .json(&json!({ "labels": [label] }))
        .send()
        .await?
        .error_for_status()?;
    Ok(ApplyLabelOutcome::Applied)
}

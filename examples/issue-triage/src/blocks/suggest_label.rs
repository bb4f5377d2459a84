//! The step `suggest-label`: asks an HTTP service which label fits.

use serde::Deserialize;
use serde_json::json;
use stepwell::prelude::*;

/// What to label.
#[config]
pub struct SuggestLabel {
    /// Address of the API
    api_url: String,
    /// Title of the issue
    title: String,
    /// Text of the issue
    #[field(multiline)]
    body: Option<String>,
    /// Least confidence
    ///
    /// From 0 to 1. What the service suggests with less counts as unsure.
    #[field(default = 0.5)]
    minimum_confidence: f64,
}

/// Suggest a label
///
/// Asks the suggestion service which label fits the issue.
#[step(outcomes(
    /// Label suggested
    suggested {
        /// Label
        label: String,
        /// Confidence, from 0 to 1
        confidence: f64,
    },
    /// Unsure
    unsure,
))]
pub async fn suggest_label(
    config: SuggestLabel,
    cx: ExecuteContext,
) -> Result<SuggestLabelOutcome, StepError> {
    let answer: Suggestion = cx
        .http()
        .post(format!("{}/label-suggestions", config.api_url.trim_end_matches('/')))
        .json(&json!({ "title": config.title, "body": config.body }))
        .send()
        .await?
        .error_for_status()?
        .json()?;
    Ok(match answer.label {
        Some(label) if answer.confidence >= config.minimum_confidence => {
            SuggestLabelOutcome::Suggested { label, confidence: answer.confidence }
        }
        _ => SuggestLabelOutcome::Unsure,
    })
}

#[derive(Deserialize)]
struct Suggestion {
    label: Option<String>,
    confidence: f64,
}

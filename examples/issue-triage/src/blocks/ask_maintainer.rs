//! The step `ask-maintainer`: posts a question and waits for a person's answer.

use serde::Deserialize;
use serde_json::json;
use stepwell::prelude::*;

/// What to ask.
#[config]
pub struct AskMaintainer {
    /// Address of the API
    api_url: String,
    /// Question
    #[field(multiline)]
    question: String,
    /// Label in question
    label: String,
}

/// The question that waits for its answer.
#[data]
pub struct Question {
    /// What the provider knows it by.
    pub question_id: u64,
}

/// Ask a maintainer
///
/// Posts a question and waits until a maintainer approves or declines.
#[step(
    outcomes(
        /// Approved
        approved {
            /// Who approved
            by: String,
        },
        /// Declined
        declined {
            /// Who declined
            by: String,
        },
    ),
    finish = take_answer,
    cancel = withdraw_question,
)]
pub async fn ask_maintainer(
    config: AskMaintainer,
    cx: ExecuteContext,
) -> Result<Execution<AskMaintainerOutcome, Question>, StepError> {
    let question_id = cx.once("question", |key| post_question(&config, &cx, key)).await?;
    Ok(Execution::defer(Question { question_id })
        .waiting_for(format!("a maintainer's approval of the label `{}`", config.label)))
}

/// Takes a maintainer's answer. One that cannot be read is rejected, and the question stays open.
pub async fn take_answer(
    request: Request,
    _config: AskMaintainer,
    _cx: FinishContext<Question>,
) -> Result<Finish<AskMaintainerOutcome>, StepError> {
    let Answer { approved, by } = request.json()?;
    Ok(if approved { AskMaintainerOutcome::Approved { by } } else { AskMaintainerOutcome::Declined { by } }
        .into())
}

/// Withdraws the question. One that is already gone counts as withdrawn.
pub async fn withdraw_question(config: AskMaintainer, cx: CancelContext<Question>) -> Result<(), StepError> {
    let url = format!("{}/{}", questions_url(&config), cx.state().question_id);
    let response = cx.http().delete(url).send().await?;
    if response.status != http::StatusCode::NOT_FOUND {
        response.error_for_status()?;
    }
    Ok(())
}

async fn post_question(config: &AskMaintainer, cx: &ExecuteContext, key: String) -> Result<u64, StepError> {
    let posted: Posted = cx
        .http()
        .post(questions_url(config))
        .header("Idempotency-Key", &key)
        .json(&json!({
            "question": config.question,
            "label": config.label,
            "answer_url": cx.finish_callback_url(),
        }))
        .send()
        .await?
        .error_for_status()?
        .json()?;
    Ok(posted.id)
}

fn questions_url(config: &AskMaintainer) -> String {
    format!("{}/questions", config.api_url.trim_end_matches('/'))
}

#[derive(Deserialize)]
struct Answer {
    approved: bool,
    by: String,
}

#[derive(Deserialize)]
struct Posted {
    id: u64,
}

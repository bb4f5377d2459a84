//! A trigger whose outcomes depend on the event that was chosen.

use stepwell::prelude::*;

use super::{API, Linear};

/// What to hear of.
#[config]
pub struct EventReceived {
    /// Event
    #[field(variables = "never")]
    pub event: EventKind,
    /// Team
    pub team: String,
}

/// An event that Linear tells.
#[data]
#[derive(PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An issue was created
    Issue,
    /// A comment was written
    Comment,
}

/// The webhook at Linear.
#[data]
pub struct Webhook {
    id: String,
    secret: Secret,
}

/// An event as it is delivered.
#[data]
#[serde(tag = "type")]
enum Delivery {
    Issue {
        data: Issue,
    },
    Comment {
        data: Comment,
    },
    #[serde(other)]
    Other,
}

#[data]
struct Issue {
    title: String,
    url: Url,
}

#[data]
struct Comment {
    body: String,
    url: Url,
}

/// Something happened in Linear
#[trigger(
    outcomes(
        /// Issue created
        #[outcome(when(event = "issue"))]
        issue_created { title: String, url: Url },
        /// Comment written
        #[outcome(when(event = "comment"))]
        comment_written { body: RichText, url: Url },
    ),
    activate = add_webhook,
    deactivate = remove_webhook,
    switch = overlap,
)]
pub async fn event_received(
    request: Request,
    config: EventReceived,
    cx: TriggerContext<Webhook, Linear>,
) -> Result<Trigger<EventReceivedOutcome, Dedupe>, TriggerError> {
    request.verify(&signature::hmac_sha256("Linear-Signature", cx.registration().secret.expose()))?;
    let outcome = match (request.json()?, config.event) {
        (Delivery::Issue { data: Issue { title, url } }, EventKind::Issue) => {
            EventReceivedOutcome::IssueCreated { title, url }
        }
        (Delivery::Comment { data: Comment { body, url } }, EventKind::Comment) => {
            EventReceivedOutcome::CommentWritten { body: body.parse()?, url }
        }
        _ => return Ok(Trigger::NoOp),
    };
    Ok(outcome.dedupe(request.header("Linear-Delivery")?))
}

async fn add_webhook(config: EventReceived, cx: ActivateContext<Linear>) -> Result<Webhook, ActivationError> {
    let new = json!({ "url": cx.trigger_callback_url(), "team": config.team, "event": config.event });
    let request = cx.http().post(format!("{API}/webhooks")).authorize(cx.connection());
    let response = request.header("Idempotency-Key", cx.unique_activation_id()).json(&new).send().await?;
    Ok(response.error_for_status()?.json()?)
}

async fn remove_webhook(
    _config: EventReceived,
    cx: DeactivateContext<Webhook, Linear>,
) -> Result<(), ActivationError> {
    let url = format!("{API}/webhooks/{}", cx.registration().id);
    cx.http().delete(url).authorize(cx.connection()).send().await?.error_for_status()?;
    Ok(())
}

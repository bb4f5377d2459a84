//! How the links reach the approvers.

use stepwell::config::FieldError;
use stepwell::prelude::*;

use super::{Approval, Approver};
use crate::blocks::mail::{Mail, MailServer};

/// So many characters of the message a subject has at most: mailboxes show no more.
const LONGEST_SUBJECT: usize = 100;

/// A way in which the links reach the approvers.
#[data]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Notify {
    /// A POST with JSON for each approver: `name`, `address`, `message`, `details`, `link`, `workflow` and `run_url`
    Webhook {
        /// Address
        url: Url,
        /// Bearer token
        token: Option<Secret>,
    },
    /// An email to each approver, through the connection `core/smtp` that the step names
    Email {
        /// Subject
        ///
        /// Without one, the message.
        subject: Option<String>,
    },
}

/// Whether mail reaches everybody to whom it is to go.
pub(super) fn everybody_has_mail(notify: &[Notify], approvers: &[Approver]) -> Result<(), FieldError> {
    for (way, notify) in notify.iter().enumerate() {
        let Notify::Email { subject } = notify else { continue };
        if subject.as_deref().unwrap_or_default().contains(char::is_control) {
            let message = "The subject has a line break or another control character; remove it";
            return Err(FieldError::new(message).at(format!("{way}.subject")));
        }
        if let Some(person) = approvers.iter().position(|approver| approver.email.is_none()) {
            return Err(FieldError::new(format!(
                "Approver {} has no `email` that this could go to; add it",
                person + 1
            ))
            .at(way.to_string()));
        }
    }
    Ok(())
}

impl Notify {
    /// Tells an approver their link. Name and key are the same for every attempt.
    pub(super) async fn tell(
        &self,
        config: &Approval,
        (person, approver): (u32, &Approver),
        (name, key): (&str, &str),
        cx: &ExecuteContext<Option<MailServer>>,
    ) -> Result<(), StepError> {
        let link = cx.finish_link(person);
        match self {
            Self::Webhook { url, token } => {
                let mut request = cx.http().post(url::Url::from(url.clone())).header("Idempotency-Key", key);
                if let Some(token) = token {
                    request = request.bearer(token.expose());
                }
                let message = json!({
                    "name": approver.name,
                    "address": approver.address,
                    "message": config.message,
                    "details": config.details,
                    "link": link,
                    "workflow": cx.workflow_title(),
                    "run_url": cx.run_url(),
                });
                request.json(&message).send().await?.error_for_status()?;
            }
            Self::Email { subject } => {
                let Some(server) = cx.connection() else {
                    return Err(StepError::permanent(
                        "config `notify`: mail needs a connection; name one of the kind `core/smtp` with `connection`",
                    ));
                };
                let subject = subject.clone().unwrap_or_else(|| shortened(&config.message));
                let details = config.details.as_ref().map(|details| format!("{details}\n\n"));
                let text = format!(
                    "{}\n\n{}Answer here:\n{link}\n\nThe link is yours alone: whoever has it can answer in your name.\n\n{}\n",
                    config.message,
                    details.unwrap_or_default(),
                    cx.workflow_title(),
                );
                let mail = Mail { to: approver.email.as_slice(), subject: &subject, text, ..Mail::default() };
                server.send(mail, &format!("{}.{name}", cx.unique_execution_id()), cx).await?;
            }
        }
        Ok(())
    }
}

/// A message as a subject: one line.
fn shortened(message: &str) -> String {
    let line = message.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST_SUBJECT {
        return line;
    }
    let cut: String = line.chars().take(LONGEST_SUBJECT - 1).collect();
    format!("{}…", cut.trim_end())
}

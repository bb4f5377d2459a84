//! `core/send-email`: sends an email through a mail server.

use stepwell::prelude::*;

use super::mail::{self, Mail, MailServer};

/// What to send, and to whom.
#[config]
struct SendEmail {
    /// To
    #[field(placeholder = "ada@example.com", check = mail::neither_too_few_nor_too_many(cc, bcc))]
    to: Vec<EmailAddress>,
    /// Copies
    #[field(default = Vec::new())]
    cc: Vec<EmailAddress>,
    /// Hidden copies
    ///
    /// To people whom the others do not see.
    #[field(default = Vec::new())]
    bcc: Vec<EmailAddress>,
    /// Answers to
    ///
    /// Where an answer goes, if not to the sender.
    reply_to: Option<EmailAddress>,
    /// Subject
    #[field(check = mail::one_line)]
    subject: String,
    /// Text
    #[field(multiline)]
    text: String,
    /// HTML
    ///
    /// Shown instead of the text where it can be. What an expression puts into it is escaped with the filter `e`.
    #[field(multiline)]
    html: Option<String>,
}

/// Send an email
///
/// What may pass (no connection, a busy server) is tried again. An attempt that is repeated after an interruption sends the
/// same `Message-ID`, by which servers and mailboxes know that they have the message already.
#[step(app = "core", outcomes(
    /// Taken by the mail server
    sent {
        /// The `Message-ID` of the message
        message_id: String,
    },
))]
async fn send_email(
    config: SendEmail,
    cx: ExecuteContext<MailServer>,
) -> Result<SendEmailOutcome, StepError> {
    let SendEmail { to, cc, bcc, reply_to, subject, text, html } = &config;
    let mail =
        Mail { to, cc, bcc, reply_to: reply_to.as_ref(), subject, text: text.clone(), html: html.clone() };
    // The id is the same for every attempt, and for no other execution.
    let message_id = cx.connection().send(mail, cx.unique_execution_id(), &cx).await?;
    Ok(SendEmailOutcome::Sent { message_id })
}

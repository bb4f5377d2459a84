//! The message as it is sent (RFC 5322).

use std::time::SystemTime;

use jiff::Timestamp;
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use stepwell::prelude::*;

use super::MailServer;

/// How many people one message goes to at most: mail servers take 100 (RFC 5321, 4.5.3.1.8), and mail to many belongs
/// to a service that is made for it.
const MOST_RECIPIENTS: usize = 100;

/// Whether a message may go to so many.
pub(in crate::blocks) fn neither_too_few_nor_too_many(
    to: &[EmailAddress],
    cc: &[EmailAddress],
    bcc: &[EmailAddress],
) -> Result<(), &'static str> {
    if to.is_empty() {
        return Err("The message goes to nobody; name at least 1 address");
    }
    if to.len() + cc.len() + bcc.len() > MOST_RECIPIENTS {
        return Err("The message goes to more than 100 people; send it in several");
    }
    Ok(())
}

/// Whether a subject is a line.
pub(in crate::blocks) fn one_line(subject: &str) -> Result<(), &'static str> {
    if subject.contains(char::is_control) {
        return Err("The subject has a line break or another control character; remove it");
    }
    Ok(())
}

/// What a message is to say, and to whom.
#[derive(Default)]
pub(in crate::blocks) struct Mail<'a> {
    pub(in crate::blocks) to: &'a [EmailAddress],
    pub(in crate::blocks) cc: &'a [EmailAddress],
    pub(in crate::blocks) bcc: &'a [EmailAddress],
    pub(in crate::blocks) reply_to: Option<&'a EmailAddress>,
    /// Without control characters.
    pub(in crate::blocks) subject: &'a str,
    pub(in crate::blocks) text: String,
    pub(in crate::blocks) html: Option<String>,
}

/// The message as a server of this sender is given it.
pub(super) fn of(
    mail: Mail<'_>,
    server: &MailServer,
    message_id: &str,
    now: Timestamp,
) -> Result<Message, StepError> {
    let Mail { to, cc, bcc, reply_to, subject, text, html } = mail;
    if server.from_name.as_deref().unwrap_or_default().contains(char::is_control) {
        return wrong("the connection's `from_name` has a control character; set it again without");
    }
    let mut builder = Message::builder()
        .message_id(Some(message_id.to_owned()))
        .date(SystemTime::try_from(now)?)
        .from(mailbox(&server.from, server.from_name.clone())?)
        .subject(subject);
    for address in to {
        builder = builder.to(mailbox(address, None)?);
    }
    for address in cc {
        builder = builder.cc(mailbox(address, None)?);
    }
    for address in bcc {
        builder = builder.bcc(mailbox(address, None)?);
    }
    if let Some(address) = reply_to {
        builder = builder.reply_to(mailbox(address, None)?);
    }
    let message = match html {
        None => builder.singlepart(SinglePart::plain(text)),
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, html)),
    };
    message.map_err(|error| StepError::permanent(format!("the message cannot be written: {error}")))
}

fn mailbox(address: &EmailAddress, name: Option<String>) -> Result<Mailbox, StepError> {
    let parsed = lettre::Address::new(address.local(), address.domain());
    let parsed =
        parsed.map_err(|error| StepError::permanent(format!("`{address}` cannot get mail: {error}")))?;
    Ok(Mailbox::new(name, parsed))
}

fn wrong<T>(message: &str) -> Result<T, StepError> {
    Err(StepError::permanent(message))
}

//! Mail: messages, and the server that they are handed to.

mod message;
mod server;

pub(super) use message::{Mail, neither_too_few_nor_too_many, one_line};
pub(super) use server::MailServer;

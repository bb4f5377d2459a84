//! `core/smtp`: the mail server that messages are handed to.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use stepwell::connection::Connection;
use stepwell::prelude::*;

use super::{Mail, message};

/// How long connecting to one address may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long handing a message over may take: servers look through it before they answer.
const TIMEOUT: Duration = Duration::from_mins(2);
/// How long the farewell may take, which changes nothing any more.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(5);

/// A mail server
///
/// An account at a server that takes mail (SMTP, RFC 6409). A private address is refused unless an operator allows
/// private addresses.
#[connection(app = "core", id = "smtp")]
pub(in crate::blocks) struct MailServer {
    /// Host
    host: String,
    /// Port
    ///
    /// Without it 587; 465 with the encryption `tls`, 25 with `none`.
    port: Option<u16>,
    /// Encryption
    #[serde(default)]
    encryption: Encryption,
    /// User
    user: Option<String>,
    /// Password
    password: Option<Secret>,
    /// Sender's address
    pub(super) from: EmailAddress,
    /// Sender's name
    pub(super) from_name: Option<String>,
}

/// How what is sent is kept from others on the way.
#[data]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Encryption {
    /// TLS after a beginning in clear; nothing is sent without it (STARTTLS)
    #[default]
    Starttls,
    /// TLS from the beginning
    Tls,
    /// None, without a user: for a server of one's own network
    None,
}

impl MailServer {
    fn port(&self) -> u16 {
        self.port.unwrap_or(match self.encryption {
            Encryption::Starttls => 587,
            Encryption::Tls => 465,
            Encryption::None => 25,
        })
    }

    /// Hands a message over. Its `Message-ID` is made of `id`, which the same message has each time: by that servers and
    /// mailboxes know that they have it already.
    pub(in crate::blocks) async fn send<K: Connection>(
        &self,
        mail: Mail<'_>,
        id: &str,
        cx: &ExecuteContext<K>,
    ) -> Result<String, StepError> {
        let message_id = format!("<{id}@{}>", self.from.domain());
        let message = message::of(mail, self, &message_id, cx.now())?;
        let addresses = cx.addresses(&self.host, self.port()).await?;
        self.deliver(&addresses, &message).await?;
        Ok(message_id)
    }

    /// Hands a message over at the first of these addresses that can be connected to.
    async fn deliver(&self, addresses: &[SocketAddr], message: &Message) -> Result<(), StepError> {
        let credentials = self.credentials()?;
        let handed_over = self.hand_over(addresses, credentials, message);
        match tokio::time::timeout(TIMEOUT, handed_over).await {
            Ok(Ok(mut server)) => {
                // The message is with the server, whatever it says to the farewell.
                let _ = tokio::time::timeout(FAREWELL_TIMEOUT, server.abort()).await;
                Ok(())
            }
            Ok(Err(error)) => Err(self.failed(&error)),
            Err(_) => Err(StepError::retryable(format!(
                "{}: the mail server has not taken the message within {} s",
                self.host,
                TIMEOUT.as_secs()
            ))),
        }
    }

    fn credentials(&self) -> Result<Option<Credentials>, StepError> {
        match (&self.user, &self.password) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) if self.encryption == Encryption::None => Err(StepError::permanent(
                "the connection has a password and no encryption, so that others could read it; set it again with the encryption `starttls` or `tls`, or without a user",
            )),
            (Some(user), Some(password)) => {
                Ok(Some(Credentials::new(user.clone(), password.expose().clone())))
            }
            (Some(_), None) | (None, Some(_)) => Err(StepError::permanent(
                "the connection has one of user and password; set it again with both, or with neither",
            )),
        }
    }

    async fn hand_over(
        &self,
        addresses: &[SocketAddr],
        credentials: Option<Credentials>,
        message: &Message,
    ) -> Result<AsyncSmtpConnection, Error> {
        let hello = ClientId::default();
        // The certificate must be that of the host's name, whatever its address.
        let tls = || TlsParameters::new(self.host.clone());
        let at_once = if self.encryption == Encryption::Tls { Some(tls()?) } else { None };
        let timeout = Some(CONNECT_TIMEOUT);
        let mut server =
            AsyncSmtpConnection::connect_tokio1(addresses, timeout, &hello, at_once, None).await?;
        if self.encryption == Encryption::Starttls {
            server.starttls(tls()?, &hello).await?;
        }
        if let Some(credentials) = credentials {
            server.auth(DEFAULT_MECHANISMS, &credentials).await?;
        }
        server.send(message.envelope(), &message.formatted()).await?;
        Ok(server)
    }

    /// What the server refuses for good, and what it cannot do, is not tried again.
    fn failed(&self, error: &Error) -> StepError {
        let first: &dyn std::error::Error = error;
        let cause = std::iter::successors(Some(first), |error| error.source()).last().unwrap_or(first);
        let message = match error.status() {
            Some(status) => format!("{}: the mail server answered {status}: {cause}", self.host),
            None => format!("{}: {cause}", self.host),
        };
        if error.is_permanent() || error.is_client() {
            StepError::permanent(message)
        } else {
            StepError::retryable(message)
        }
    }
}

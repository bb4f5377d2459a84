//! A mail server (SMTP, RFC 5321) for tests, which keeps what it is told and refuses what a test says.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rcgen::CertifiedKey;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A running mail server, at `localhost`.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    told: Arc<Told>,
}

/// How the server encrypts.
pub(crate) enum Security {
    /// Not at all.
    None,
    /// After STARTTLS.
    StartTls(Certificate),
    /// From the beginning.
    Tls(Certificate),
}

/// A certificate of `localhost` that nobody has signed but itself.
pub(crate) struct Certificate(CertifiedKey<rcgen::KeyPair>);

impl Certificate {
    /// Makes one, and writes it where a process can be told to trust it.
    pub(crate) fn write(path: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(path, made.cert.pem()).unwrap();
        Self(made)
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.0.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        TlsAcceptor::from(Arc::new(config.with_single_cert(vec![self.0.cert.der().clone()], key).unwrap()))
    }
}

/// How a command begins, and what it is answered once.
pub(crate) type Refusal = (&'static str, &'static str);

#[derive(Default)]
struct Told {
    commands: Mutex<Vec<String>>,
    messages: Mutex<Vec<String>>,
    refusals: Mutex<VecDeque<Refusal>>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl MailServer {
    /// Starts one. Of what it refuses, the first of these tells how the next command begins and what it is answered; `.` is
    /// the next message, which it takes all the same.
    pub(crate) async fn start(security: Security, refusals: &[Refusal]) -> Self {
        // A name may have several addresses, of which the server has one.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Told { refusals: Mutex::new(refusals.to_vec().into()), ..Told::default() });
        let (at_once, later) = match security {
            Security::None => (None, None),
            Security::StartTls(certificate) => (None, Some(certificate.acceptor())),
            Security::Tls(certificate) => (Some(certificate.acceptor()), None),
        };
        let server = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (at_once, later, told) = (at_once.clone(), later.clone(), Arc::clone(&server));
                tokio::spawn(async move {
                    let stream: Box<dyn Stream> = match at_once {
                        Some(acceptor) => Box::new(acceptor.accept(stream).await?),
                        None => Box::new(stream),
                    };
                    session(stream, later, &told).await
                });
            }
        });
        Self { port, told }
    }

    /// The commands that it has been sent.
    pub(crate) fn commands(&self) -> Vec<String> {
        self.told.commands.lock().unwrap().clone()
    }

    /// The messages that it has taken.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.told.messages.lock().unwrap().clone()
    }
}

/// One connection, from the greeting to the farewell.
async fn session(stream: Box<dyn Stream>, mut tls: Option<TlsAcceptor>, told: &Told) -> std::io::Result<()> {
    let mut stream = BufStream::new(stream);
    answer(&mut stream, "220 localhost").await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.trim_end().to_owned();
        told.commands.lock().unwrap().push(command.clone());
        if let Some(refusal) = told.refusal(&command) {
            answer(&mut stream, refusal).await?;
            continue;
        }
        let verb = command.split([' ', ':']).next().unwrap_or_default();
        match (verb, &tls) {
            ("EHLO", Some(_)) => answer(&mut stream, "250-localhost\r\n250 STARTTLS").await?,
            ("EHLO", None) => answer(&mut stream, "250-localhost\r\n250 AUTH PLAIN").await?,
            ("STARTTLS", Some(acceptor)) => {
                answer(&mut stream, "220 go on").await?;
                let secured: Box<dyn Stream> = Box::new(acceptor.accept(stream.into_inner()).await?);
                stream = BufStream::new(secured);
                tls = None;
            }
            ("AUTH", _) => answer(&mut stream, "235 welcome").await?,
            ("DATA", _) => {
                answer(&mut stream, "354 go on").await?;
                let message = message(&mut stream).await?;
                told.messages.lock().unwrap().push(message);
                answer(&mut stream, told.refusal(".").unwrap_or("250 taken")).await?;
            }
            ("QUIT", _) => return answer(&mut stream, "221 bye").await,
            _ => answer(&mut stream, "250 ok").await?,
        }
    }
}

impl Told {
    fn refusal(&self, command: &str) -> Option<&'static str> {
        let mut refusals = self.refusals.lock().unwrap();
        let (_, answer) = refusals.pop_front_if(|(begins, _)| command.starts_with(*begins))?;
        Some(answer)
    }
}

async fn answer(stream: &mut BufStream<Box<dyn Stream>>, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await?;
    stream.flush().await
}

/// The lines up to the one that is a dot.
async fn message(stream: &mut BufStream<Box<dyn Stream>>) -> std::io::Result<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n.\r\n") {
        if stream.read_line(&mut text).await? == 0 {
            break;
        }
    }
    Ok(text)
}

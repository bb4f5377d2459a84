//! What stands between an engine and its database, and breaks at a commit.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// `COMMIT` as a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
/// The answer to it.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

/// What happens to the connection that commits next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is cut, and the database never hears of the commit.
    BeforeCommit,
    /// It is cut when the database has committed and answers.
    AfterCommit,
    /// Nothing passes any more; the database has not heard of the commit.
    Stall,
}

/// A proxy on a port of its own.
pub(crate) struct Proxy {
    /// The URL of the database behind it.
    pub(crate) url: String,
    fault: Arc<Mutex<Option<Fault>>>,
    silence: watch::Sender<()>,
    _task: AbortOnDropHandle<()>,
}

impl Proxy {
    /// A proxy for the database at this URL of a socket.
    pub(crate) async fn start(url: &str) -> Self {
        let (host, database) = url.rsplit_once('/').expect("a URL names its database");
        let (_, folder) = host.rsplit_once('@').expect("a URL names its user");
        let (folder, port) = folder.rsplit_once(':').expect("a URL names its port");
        let socket = format!("{}/.s.PGSQL.{port}", folder.replace("%2F", "/"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let fault: Arc<Mutex<Option<Fault>>> = Arc::default();
        let faults = Arc::clone(&fault);
        let silence = watch::Sender::new(());
        let silencer = silence.clone();
        let task = tokio::spawn(async move {
            let mut relays = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (socket, faults) = (socket.clone(), Arc::clone(&faults));
                let mut heard = silencer.subscribe();
                relays.spawn(async move {
                    let server = UnixStream::connect(&socket).await?;
                    relay(client, server, &faults, &mut heard).await
                });
            }
        });
        let url = format!("postgres://postgres@{address}/{database}");
        Self { url, fault, silence, _task: AbortOnDropHandle::new(task) }
    }

    /// Breaks the next connection that commits.
    pub(crate) fn break_next(&self, fault: Fault) {
        *self.fault.lock().expect("no holder panics") = Some(fault);
    }

    /// Lets nothing pass any more on the connections that there are. They stay open.
    pub(crate) fn silence(&self) {
        self.silence.send_replace(());
    }

    /// Whether the fault has come.
    pub(crate) fn has_broken(&self) -> bool {
        self.fault.lock().expect("no holder panics").is_none()
    }
}

async fn relay(
    mut client: TcpStream,
    mut server: UnixStream,
    faults: &Mutex<Option<Fault>>,
    silenced: &mut watch::Receiver<()>,
) -> std::io::Result<()> {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            biased;
            _ = silenced.changed() => std::future::pending().await,
            length = client.read(&mut asked) => {
                let asked = &asked[..length?];
                if asked.is_empty() {
                    return Ok(());
                }
                let fault = if holds(asked, COMMIT) {
                    faults.lock().expect("no holder panics").take()
                } else {
                    None
                };
                match fault {
                    None => server.write_all(asked).await?,
                    Some(Fault::BeforeCommit) => return Ok(()),
                    Some(Fault::Stall) => std::future::pending().await,
                    Some(Fault::AfterCommit) => {
                        server.write_all(asked).await?;
                        let mut answers = Vec::new();
                        while !holds(&answers, COMMITTED) && server.read_buf(&mut answers).await? > 0 {}
                        return Ok(());
                    }
                }
            }
            length = server.read(&mut answered) => {
                let answered = &answered[..length?];
                if answered.is_empty() {
                    return Ok(());
                }
                client.write_all(answered).await?;
            }
        }
    }
}

fn holds(bytes: &[u8], pattern: &[u8]) -> bool {
    bytes.windows(pattern.len()).any(|window| window == pattern)
}

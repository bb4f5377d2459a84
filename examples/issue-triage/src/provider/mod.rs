//! A stand-in for the provider's API on loopback: repositories' webhooks, label suggestions, questions to
//! maintainers, labels of issues. What it knows lies in one JSON file, so that it outlives its process.

mod deliver;
mod ledger;
mod routes;
mod suggestions;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::net::TcpListener;

pub use deliver::Delivered;
pub use ledger::{Hook, LabelApplication, Ledger, Question};

/// The stand-in, serving until its process ends.
#[derive(Clone)]
pub struct Provider {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the routes share.
struct Shared {
    ledger: Mutex<ledger::Stored>,
    client: reqwest::Client,
}

impl Provider {
    /// Listens on `address` and goes on from what the file at `path` remembers.
    ///
    /// # Errors
    ///
    /// When the address is taken, or the file can be neither read nor made.
    pub async fn start(address: SocketAddr, path: &Path) -> io::Result<Self> {
        // Another part of the process may have chosen a provider already; any will do for loopback.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().map_err(io::Error::other)?;
        let ledger = Mutex::new(ledger::Stored::open(path)?);
        let listener = TcpListener::bind(address).await?;
        let provider = Self { address: listener.local_addr()?, shared: Arc::new(Shared { ledger, client }) };
        tokio::spawn(axum::serve(listener, routes::router(Arc::clone(&provider.shared))).into_future());
        Ok(provider)
    }

    /// Where the API is, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the provider knows.
    pub fn ledger(&self) -> Ledger {
        self.shared.read(Clone::clone)
    }

    /// Sends one event to every registered webhook that listens to it, signed with the webhook's secret, and
    /// says how each answered.
    pub async fn deliver(&self, event: &str, payload: impl Into<Bytes>) -> Vec<Delivered> {
        let payload = payload.into();
        let mut delivered = Vec::new();
        for hook in self.ledger().hooks {
            if hook.events.iter().any(|listened| listened == event) {
                delivered.push(deliver::send(&self.shared.client, &hook, event, payload.clone()).await);
            }
        }
        delivered
    }
}

impl Shared {
    fn read<T>(&self, read: impl FnOnce(&Ledger) -> T) -> T {
        read(self.ledger.lock().unwrap_or_else(PoisonError::into_inner).ledger())
    }

    /// Changes the ledger and writes it to its file before anybody is answered.
    fn change<T>(&self, change: impl FnOnce(&mut Ledger) -> T) -> io::Result<T> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).change(change)
    }
}

//! TLS to `PostgreSQL`: what `sslmode` and `sslrootcert` ask for, and how it is told that it cannot be had.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[expect(dead_code, reason = "the tests of leases use the rest")]
#[path = "support/proxy.rs"]
mod proxy;
mod support;

use std::net::TcpListener;
use std::sync::LazyLock;

use proxy::Proxy;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use stepwell_engine::model::WorkflowId;
use stepwell_engine::store::postgres::{LEASE, PostgresStore};
use stepwell_engine::store::{Draft, News, Store as _, StoreError, WorkflowChange};
use support::postgres::Server;

/// A server with a certificate for `localhost`.
struct Encrypted {
    server: Server,
    port: u16,
}

static ENCRYPTED: LazyLock<Encrypted> = LazyLock::new(|| {
    let (authority, other) = (authority("ours"), authority("another"));
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let files = [
        ("server.crt", certificate.unwrap().pem()),
        ("server.key", key.serialize_pem()),
        ("authority.pem", authority.pem()),
        ("another.pem", other.pem()),
    ];
    let files = files.each_ref().map(|(name, content)| (*name, content.as_str()));
    let server = Server::launch(port, "-c listen_addresses=127.0.0.1 -c ssl=on", &files);
    Encrypted { server, port }
});

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

impl Encrypted {
    /// The URL of a new database, by a name of this machine.
    async fn database(&self, host: &str, query: &str) -> String {
        let url = self.server.database().await;
        let name = url.rsplit('/').next().unwrap();
        format!("postgres://postgres@{host}:{}/{name}?{query}", self.port)
    }

    /// The file with the certificate of the authority that the server's comes from.
    fn roots(&self) -> String {
        self.file("authority.pem")
    }

    fn file(&self, name: &str) -> String {
        self.server.directory.join("data").join(name).to_str().unwrap().to_owned()
    }

    /// Whether each of the sessions of a database's engines is encrypted. There are some.
    async fn sessions(&self, url: &str) -> Vec<bool> {
        let name = url.split('?').next().unwrap().rsplit('/').next().unwrap();
        let sql = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
            WHERE application_name = 'stepwell' AND datname = $1";
        let rows = self.server.connect("postgres").await.query(sql, &[&name]).await.unwrap();
        assert!(!rows.is_empty());
        rows.iter().map(|row| row.get(0)).collect()
    }
}

async fn open(url: &str) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(url, LEASE).await
}

/// Checks that a store cannot be opened, and that all of this is said.
async fn is_refused(url: &str, words: &[&str]) {
    let error = open(url).await.err().unwrap().source.to_string();
    for word in words {
        assert!(error.contains(word), "{url}: {error}");
    }
}

#[tokio::test]
async fn what_is_asked_for_is_had() {
    let encrypted = &*ENCRYPTED;
    let roots = encrypted.roots();
    for (host, query, encrypts) in [
        ("localhost", String::new(), true),
        ("127.0.0.1", "sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("127.0.0.1", "sslmode=disable".to_owned(), false),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={roots}"), true),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={roots}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={roots}"), true),
        ("localhost", format!("sslrootcert={roots}"), true),
    ] {
        let url = encrypted.database(host, &query).await;
        let store = open(&url).await.unwrap();
        assert_eq!(store.workflows().await.unwrap(), []);
        // The listener is connected.
        assert_eq!(store.news().await, News::Missed);
        let sessions = encrypted.sessions(&url).await;
        assert!(sessions.len() > 1 && sessions.iter().all(|ssl| *ssl == encrypts), "{query}: {sessions:?}");
    }
}

#[tokio::test]
async fn news_and_the_lease_go_through_tls_too() {
    let encrypted = &*ENCRYPTED;
    let url = encrypted.database("localhost", &format!("sslrootcert={}", encrypted.roots())).await;
    let (first, second) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    assert_eq!(second.news().await, News::Missed, "it listens");
    let id = WorkflowId("told".to_owned());
    let (title, now) = (String::new(), jiff::Timestamp::UNIX_EPOCH);
    first.put_draft(Draft { id: id.clone(), title, definition: "{}".to_owned(), now }).await.unwrap();
    let (state, activations) = (b"state".to_vec(), Vec::new());
    let change = WorkflowChange { id: id.clone(), sequence: 0, state, version: None, activations };
    first.commit_workflow(change).await.unwrap();
    assert_eq!(second.news().await, News::Workflow(id));
    second.leave().await.unwrap();
    second.take_part_again().await.unwrap();
    assert!(encrypted.sessions(&url).await.iter().all(|ssl| *ssl));
}

#[tokio::test]
async fn a_server_that_is_not_who_it_should_be_is_refused() {
    let encrypted = &*ENCRYPTED;
    let (roots, others) = (encrypted.roots(), encrypted.file("another.pem"));
    let unknown = ["UnknownIssuer", "name a file with the certificate"];
    for query in [
        "sslmode=verify-full".to_owned(),
        format!("sslmode=verify-full&sslrootcert={others}"),
        format!("sslmode=verify-ca&sslrootcert={others}"),
        format!("sslmode=require&sslrootcert={others}"),
    ] {
        is_refused(&encrypted.database("localhost", &query).await, &unknown).await;
    }
    let full = encrypted.database("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={roots}")).await;
    is_refused(&full, &["127.0.0.1", "localhost", "connect by a name"]).await;
}

#[tokio::test]
async fn a_server_without_tls_is_used_only_where_it_may_be() {
    let server = Server::shared();
    let proxy = Proxy::start(&server.database().await).await;
    open(&proxy.url).await.unwrap();
    open(&format!("{}?sslmode=disable", proxy.url)).await.unwrap();
    let roots = ENCRYPTED.roots();
    for query in ["sslmode=require".to_owned(), format!("sslmode=verify-full&sslrootcert={roots}")] {
        let words = ["does not support TLS", "sslmode=disable"];
        is_refused(&format!("{}?{query}", proxy.url), &words).await;
    }
}

#[tokio::test]
async fn a_socket_of_this_machine_needs_no_tls() {
    let url = Server::shared().database().await;
    open(&format!("{url}?sslmode=require")).await.unwrap();
}

#[tokio::test]
async fn a_mode_that_is_not_known_is_refused() {
    is_refused("postgres://localhost/d?sslmode=maybe", &["`sslmode=maybe`", "`verify-full`"]).await;
}

//! A PostgreSQL server of the bench's own, durable as it comes.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::NoTls;

use super::{Outcome, failed};
use crate::failure::Failure;
use crate::postgres::{self, USER, as_user, is_root, succeed};

/// How long the server may take to start.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// The settings, beside the defaults; those of durability are named so that no file can change them.
const SETTINGS: &str = "-c listen_addresses= -c fsync=on -c synchronous_commit=on -c full_page_writes=on";

/// A running server. It stops when this is dropped, or when this process dies.
pub(super) struct Server {
    directory: TempDir,
    shell: Child,
}

impl Server {
    pub(super) async fn start() -> Outcome<Self> {
        postgres::ensure()?;
        let programs = postgres::programs().ok_or_else(|| Failure::new("there is no PostgreSQL server"))?;
        let directory = super::directory()?;
        let data = directory.path().join("data");
        if is_root() {
            succeed(Command::new("chown").arg(USER).arg(directory.path()))?;
        }
        let mut initdb = as_user(programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--pgdata"]).arg(&data);
        succeed(initdb.stdout(Stdio::null()))?;
        // The shell ends the server when its input ends, and that ends with this process.
        let script = format!(r#""$0" -D "$1" -k "$2" {SETTINGS} & read -r _; kill -INT $!; wait"#);
        let shell = as_user("sh")
            .args(["-c", &script])
            .args([&programs.join("postgres"), &data, &directory.path().to_owned()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed("the shell"))?;
        let server = Self { directory, shell };
        let until = Instant::now() + START_TIMEOUT;
        while server.connect("postgres").await.is_err() {
            if Instant::now() > until {
                return Err(Failure::new("the PostgreSQL server does not start"));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(server)
    }

    /// The URL of a database of this server.
    pub(super) fn url(&self, database: &str) -> String {
        let socket = self.directory.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{database}")
    }

    pub(super) async fn connect(&self, database: &str) -> Outcome<tokio_postgres::Client> {
        let connected = tokio_postgres::connect(&self.url(database), NoTls).await;
        let (client, connection) = connected.map_err(failed("PostgreSQL"))?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(client)
    }

    /// The process that is the parent of all of the server's.
    pub(super) fn process(&self) -> Outcome<u32> {
        let path = self.directory.path().join("data/postmaster.pid");
        let text = std::fs::read_to_string(path).map_err(failed("postmaster.pid"))?;
        let id = text.lines().next().and_then(|line| line.trim().parse().ok());
        id.ok_or_else(|| Failure::new("postmaster.pid names no process"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

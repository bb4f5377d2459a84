//! A PostgreSQL server of the bench's own, durable as it comes.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::NoTls;

use super::{Outcome, failed};
use crate::failure::Failure;

/// How long the server may take to start.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Whom the server runs as when the bench runs as root, which it refuses to.
const USER: &str = "postgres";
/// The settings, beside the defaults; those of durability are named so that no file can change them.
const SETTINGS: &str = "-c listen_addresses= -c fsync=on -c synchronous_commit=on -c full_page_writes=on";

/// A running server. It stops when this is dropped, or when this process dies.
pub(super) struct Server {
    directory: TempDir,
    shell: Child,
}

impl Server {
    pub(super) async fn start() -> Outcome<Self> {
        crate::postgres::ensure()?;
        let programs = programs()?;
        let directory = super::directory()?;
        let data = directory.path().join("data");
        if is_root()? {
            succeed(Command::new("chown").arg(USER).arg(directory.path()))?;
        }
        let path = |path: &Path| path.display().to_string();
        let initdb = path(&programs.join("initdb"));
        succeed(&mut as_user(&[&initdb, "--auth=trust", "--username=postgres", "--pgdata", &path(&data)])?)?;
        // The shell ends the server when its input ends, and that ends with this process.
        let script = format!(r#""$0" -D "$1" -k "$2" {SETTINGS} & read -r _; kill -INT $!; wait"#);
        let postgres = path(&programs.join("postgres"));
        let shell = as_user(&["sh", "-c", &script, &postgres, &path(&data), &path(directory.path())])?
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

/// The folder of the server's programs, the newest that is installed.
fn programs() -> Outcome<PathBuf> {
    let mut folders: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .collect();
    folders.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut all = folders.into_iter().rev().map(|(_, folder)| folder).chain(std::env::split_paths(&on_path));
    let found = all.find(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file());
    found
        .ok_or_else(|| Failure::new("there is no PostgreSQL server; install the Debian package `postgresql`"))
}

fn is_root() -> Outcome<bool> {
    let id = Command::new("id").arg("-u").output().map_err(failed("id"))?;
    Ok(id.stdout.trim_ascii() == b"0")
}

/// A command that may run the server.
fn as_user(words: &[&str]) -> Outcome<Command> {
    let mut words = words.to_vec();
    if is_root()? {
        words.splice(0..0, ["runuser", "-u", USER, "--"]);
    }
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir("/");
    Ok(command)
}

fn succeed(command: &mut Command) -> Outcome<()> {
    let output = command.output().map_err(failed("a program of PostgreSQL"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))))
}

//! A `PostgreSQL` server of the tests' own, on a socket in a temporary directory.
//!
//! The engine refuses a server that does not wait for its disk, so `fsync` stays on. The data lie in memory where there
//! is room, since no test here cuts the power.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio_postgres::NoTls;

/// How long the server may take to start, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Whom the server runs as when the tests run as root, which it refuses to.
const USER: &str = "postgres";

/// Where files are kept in memory.
const MEMORY: &str = "/dev/shm";
/// How much of it the databases of a test binary may take, in KiB.
const ROOM: u64 = 4 * 1024 * 1024;

/// The server that the tests of this process share.
static SERVER: OnceLock<Arc<Server>> = OnceLock::new();

/// A running server. It stops and its files are removed when this process dies.
pub(crate) struct Server {
    /// Of its socket; its data lie in `data`.
    pub(crate) directory: PathBuf,
    port: u16,
    shell: Child,
    databases: AtomicUsize,
}

impl Server {
    /// The running server, or a new one.
    pub(crate) fn shared() -> Arc<Self> {
        Arc::clone(SERVER.get_or_init(|| Arc::new(Self::start())))
    }

    /// A server of its own.
    pub(crate) fn start() -> Self {
        Self::launch(5432, "-c listen_addresses=", &[])
    }

    /// A server of its own with this port, these settings, and these files beside its data.
    pub(crate) fn launch(port: u16, settings: &str, files: &[(&str, &str)]) -> Self {
        let programs = programs();
        let directory = tempfile::tempdir_in(folder()).expect("the disk has room");
        let data = directory.path().join("data");
        if is_root() {
            succeed(Command::new("chown").arg(USER).arg(directory.path()));
        }
        let path = |path: &Path| path.to_str().expect("paths are text").to_owned();
        let initdb = path(&programs.join("initdb"));
        let quickly = ["--auth=trust", "--username=postgres", "--no-sync", "--pgdata", &path(&data)];
        succeed(as_user(&[[initdb.as_str()].as_slice(), &quickly].concat()));
        for (name, content) in files {
            let file = data.join(name);
            std::fs::write(&file, content).expect("the disk has room");
            succeed(Command::new("chmod").arg("600").arg(&file));
            if is_root() {
                succeed(Command::new("chown").arg(USER).arg(&file));
            }
        }
        // The shell ends the server when its input ends, and that ends with this process.
        let script = r#"while read -r word; do case $word in
                start) "$0" -D "$1" -k "$2" -p "$3" $4 -c max_connections=200 & ;;
                stop) kill -INT $!; wait ;;
            esac; done; kill -INT $!; wait; rm -rf "$2""#;
        let postgres = path(&programs.join("postgres"));
        let socket = path(directory.path());
        let arguments = [&postgres, &path(&data), &socket, &port.to_string(), settings];
        let shell = as_user(&[["sh", "-c", script].as_slice(), &arguments].concat())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the shell is installed");
        let server = Self { directory: directory.keep(), port, shell, databases: AtomicUsize::new(0) };
        server.tell("start");
        server
    }

    /// Has the server `start` or `stop`, and returns when it has.
    pub(crate) fn tell(&self, word: &str) {
        let mut input = self.shell.stdin.as_ref().expect("its input is a pipe");
        writeln!(input, "{word}").expect("the shell runs");
        let socket = self.directory.join(format!(".s.PGSQL.{}", self.port));
        let until = Instant::now() + START_TIMEOUT;
        while std::os::unix::net::UnixStream::connect(&socket).is_ok() != (word == "start") {
            assert!(Instant::now() < until, "the server does not {word}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The URL of an empty database.
    pub(crate) async fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let client = self.connect("postgres").await;
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the name is free");
        self.url(&name)
    }

    /// A connection of a superuser.
    pub(crate) async fn connect(&self, database: &str) -> tokio_postgres::Client {
        let until = Instant::now() + START_TIMEOUT;
        loop {
            // The server accepts connections a little before it serves them.
            match tokio_postgres::connect(&self.url(database), NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    return client;
                }
                Err(error) => assert!(Instant::now() < until, "the server does not serve: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn url(&self, database: &str) -> String {
        let socket = self.directory.to_str().expect("paths are text").replace('/', "%2F");
        format!("postgres://postgres@{socket}:{}/{database}", self.port)
    }
}

/// Where the server's files lie: in memory if there is room.
fn folder() -> PathBuf {
    let free = Command::new("df").args(["--output=avail", "-k", MEMORY]).output();
    let free = free.ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().last()?.trim().parse::<u64>().ok()
    });
    if free.is_some_and(|free| free > ROOM) { MEMORY.into() } else { std::env::temp_dir() }
}

/// The folder of the server's programs: the one that `STEPWELL_TEST_POSTGRES` names, or the newest that is installed.
fn programs() -> PathBuf {
    if let Some(folder) = std::env::var_os("STEPWELL_TEST_POSTGRES") {
        return folder.into();
    }
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
    let found = folders
        .into_iter()
        .rev()
        .map(|(_, folder)| folder)
        .chain(std::env::split_paths(&on_path))
        .find(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file());
    found.expect("these tests need a PostgreSQL server; install the Debian package `postgresql`")
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("`id` is installed");
    id.stdout.trim_ascii() == b"0"
}

/// A command that may run the server.
fn as_user(words: &[&str]) -> Command {
    let mut words = words.to_vec();
    if is_root() {
        words.splice(0..0, ["runuser", "-u", USER, "--"]);
    }
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).current_dir("/");
    command
}

#[track_caller]
fn succeed(mut command: impl std::borrow::BorrowMut<Command>) {
    let command = command.borrow_mut();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => panic!("{command:?} is not installed"),
        Err(error) => panic!("{command:?}: {error}"),
    };
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

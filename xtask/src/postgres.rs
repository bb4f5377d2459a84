//! The programs of PostgreSQL, of which tests start a server of their own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::failure::Failure;

const PACKAGE: &str = "postgresql";
/// The variable that names a folder of the server's programs, for tests with another version.
const PROGRAMS: &str = "STEPWELL_TEST_POSTGRES";
/// Whom the server runs as when we are root, which it refuses to run as.
pub(crate) const USER: &str = "postgres";

/// Sees to it that the programs are there: installs the Debian package where that is possible.
pub(crate) fn ensure() -> Result<(), Failure> {
    if installed() {
        return Ok(());
    }
    eprintln!("installing the package `{PACKAGE}`, of which the tests start a server of their own");
    let apt = |arguments: &[&str]| {
        let status =
            Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status();
        status.is_ok_and(|status| status.success())
    };
    let done = apt(&["update", "-qq"]) && apt(&["install", "-qq", "-y", "--no-install-recommends", PACKAGE]);
    if done && installed() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the programs of PostgreSQL are not there and could not be installed; install the package `{PACKAGE}` and try again"
    )))
}

fn installed() -> bool {
    programs().is_some()
}

/// The folder of the server's programs: the one that [`PROGRAMS`] names, or the newest that is installed.
pub(crate) fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(PROGRAMS) {
        return Some(folder.into());
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(number(folder)));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders =
        folders.into_iter().map(|folder| folder.join("bin")).chain(std::env::split_paths(&on_path));
    folders.find(|folder| folder.join("postgres").is_file() && folder.join("pg_ctl").is_file())
}

/// A server of our own, on a socket in a temporary directory. It stops when this is dropped.
pub(crate) struct Server {
    programs: PathBuf,
    directory: TempDir,
}

impl Server {
    pub(crate) fn start() -> Result<Self, Failure> {
        ensure()?;
        let programs = programs().ok_or_else(|| Failure::new("the programs of PostgreSQL are not there"))?;
        let directory = tempfile::tempdir()
            .map_err(|error| Failure::new(format!("no directory for the database: {error}")))?;
        let server = Self { programs, directory };
        if is_root() {
            succeed(Command::new("chown").arg(USER).arg(server.directory.path()))?;
        }
        server.run("initdb", &["--auth=trust", "--username=postgres"])?;
        server.control("start", &[])?;
        Ok(server)
    }

    /// The URL of a database that is empty at first.
    pub(crate) fn url(&self) -> String {
        let socket = self.directory.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}/postgres")
    }

    /// Stops the server and starts it again: clean, or so that it recovers as after a crash.
    pub(crate) fn restart(&self, clean: bool) -> Result<(), Failure> {
        self.control("restart", &["--mode", if clean { "fast" } else { "immediate" }])
    }

    fn control(&self, what: &str, more: &[&str]) -> Result<(), Failure> {
        let directory = self.directory.path().display();
        let log = format!("{directory}/log");
        let options = format!("-k {directory} -c listen_addresses=");
        self.run("pg_ctl", &[&[what, "--wait", "--log", &log, "--options", &options], more].concat())
    }

    /// Runs a program on the data, as somebody who may.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = as_user(self.programs.join(program));
        let data = self.directory.path().join("data");
        succeed(command.args(arguments).arg("--pgdata").arg(data).stdout(Stdio::null()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.run("pg_ctl", &["stop", "--wait", "--mode", "immediate"]);
    }
}

/// A command that may run the server, which refuses to run as root.
pub(crate) fn as_user(program: impl AsRef<OsStr>) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", USER, "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

pub(crate) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

pub(crate) fn succeed(command: &mut Command) -> Result<(), Failure> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        result => Err(Failure::new(format!("{command:?}: {result:?}"))),
    }
}

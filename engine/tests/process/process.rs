//! A process of the binary, and what it answers.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Long enough for anything that will ever come, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running engine. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) url: String,
    token: String,
    data: PathBuf,
}

/// What an engine has answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<u64>,
}

/// `serve` on this data, with nothing of the surroundings' settings.
pub(crate) fn serve(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepwell"));
    for name in ["URL", "TOKEN", "DATABASE", "LEASE", "LISTEN", "PUBLIC_URL"] {
        command.env_remove(format!("STEPWELL_{name}"));
    }
    command.args(["serve", "--listen", "127.0.0.1:0", "--allow-private-addresses", "--data"]).arg(data);
    command
}

impl Process {
    /// Starts an engine, and waits until it listens.
    pub(crate) fn start(data: &Path, more: &[&str]) -> Self {
        let mut command = serve(data);
        command.args(more);
        Self::spawn(command, data)
    }

    /// Starts an engine with this command, and waits until it listens.
    pub(crate) fn spawn(mut command: Command, data: &Path) -> Self {
        let log = OpenOptions::new().create(true).append(true).open(data.join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .find_map(|line| line.unwrap().split_once("listens on ").map(|(_, url)| url.to_owned()))
            .unwrap_or_else(|| panic!("{}", log_of(data)));
        // What it says later is read, so that it can be said.
        std::thread::spawn(move || lines.for_each(drop));
        let token = std::fs::read_to_string(data.join("token")).unwrap().trim().to_owned();
        Self { child, url, token, data: data.to_owned() }
    }

    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        log_of(&self.data)
    }

    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.id()]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        until(|| self.child.try_wait().unwrap())
    }

    /// What a POST with this body is answered, as status and JSON; nothing if there is no answer in time.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.send(path, body).map(|answer| (answer.status, answer.body))
    }

    /// The status of the answer to a PUT with this body.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Option<u16> {
        self.request(&["--request", "PUT", "--json", &body.to_string()], path).map(|answer| answer.status)
    }

    pub(crate) fn get(&self, path: &str) -> Option<(u16, Value)> {
        self.request(&[], path).map(|answer| (answer.status, answer.body))
    }

    /// The whole answer to a POST.
    pub(crate) fn send(&self, path: &str, body: &Value) -> Option<Answer> {
        self.request(&["--request", "POST", "--json", &body.to_string()], path)
    }

    /// Whether it says that it is ready.
    pub(crate) fn is_ready(&self) -> Option<bool> {
        match self.request(&[], "/readyz")?.status {
            200 => Some(true),
            503 => Some(false),
            status => panic!("/readyz has answered {status}"),
        }
    }

    fn request(&self, more: &[&str], path: &str) -> Option<Answer> {
        let path = path.strip_prefix(&self.url).unwrap_or(path);
        let output = Command::new("curl")
            .args(["--silent", "--max-time", "5", "--write-out", "\n%{http_code} %header{retry-after}"])
            .args(["--header", &format!("Authorization: Bearer {}", self.token)])
            .args(more)
            .arg(format!("{}{path}", self.url))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, head) = text.rsplit_once('\n')?;
        let (status, retry_after) = head.split_once(' ')?;
        let status = status.parse().ok().filter(|status| *status != 0)?;
        let body = serde_json::from_str(body).unwrap_or_default();
        Some(Answer { status, body, retry_after: retry_after.parse().ok() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_of(data: &Path) -> String {
    std::fs::read_to_string(data.join("log")).unwrap()
}

/// Tries until there is a result.
#[track_caller]
pub(crate) fn until<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(result) = attempt() {
            return result;
        }
        assert!(Instant::now() < until, "it never came to hold");
        std::thread::sleep(Duration::from_millis(20));
    }
}

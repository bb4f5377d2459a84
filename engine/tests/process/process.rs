//! A process of the binary, and what it answers.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Long enough for anything that will ever come, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running engine. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    url: String,
    token: String,
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
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.next().unwrap().unwrap().split_whitespace().last().unwrap().to_owned();
        // What it says later is read, so that it can be said.
        std::thread::spawn(move || lines.for_each(drop));
        let token = std::fs::read_to_string(data.join("token")).unwrap().trim().to_owned();
        Self { child, url, token }
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        until(|| self.child.try_wait().unwrap())
    }

    /// What a POST with this body is answered, as status and JSON; nothing if there is no answer in time.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        self.request(&["--request", "POST", "--json", &body.to_string()], path)
    }

    pub(crate) fn get(&self, path: &str) -> Option<(u16, Value)> {
        self.request(&[], path)
    }

    fn request(&self, more: &[&str], path: &str) -> Option<(u16, Value)> {
        let path = path.strip_prefix(&self.url).unwrap_or(path);
        let output = Command::new("curl")
            .args(["--silent", "--max-time", "5", "--write-out", "\n%{http_code}"])
            .args(["--header", &format!("Authorization: Bearer {}", self.token)])
            .args(more)
            .arg(format!("{}{path}", self.url))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n')?;
        let status = status.parse().ok().filter(|status| *status != 0)?;
        Some((status, serde_json::from_str(body).unwrap_or_default()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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

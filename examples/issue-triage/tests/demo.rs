//! The acceptance check: the demo is killed at several points, started again, approved, and completes, with
//! nothing lost or doubled.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long any line may take to come.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the demo lives, over its restarts.
struct Place {
    data: tempfile::TempDir,
    listen: SocketAddr,
    provider: SocketAddr,
}

impl Place {
    fn new() -> Self {
        // Both are held until both are known, so that they differ.
        let ports = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port is free"));
        let [listen, provider] = ports.each_ref().map(|port| port.local_addr().expect("it is bound"));
        Self { data: tempfile::tempdir().expect("there is room"), listen, provider }
    }

    fn start(&self) -> Demo {
        Demo::start(self.data.path(), self.listen, self.provider)
    }
}

/// One process of the demo. It is killed when it is dropped.
struct Demo {
    process: Child,
    lines: Receiver<String>,
}

impl Demo {
    fn start(data: &Path, listen: SocketAddr, provider: SocketAddr) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_issue-triage"))
            .env("STEPWELL_DEMO_DATA", data)
            .env("STEPWELL_DEMO_LISTEN", listen.to_string())
            .env("STEPWELL_DEMO_PROVIDER", provider.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demo starts");
        let output = BufReader::new(process.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, lines }
    }

    /// The next line that contains `text`.
    fn says(&self, text: &str) -> String {
        let mut seen = Vec::new();
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("the demo never said `{text}`, but:\n{}", seen.join("\n"));
            };
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
    }

    /// The address that the demo says to POST the approval to.
    fn approval_url(&self) -> String {
        let command = self.says("curl ");
        command.rsplit('\'').nth(1).expect("the address is quoted").to_owned()
    }

    /// SIGKILL: nothing in the process gets a say.
    fn kill(mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it has ended");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().expect("it can be built")
}

/// Kills the demo once it has said `last_words`, starts it again, approves, and looks at what was done.
async fn check_killed_after(last_words: &str) {
    let place = Place::new();
    let first = place.start();
    first.says(last_words);
    first.kill();

    let second = place.start();
    second.says("from before the restart");
    let url = second.approval_url();
    let answer = client().post(&url).body(r#"{"approved": true, "by": "you"}"#).send().await;
    assert_eq!(answer.expect("the engine answers").status(), 202);
    let end = second.says("completed");
    assert!(end.contains("suggest → ask_maintainer → apply_label"), "{end}");

    let ledger = client().get(format!("http://{}/ledger", place.provider)).send().await;
    let ledger: Value = ledger.expect("the provider answers").json().await.expect("it is JSON");
    let labels: Vec<_> = ledger["labels"].as_object().expect("they have keys").values().collect();
    assert_eq!(labels.len(), 1, "{ledger}");
    assert_eq!(labels[0]["labels"], serde_json::json!(["documentation"]));
    assert_eq!(ledger["questions"].as_array().map(Vec::len), Some(1), "{ledger}");
    assert_eq!(ledger["hooks"].as_array().map(Vec::len), Some(1), "{ledger}");

    let late = client().post(&url).body(r#"{"approved": false, "by": "you"}"#).send().await;
    assert_eq!(late.expect("the engine answers").status(), 410);
}

#[tokio::test]
async fn o1_a_run_that_waits_when_the_process_is_killed_completes_after_the_approval() {
    check_killed_after("curl ").await;
}

#[tokio::test]
async fn o1_a_run_that_has_just_started_when_the_process_is_killed_completes_as_well() {
    check_killed_after("has started").await;
}

#[test]
fn a_port_that_is_taken_is_named_with_what_to_do() {
    let place = Place::new();
    let _taken = TcpListener::bind(place.listen).expect("it was free");
    let output = Command::new(env!("CARGO_BIN_EXE_issue-triage"))
        .env("STEPWELL_DEMO_DATA", place.data.path())
        .env("STEPWELL_DEMO_LISTEN", place.listen.to_string())
        .env("STEPWELL_DEMO_PROVIDER", place.provider.to_string())
        .output()
        .expect("the demo starts");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(message.contains(&place.listen.to_string()), "{message}");
    assert!(message.contains("set STEPWELL_DEMO_LISTEN to a free address"), "{message}");
}

//! The engines under load: processes that are killed and started again on their data, or paused.

use std::fs::OpenOptions;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::LEASE;
use super::api::{Api, PUBLIC_URL};
use super::faults::{Fault, Random};
use crate::cargo;
use crate::failure::Failure;
use crate::postgres::Server;

/// Whose binary runs: one with blocks of its own beside the built-in ones.
const PACKAGE: &str = "issue-triage";
/// How long an engine may take to answer after it was started.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many of the last lines of an engine's log are told.
const LAST_WORDS: usize = 20;

/// Builds the binary and says where it lies.
pub(super) fn build(dev: bool) -> Result<PathBuf, Failure> {
    let mut arguments = vec!["build", "--package", PACKAGE];
    if !dev {
        arguments.push("--release");
    }
    cargo::run(&arguments, &[])?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| cargo::root().join("target"), PathBuf::from);
    Ok(target.join(if dev { "debug" } else { "release" }).join(PACKAGE))
}

/// All engines.
pub(super) struct Engines {
    all: Vec<Engine>,
    token: Arc<str>,
    _data: TempDir,
}

/// One engine and its place.
struct Engine {
    number: u16,
    binary: PathBuf,
    database: Option<String>,
    data: PathBuf,
    port: u16,
    process: Child,
    /// When it goes on, if it is paused.
    paused_until: Option<Instant>,
}

impl Engines {
    pub(super) async fn start(
        binary: PathBuf,
        database: Option<String>,
        count: u16,
    ) -> Result<Self, Failure> {
        let data = tempfile::tempdir().map_err(failed("no directory for the data"))?;
        let mut all: Vec<Engine> = Vec::new();
        for number in 1..=count {
            let directory = data.path().join(number.to_string());
            std::fs::create_dir(&directory).map_err(failed("no directory for an engine"))?;
            if let Some(first) = all.first() {
                // The engines of one database have the same keys; with the same token, clients need only one.
                for file in ["keys", "token"] {
                    std::fs::copy(first.data.join(file), directory.join(file))
                        .map_err(failed("the keys cannot be shared"))?;
                }
            }
            all.push(Engine::start(number, binary.clone(), database.clone(), directory).await?);
        }
        let token = std::fs::read_to_string(all[0].data.join("token")).map_err(failed("no token"))?;
        Ok(Self { all, token: token.trim().into(), _data: data })
    }

    pub(super) fn api(&self) -> Api {
        Api::new(self.all.iter().map(Engine::url).collect(), Arc::clone(&self.token))
    }

    /// Brings a fault about, for an engine that is drawn.
    pub(super) async fn suffer(
        &mut self,
        fault: Fault,
        server: Option<&Server>,
        random: &mut Random,
    ) -> Result<(), Failure> {
        let index = random.index(self.all.len());
        match (fault, server) {
            (Fault::Kill, _) => self.all[index].kill_and_start().await,
            (Fault::Pause, _) => self.all[index].pause(),
            (Fault::RestartDatabase { clean }, Some(server)) => server.restart(clean),
            (Fault::RestartDatabase { .. }, None) => Ok(()),
        }
    }

    /// Lets those go on whose pause is over; none may have ended by itself.
    pub(super) fn look_after(&mut self) -> Result<(), Failure> {
        for engine in &mut self.all {
            engine.check_alive()?;
            if engine.paused_until.is_some_and(|until| until <= Instant::now()) {
                engine.resume()?;
            }
        }
        Ok(())
    }

    pub(super) fn resume_all(&mut self) -> Result<(), Failure> {
        self.all.iter_mut().try_for_each(Engine::resume)
    }

    /// The last lines of each engine's log.
    pub(super) fn last_words(&self) -> String {
        let words = self.all.iter().map(|engine| {
            let log = std::fs::read_to_string(engine.log()).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n");
            format!("last lines of engine {}:\n{last}", engine.number)
        });
        words.collect::<Vec<_>>().join("\n")
    }
}

impl Engine {
    async fn start(
        number: u16,
        binary: PathBuf,
        database: Option<String>,
        data: PathBuf,
    ) -> Result<Self, Failure> {
        // The port stays the engine's over all its lives, so that clients find it.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.map_err(failed("no free port"))?.port();
        let process = spawn(&binary, database.as_deref(), &data, port)?;
        let mut engine = Self { number, binary, database, data, port, process, paused_until: None };
        engine.wait().await?;
        Ok(engine)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn log(&self) -> PathBuf {
        log(&self.data)
    }

    /// SIGKILL, and another process on the same data.
    async fn kill_and_start(&mut self) -> Result<(), Failure> {
        self.process
            .kill()
            .and_then(|()| self.process.wait())
            .map_err(failed("an engine cannot be killed"))?;
        self.paused_until = None;
        self.process = spawn(&self.binary, self.database.as_deref(), &self.data, self.port)?;
        self.wait().await
    }

    fn pause(&mut self) -> Result<(), Failure> {
        self.paused_until = Some(Instant::now() + LEASE + LEASE / 2);
        self.signal("-STOP")
    }

    fn resume(&mut self) -> Result<(), Failure> {
        if self.paused_until.take().is_some() { self.signal("-CONT") } else { Ok(()) }
    }

    fn signal(&self, name: &str) -> Result<(), Failure> {
        let status = Command::new("kill").args([name, &self.process.id().to_string()]).status();
        status.map_err(failed("no signal can be sent")).map(|_| ())
    }

    fn check_alive(&mut self) -> Result<(), Failure> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            ended => Err(Failure::new(format!("engine {} has ended by itself: {ended:?}", self.number))),
        }
    }

    async fn wait(&mut self) -> Result<(), Failure> {
        let url = format!("{}/healthz", self.url());
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Ok(response) = reqwest::get(&url).await
                && response.status().is_success()
            {
                return Ok(());
            }
            self.check_alive()?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Failure::new(format!("engine {} does not answer within {} s", self.number, PATIENCE.as_secs())))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(binary: &Path, database: Option<&str>, data: &Path, port: u16) -> Result<Child, Failure> {
    let log = OpenOptions::new().create(true).append(true).open(log(data)).map_err(failed("no log"))?;
    Command::new(binary)
        .args(["serve", "--allow-private-addresses", "--public-url", PUBLIC_URL])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--lease", &LEASE.as_secs().to_string(), "--data"])
        .arg(data)
        .args(database.into_iter().flat_map(|database| ["--database", database]))
        .env("RUST_LOG", "warn")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(failed("an engine cannot be started"))
}

fn log(data: &Path) -> PathBuf {
    data.join("log")
}

fn failed(what: &str) -> impl Fn(std::io::Error) -> Failure {
    move |error| Failure::new(format!("{what}: {error}"))
}

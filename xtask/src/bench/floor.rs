//! The floors, measured in the same rounds as the engine.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, StatusCode};

use super::client::Client;
use super::load::{Load, Until, drive};
use super::place::Place;
use super::{BODY, Outcome, failed, process};
use crate::failure::Failure;

/// How many writes the latency of the disk is told from.
const WRITES: usize = 200;

/// The floor server, as a process of its own.
pub(super) struct Floor {
    child: Child,
    url: String,
    place: Place,
}

/// What one round of the floors has taken.
pub(super) struct FloorRound {
    /// The median of an `fdatasync` behind 4 KiB, in milliseconds.
    pub(super) fdatasync: f64,
    pub(super) answer_one: Load,
    pub(super) answer_many: Load,
    pub(super) commit_one: Load,
    pub(super) commit_many: Load,
    /// The server's CPU-seconds for one request of `commit_many`.
    pub(super) commit_cpu: f64,
}

impl Floor {
    pub(super) fn start(place: Place) -> Outcome<Self> {
        let this = std::env::current_exe().map_err(failed("this program"))?;
        let mut child = Command::new(this)
            .args(["bench", "floor", "--directory"])
            .arg(place.data())
            .args(place.url().into_iter().flat_map(|url| ["--database".to_owned(), url]))
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed("the floor server"))?;
        let mut url = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut url).map_err(failed("the floor server"))?;
        if url.is_empty() {
            return Err(Failure::new("the floor server does not listen"));
        }
        Ok(Self { child, url: url.trim().to_owned(), place })
    }

    /// One round, each of whose parts goes on for `time`.
    pub(super) async fn round(&self, time: Duration) -> Outcome<FloorRound> {
        let fdatasync = self.fdatasync()?;
        let answer_one = self.ask(1, "/answer", time).await?;
        let answer_many = self.ask(64, "/answer", time).await?;
        let commit_one = self.ask(1, "/commit", time).await?;
        let before = process::cpu(self.child.id())?;
        let commit_many = self.ask(64, "/commit", time).await?;
        let commit_cpu = (process::cpu(self.child.id())? - before) / commit_many.turns();
        Ok(FloorRound { fdatasync, answer_one, answer_many, commit_one, commit_many, commit_cpu })
    }

    async fn ask(&self, clients: usize, path: &str, time: Duration) -> Outcome<Load> {
        let mut clients = Client::several(clients, &self.url, None).await?;
        drive(&mut clients, Until::Time(time), async |client: &mut Client| {
            match client.send(Method::POST, path, Bytes::from_static(BODY)).await? {
                (StatusCode::OK, _) => Ok(()),
                (status, _) => Err(Failure::new(format!("the floor server answers {status}"))),
            }
        })
        .await
    }

    fn fdatasync(&self) -> Outcome<f64> {
        let mut file = File::create(self.place.data().join("fdatasync")).map_err(failed("a file"))?;
        let mut times = Vec::with_capacity(WRITES);
        for _ in 0..WRITES {
            file.write_all(&[7; 4096]).map_err(failed("a file"))?;
            let begun = Instant::now();
            file.sync_data().map_err(failed("fdatasync"))?;
            times.push(begun.elapsed());
        }
        times.sort();
        Ok(times[WRITES / 2].as_secs_f64() * 1000.0)
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The workloads, one file each.

pub(super) mod defer;
mod history;
mod ingest;
mod many;
mod run3;
mod scale;
mod start;
mod wide;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;

use super::client::Client;
use super::stage::Stage;
use super::{BODY, Outcome, failed};
use crate::cargo;
use crate::failure::Failure;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Workload {
    /// Runs of three steps, from the event to the end
    Run3,
    /// Runs that wait for a callback, few and many
    Defer,
    /// Requests that start no run
    Ingest,
    /// A run of 1,000 steps
    Wide,
    /// 1,000 workflows and a long history
    Many,
    /// A history that grows and that retention cuts: the first runs and the last
    History,
    /// Runs of three steps on 1, 2 and 4 engines with one database; nothing on SQLite, which is for one
    Scale,
    /// A start on an empty database, and the size of the binary
    Start,
}

impl Workload {
    /// Those that were asked for, or all.
    pub(super) fn chosen(asked: &[Self]) -> Vec<Self> {
        let all = [
            Self::Start,
            Self::Run3,
            Self::Defer,
            Self::Ingest,
            Self::Wide,
            Self::Many,
            Self::History,
            Self::Scale,
        ];
        all.into_iter().filter(|workload| asked.is_empty() || asked.contains(workload)).collect()
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Run3 => "run3",
            Self::Defer => "defer",
            Self::Ingest => "ingest",
            Self::Wide => "wide",
            Self::Many => "many",
            Self::History => "history",
            Self::Scale => "scale",
            Self::Start => "start",
        }
    }

    pub(super) async fn measure(self, stage: &mut Stage<'_>) -> Outcome<()> {
        match self {
            Self::Run3 => run3::measure(stage).await,
            Self::Defer => defer::measure(stage).await,
            Self::Ingest => ingest::measure(stage).await,
            Self::Wide => wide::measure(stage).await,
            Self::Many => many::measure(stage).await,
            Self::History => history::measure(stage).await,
            Self::Scale => scale::measure(stage).await,
            Self::Start => start::measure(stage).await,
        }
    }
}

/// A workflow of `examples/bench-blocks`.
pub(super) fn workflow(name: &str) -> Outcome<Value> {
    let path = cargo::root().join(format!("examples/bench-blocks/workflows/{name}.yaml"));
    let text = std::fs::read_to_string(&path).map_err(failed(&path.display().to_string()))?;
    serde_yaml_ng::from_str(&text).map_err(failed(name))
}

/// Sends an event and gives the id of its run.
pub(super) async fn event(client: &mut Client, trigger: &str) -> Outcome<String> {
    let (status, answer) = client.send(Method::POST, trigger, Bytes::from_static(BODY)).await?;
    let answer: Value = serde_json::from_slice(&answer).map_err(failed("the answer to an event"))?;
    match (status, answer["run_id"].as_str()) {
        (StatusCode::ACCEPTED, Some(run)) => Ok(run.to_owned()),
        _ => Err(Failure::new(format!("an event was answered with {status}: {answer}"))),
    }
}

//! Requests that start no run: events that the trigger answers with no-op, and addresses that nobody has given out.

use bytes::Bytes;
use http::{Method, StatusCode};

use super::workflow;
use crate::bench::Outcome;
use crate::bench::client::Client;
use crate::bench::engine::Engine;
use crate::bench::load::{Until, drive};
use crate::bench::stage::Stage;
use crate::failure::Failure;

/// How many clients there are at once.
const CLIENTS: [usize; 2] = [1, 64];
/// An event that is none for the trigger.
const IGNORED: &[u8] = br#"{"ignore":true}"#;

pub(super) async fn measure(stage: &mut Stage<'_>) -> Outcome<()> {
    let place = stage.place().await?;
    let engine = Engine::start(&stage.engine, &place).await?;
    let trigger = engine.enable("run3", &workflow("run3")?).await?;
    // As long as a token, and signed by nobody.
    let unknown = format!("{}/callbacks/trigger/{}", engine.url, "A".repeat(token_length(&trigger)));
    for round in 1..=stage.plan.rounds {
        eprintln!(" round {round} of {}", stage.plan.rounds);
        for (name, target, expected) in
            [("no_op", &trigger, StatusCode::OK), ("unknown", &unknown, StatusCode::NOT_FOUND)]
        {
            for clients in CLIENTS {
                let before = stage.cpu(&engine)?;
                let turn = async |client: &mut Client| match client
                    .send(Method::POST, target, Bytes::from_static(IGNORED))
                    .await?
                {
                    (status, _) if status == expected => Ok(()),
                    (status, _) => Err(Failure::new(format!("{name} was answered with {status}"))),
                };
                let load =
                    drive(&mut engine.clients(clients).await?, Until::Time(stage.plan.time), turn).await?;
                stage.note(&format!("ingest.{name}.{clients}.rate"), "requests/s", load.rate());
                stage.note(&format!("ingest.{name}.{clients}.p50"), "ms", load.quantile(0.5));
                stage.note(&format!("ingest.{name}.{clients}.p99"), "ms", load.quantile(0.99));
                stage.note_cpu(&format!("ingest.{name}.{clients}"), &before, &engine, load.turns())?;
            }
        }
    }
    let runs = engine.client().await?.get("/api/v1/runs?limit=1").await?;
    if runs["runs"].as_array().is_none_or(|runs| !runs.is_empty()) {
        return Err(Failure::new(format!("requests that start no run have started one: {runs}")));
    }
    engine.stop().await
}

fn token_length(url: &str) -> usize {
    url.rsplit('/').next().map_or(0, str::len)
}

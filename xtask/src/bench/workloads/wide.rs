//! A run of 1,000 steps, one after the other: what a step costs must not grow with the run's length.
//!
//! A run that fans out over 1,000 items and joins them is measured here as well, once a graph can say that.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::event;
use crate::bench::engine::Engine;
use crate::bench::stage::Stage;
use crate::bench::{Outcome, failed};
use crate::failure::Failure;

/// How many steps the run has: as many as a workflow may have.
const STEPS: usize = 1_000;
/// Over how many steps the first and the last are averaged.
const PART: usize = 100;

pub(super) async fn measure(stage: &mut Stage<'_>) -> Outcome<()> {
    let place = stage.place().await?;
    let engine = Engine::start(&stage.engine, &place).await?;
    let trigger = engine.enable("wide", &sequence()).await?;
    let events = engine.events().await?;
    let mut client = engine.client().await?;
    for round in 1..=stage.plan.rounds {
        eprintln!(" round {round} of {}", stage.plan.rounds);
        let run = event(&mut client, &trigger).await?;
        events.until(&run, "completed").await?;
        let view = client.get(&format!("/api/v1/runs/{run}")).await?;
        let executions = view["executions"].as_array().map(Vec::as_slice).unwrap_or_default();
        if executions.len() != STEPS {
            return Err(Failure::new(format!("the run has {} executions", executions.len())));
        }
        let first = milliseconds(&executions[0], &executions[PART])?;
        let last = milliseconds(&executions[STEPS - PART - 1], &executions[STEPS - 1])?;
        #[expect(clippy::cast_precision_loss, reason = "it is a hundred")]
        let part = PART as f64;
        stage.note("wide.first", "ms for each step", first / part);
        stage.note("wide.last", "ms for each step", last / part);
        stage.note("wide.last_of_first", "×", last / first);
    }
    engine.stop().await
}

/// The milliseconds from the start of one execution to the start of another.
fn milliseconds(from: &Value, to: &Value) -> Outcome<f64> {
    let started = |execution: &Value| -> Outcome<Timestamp> {
        let text = execution["attempts"][0]["started_at"].as_str().unwrap_or_default();
        text.parse().map_err(failed("started_at"))
    };
    Ok(started(to)?.duration_since(started(from)?).as_secs_f64() * 1000.0)
}

/// Steps that each pass on what the one before has passed on.
fn sequence() -> Value {
    let steps: Map<String, Value> = (0..STEPS)
        .map(|number| {
            let before = match number {
                0 => "trigger.body.n".to_owned(),
                _ => format!("s{}.value", number - 1),
            };
            let next = if number + 1 == STEPS { "end".to_owned() } else { format!("s{}", number + 1) };
            let step = json!({
                "block": "bench-blocks/pass",
                "config": { "value": format!("{{{{ {before} }}}}") },
                "on": { "passed": next },
            });
            (format!("s{number}"), step)
        })
        .collect();
    json!({
        "title": "A long sequence",
        "trigger": { "block": "bench-blocks/hook", "on": { "received": "s0" } },
        "steps": steps,
    })
}

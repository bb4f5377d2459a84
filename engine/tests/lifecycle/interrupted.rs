//! Attempts that a crash has interrupted, and another crash while that is recorded.

use serde_json::{Value, json};
use stepwell::prelude::*;
use stepwell_engine::model::RunStatus;
use stepwell_engine::testing::Setup;

use crate::kit::{Noted, effect, effects};

/// Hangs, and must not be called again
#[step(outcomes(done), if_interrupted = fail)]
async fn fragile(_config: Noted, _cx: ExecuteContext) -> Result<FragileOutcome, StepError> {
    std::future::pending::<()>().await;
    Ok(FragileOutcome::Done)
}

/// Hangs at the first attempt
#[step(outcomes(done))]
async fn sturdy(config: Noted, cx: ExecuteContext) -> Result<SturdyOutcome, StepError> {
    effect(&config.name, cx.unique_execution_id());
    if cx.attempt() == 1 {
        std::future::pending::<()>().await;
    }
    Ok(SturdyOutcome::Done)
}

#[tokio::test]
async fn o1_s7_a_crash_while_interrupted_attempts_are_recorded_leaves_none_behind() {
    let setup = Setup::new();
    let step = |block: &str, name: &str| json!({ "block": format!("stepwell-engine/{block}"), "config": { "name": name }, "on": { "done": "end" } });
    let moments = setup
        .at_every_crash(async |engine| {
            let name = format!("s7-{:?}", std::time::Instant::now());
            let definition = json!({
                "title": "Two at once",
                "trigger": { "block": "core/manual", "on": { "started": ["fragile", "sturdy"] } },
                "steps": { "fragile": step("fragile", &name), "sturdy": step("sturdy", &name) },
            });
            engine.enable("two", &definition).await.unwrap();
            let run = engine.start_workflow("two", Value::Null).await;
            let begun = async {
                // A process that has died is started again by who asks it.
                while !run.status().await.is_final() && effects(&name) == 0 {}
            };
            tokio::time::timeout(crate::engine::PATIENCE, begun).await.expect("the run goes on");
            engine.crash().await;
            engine.settle().await;
            assert_eq!(run.status().await, RunStatus::Failed, "{:#?}", run.history().await);
        })
        .await;
    assert!(moments > 8, "{moments} moments");
}

#[tokio::test]
async fn o1_o2_a_run_that_is_cancelled_before_it_is_taken_over_ends() {
    let engine = Setup::new().start().await;
    let name = "o1-cancelled-first";
    let definition = json!({
        "title": "One",
        "trigger": { "block": "core/manual", "on": { "started": "sturdy" } },
        "steps": {
            "sturdy": {
                "block": "stepwell-engine/sturdy", "config": { "name": name }, "on": { "done": "end" },
            },
        },
    });
    engine.enable("one", &definition).await.unwrap();
    for round in 1..=5 {
        let run = engine.start_workflow("one", Value::Null).await;
        let begun = async {
            while effects(name) < round {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::engine::PATIENCE, begun).await.expect("the run goes on");
        // The cancellation comes while the next process looks for what the one before has left.
        let ((), cancelled) = tokio::join!(biased; engine.crash(), run.cancel());
        // The next process may have gone on to the end before the cancellation reached it.
        let expected = if cancelled.is_ok() { RunStatus::Cancelled } else { RunStatus::Completed };
        assert_eq!(run.status().await, expected, "{cancelled:?}: {:#?}", run.history().await);
    }
}

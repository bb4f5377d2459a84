//! What waits for a time while the machine's clock is set forward or back: wakes, deadlines and renewals.

use std::time::Duration;

use serde_json::json;
use stepwell::prelude::*;
use stepwell_engine::model::{ExecutionStatus, RunStatus};

use crate::database::engine;
use crate::kit::{Noted, effect, effects};

const HOUR: Duration = Duration::from_hours(1);

fn noted(name: &str) -> Noted {
    Noted { name: name.to_owned() }
}

/// Wait to be woken each hour
#[step(outcomes(rested), wake = stir)]
async fn nap(_: Noted, _: ExecuteContext) -> Result<Execution<NapOutcome, ()>, StepError> {
    Ok(Execution::defer(()).wake_in(HOUR))
}

async fn stir(config: Noted, cx: WakeContext<()>) -> Result<Wake<NapOutcome>, StepError> {
    effect(&config.name, &cx.attempt().to_string());
    Ok(if effects(&config.name) < 3 { Wake::again_in(HOUR) } else { NapOutcome::Rested.into() })
}

#[tokio::test]
async fn d11_a_wake_comes_once_though_the_clock_is_set_forward_and_back() {
    let engine = engine().await;
    let run = engine.run(nap, noted("d11-clock")).await;
    let began = engine.now();
    engine.set_clock(began.checked_add(HOUR * 3).unwrap()).await;
    assert_eq!(effects("d11-clock"), 1, "it was woken once, and is to be woken in an hour");
    engine.set_clock(began).await;
    engine.crash().await;
    assert_eq!(effects("d11-clock"), 1);
    engine.advance(HOUR * 4).await;
    assert_eq!((effects("d11-clock"), run.status().await), (2, RunStatus::Waiting));
    engine.advance(HOUR).await;
    run.has_outcome(NapOutcome::Rested).await;
    assert_eq!(effects("d11-clock"), 3);
}

#[tokio::test]
async fn d7_a_deadline_passes_once_though_the_clock_is_set_forward_and_back() {
    let engine = engine().await;
    let definition = json!({
        "title": "Late",
        "trigger": { "block": "core/manual", "on": { "started": "ask" } },
        "steps": {
            "ask": {
                "block": "core/wait-for-callback",
                "config": {},
                "deadline": "1h",
                "on": { "deadline": "late" },
            },
            "late": { "block": "core/set", "config": { "values": {} } },
        },
    });
    engine.enable("late", &definition).await.unwrap();
    let run = engine.start_workflow("late", json!({})).await;
    engine.settle().await;
    let began = engine.now();
    // It was set back before the deadline, which then comes when the clock has gone all the way.
    engine.set_clock(began.checked_sub(HOUR).unwrap()).await;
    engine.advance(HOUR + HOUR / 2).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    engine.set_clock(began.checked_add(HOUR * 2).unwrap()).await;
    engine.set_clock(began).await;
    engine.crash().await;
    engine.advance(HOUR * 3).await;
    let steps: Vec<(String, ExecutionStatus)> = {
        let executions = run.history().await.executions;
        executions.into_iter().map(|execution| (execution.step, execution.status)).collect()
    };
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert_eq!(steps[1], ("late".to_owned(), ExecutionStatus::Completed));
    assert_eq!(run.status().await, RunStatus::Completed);
}

#[data]
struct Lease {
    number: u32,
}

/// Holds a registration for ten hours
#[trigger(outcomes(told), activate = take, deactivate = give_up, renew = extend)]
async fn leased(_: Request, _: Noted, _: TriggerContext<Lease>) -> Result<LeasedOutcome, TriggerError> {
    Ok(LeasedOutcome::Told)
}

async fn take(_: Noted, _: ActivateContext) -> Result<Activated<Lease>, ActivationError> {
    Ok(Activated::new(Lease { number: 1 }).expires_in(HOUR * 10))
}

async fn extend(config: Noted, cx: RenewContext<Lease>) -> Result<Activated<Lease>, ActivationError> {
    let number = cx.registration().number + 1;
    effect(&config.name, &number.to_string());
    Ok(Activated::new(Lease { number }).expires_in(HOUR * 10))
}

async fn give_up(_: Noted, _: DeactivateContext<Lease>) -> Result<(), ActivationError> {
    Ok(())
}

#[tokio::test]
async fn t12_a_registration_is_renewed_once_for_each_term_though_the_clock_is_set_forward_and_back() {
    let engine = engine().await;
    engine.trigger(leased, noted("t12-clock")).await.unwrap();
    let began = engine.now();
    // When a fifth of its life is left, and from then on after eight hours each.
    engine.set_clock(began.checked_add(HOUR * 9).unwrap()).await;
    assert_eq!(effects("t12-clock"), 1);
    engine.set_clock(began.checked_add(HOUR).unwrap()).await;
    engine.crash().await;
    engine.advance(HOUR * 15).await;
    assert_eq!(effects("t12-clock"), 1, "its term lasts for ten hours from when it was renewed");
    engine.advance(HOUR).await;
    assert_eq!(effects("t12-clock"), 2);
}

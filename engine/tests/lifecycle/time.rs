//! Clocks that are set forward or back, and a provider that is away for long.

use std::time::Duration;

use stepwell::prelude::*;
use stepwell_engine::model::{ActivationStatus, RunStatus};
use stepwell_engine::testing::TestTrigger;

use crate::database::engine;
use crate::kit::{Noted, effect, effects};

const HOUR: Duration = Duration::from_hours(1);
const HALF_AN_HOUR: Duration = Duration::from_mins(30);

fn noted(name: &str) -> Noted {
    Noted { name: name.to_owned() }
}

#[derive(Debug, Outcomes)]
enum Hour {
    Struck { at: String },
}

/// Every full hour
#[trigger(activate = wind_up, deactivate = stop, tick = strike, missed_ticks = all)]
async fn clock_tower(_: Request, _: Noted, _: TriggerContext) -> Result<Trigger<Hour>, TriggerError> {
    Ok(Trigger::NoOp)
}

async fn wind_up(config: Noted, cx: ActivateContext) -> Result<Activated<()>, ActivationError> {
    effect(&config.name, cx.unique_activation_id());
    Ok(Activated::new(()).tick_in(HOUR))
}

async fn stop(config: Noted, cx: DeactivateContext) -> Result<(), ActivationError> {
    effect(&format!("{}-stopped", config.name), cx.unique_activation_id());
    if config.name.ends_with("-away") && effects(&format!("{}-back", config.name)) == 0 {
        return Err(ActivationError::new("the provider is away"));
    }
    Ok(())
}

async fn strike(_config: Noted, cx: TickContext) -> Result<Tick<Hour>, TriggerError> {
    let next = cx.following().checked_add(HOUR)?;
    Ok(Tick::outcome(Hour::Struck { at: cx.time().to_string() }).next_at(next))
}

async fn struck(trigger: &TestTrigger) -> Vec<String> {
    let outcomes = trigger.outcomes().await;
    let mut times: Vec<String> =
        outcomes.iter().map(|outcome| outcome.data["at"].as_str().unwrap()[11..16].to_owned()).collect();
    times.sort_unstable();
    times
}

#[tokio::test]
async fn t14_a_clock_that_is_set_back_repeats_no_tick_and_leaves_none_out() {
    let engine = engine().await;
    let trigger = engine.trigger(clock_tower, noted("t14-back")).await.unwrap();
    engine.advance(HOUR * 2).await;
    engine.set_clock(engine.now().checked_sub(HOUR + HALF_AN_HOUR).unwrap()).await;
    assert_eq!(struck(&trigger).await, ["01:00", "02:00"]);
    engine.advance(HOUR * 2).await;
    assert_eq!(struck(&trigger).await, ["01:00", "02:00"]);
    engine.advance(HALF_AN_HOUR).await;
    assert_eq!(struck(&trigger).await, ["01:00", "02:00", "03:00"]);
}

#[tokio::test]
async fn t14_a_clock_that_is_set_back_before_a_restart_repeats_no_tick() {
    let engine = engine().await;
    let trigger = engine.trigger(clock_tower, noted("t14-restart")).await.unwrap();
    engine.advance(HOUR * 2).await;
    engine.set_clock(engine.now().checked_sub(HOUR + HALF_AN_HOUR).unwrap()).await;
    engine.crash().await;
    engine.advance(HOUR * 3).await;
    assert_eq!(struck(&trigger).await, ["01:00", "02:00", "03:00"]);
}

#[tokio::test]
async fn t14_what_a_clock_that_is_set_forward_leaps_over_counts_as_missed() {
    let engine = engine().await;
    let trigger = engine.trigger(clock_tower, noted("t14-forward")).await.unwrap();
    engine.set_clock(engine.now().checked_add(HOUR * 3 + HALF_AN_HOUR).unwrap()).await;
    assert_eq!(struck(&trigger).await, ["01:00", "02:00", "03:00"]);
}

/// Fail, wait to be asked again, and be answered
#[step(outcomes(answered), finish = take)]
async fn patient(config: Noted, cx: ExecuteContext) -> Result<Execution<PatientOutcome, ()>, StepError> {
    effect(&config.name, cx.unique_execution_id());
    if cx.attempt() == 1 {
        return Err(StepError::retryable("not yet").retry_after(HOUR));
    }
    Ok(Execution::defer(()))
}

async fn take(_: Request, _: Noted, _: FinishContext<()>) -> Result<Finish<PatientOutcome>, StepError> {
    Ok(PatientOutcome::Answered.into())
}

#[tokio::test]
async fn s4_d5_a_clock_that_is_set_back_makes_a_run_wait_longer_and_loses_nothing() {
    let engine = engine().await;
    let run = engine.run(patient, noted("s4-back")).await;
    engine.set_clock(engine.now().checked_sub(HOUR).unwrap()).await;
    engine.advance(HOUR + HALF_AN_HOUR).await;
    assert_eq!(run.execution().await.attempts.len(), 1);
    engine.advance(HALF_AN_HOUR).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    // A callback that seems to be older than the attempt before it is taken as any other.
    engine.set_clock(engine.now().checked_sub(HOUR * 3).unwrap()).await;
    assert_eq!(run.callback("").await.status(), 202);
    run.has_outcome(PatientOutcome::Answered).await;
    assert_eq!((run.status().await, effects("s4-back")), (RunStatus::Completed, 1));
}

#[tokio::test]
async fn s4_a_clock_that_is_set_forward_ends_a_back_off() {
    let engine = engine().await;
    let run = engine.run(patient, noted("s4-forward")).await;
    engine.set_clock(engine.now().checked_add(HOUR * 24).unwrap()).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    run.callback("").await;
    run.has_outcome(PatientOutcome::Answered).await;
}

#[tokio::test]
async fn t8_a_deactivation_whose_provider_is_away_for_an_hour_and_a_restart_is_not_forgotten() {
    let engine = engine().await;
    let name = "t8-away";
    let trigger = engine.trigger(clock_tower, noted(name)).await.unwrap();
    trigger.disable().await.unwrap();
    engine.advance(Duration::from_secs(1)).await;
    engine.down_for(HALF_AN_HOUR).await;
    engine.advance(HALF_AN_HOUR).await;
    let (status, error) = trigger.status().await;
    assert_eq!(
        (status, error.as_deref()),
        (ActivationStatus::DeactivationFailed, Some("the provider is away"))
    );
    effect(&format!("{name}-back"), "");
    engine.crash().await;
    trigger.disable().await.unwrap();
    assert_eq!(trigger.status().await, (ActivationStatus::Deactivated, None));
    assert_eq!(effects(&format!("{name}-stopped")), 1, "every call had the same id");
    assert_eq!(struck(&trigger).await, Vec::<String>::new(), "a disabled workflow does not tick");
}

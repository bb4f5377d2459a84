//! Clocks that are set forward or back, and a provider that is away for long.

use std::time::Duration;

use http::Method;
use jiff::SignedDuration;
use stepwell::prelude::*;
use stepwell_engine::model::{ActivationStatus, CallbackFate, RunStatus};
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

/// Wait to be answered, and fail at each answer until all is well
#[step(outcomes(answered), finish = take_if_well)]
async fn moody(_: Noted, _: ExecuteContext) -> Result<Execution<MoodyOutcome, ()>, StepError> {
    Ok(Execution::defer(()))
}

async fn take_if_well(
    _: Request,
    config: Noted,
    _: FinishContext<()>,
) -> Result<Finish<MoodyOutcome>, StepError> {
    if effects(&format!("{}-well", config.name)) == 0 {
        return Err(StepError::retryable("not yet").retry_after(HOUR));
    }
    Ok(MoodyOutcome::Answered.into())
}

#[tokio::test]
async fn d2_a_callback_that_comes_during_a_back_off_waits_for_its_end_and_wakes_nothing_before() {
    let engine = engine().await;
    let run = engine.run(patient, noted("d2-back-off")).await;
    // The engine settles: nothing is due.
    assert_eq!(run.callback("").await.status(), 202);
    assert_eq!(run.execution().await.attempts.len(), 1);
    engine.crash().await;
    engine.advance(HOUR).await;
    run.has_outcome(PatientOutcome::Answered).await;
}

#[tokio::test]
async fn d3_callbacks_that_come_during_a_back_off_of_finish_wait_and_are_unused_after_it() {
    let engine = engine().await;
    let run = engine.run(moody, noted("d3-moody")).await;
    for body in ["first", "second", "third"] {
        assert_eq!(run.callback(body).await.status(), 202);
    }
    assert_eq!(run.execution().await.attempts.len(), 2, "`execute`, and `finish` with the first");
    effect("d3-moody-well", "");
    engine.advance(HOUR).await;
    run.has_outcome(MoodyOutcome::Answered).await;
    let fates = run.execution().await.callbacks.into_iter().map(|callback| callback.fate);
    let fates: Vec<CallbackFate> = fates.collect();
    assert!(matches!(fates[0], CallbackFate::Finished) && fates.len() == 3, "{fates:?}");
    assert!(fates[1..].iter().all(|fate| matches!(fate, CallbackFate::Unused { .. })), "{fates:?}");
}

#[tokio::test]
async fn t8_a_deactivation_whose_provider_is_away_for_hours_and_a_restart_is_done_when_it_is_back() {
    let engine = engine().await;
    let name = "t8-away";
    let trigger = engine.trigger(clock_tower, noted(name)).await.unwrap();
    trigger.disable().await.unwrap();
    engine.advance(HOUR).await;
    engine.down_for(HALF_AN_HOUR).await;
    engine.advance(HOUR * 6).await;
    let (status, error) = trigger.status().await;
    assert_eq!(
        (status, error.as_deref()),
        (ActivationStatus::DeactivationFailed, Some("the provider is away"))
    );
    effect(&format!("{name}-back"), "");
    engine.crash().await;
    engine.advance(Duration::from_mins(10)).await;
    assert_eq!(trigger.status().await, (ActivationStatus::Deactivated, None));
    assert_eq!(effects(&format!("{name}-stopped")), 1, "every call had the same id");
    assert_eq!(struck(&trigger).await, Vec::<String>::new(), "a disabled workflow does not tick");
}

#[tokio::test]
async fn t8_a_deactivation_that_waits_for_its_next_try_is_tried_at_once_when_asked_for() {
    let engine = engine().await;
    let trigger = engine.trigger(clock_tower, noted("t8-asked-away")).await.unwrap();
    assert!(trigger.deactivate_again().await.unwrap_err().contains("no trigger waits"));
    trigger.disable().await.unwrap();
    engine.advance(HOUR).await;
    effect("t8-asked-away-back", "");
    engine.settle().await;
    assert_eq!(trigger.status().await.0, ActivationStatus::DeactivationFailed, "it waits");
    trigger.deactivate_again().await.unwrap();
    assert_eq!(trigger.status().await, (ActivationStatus::Deactivated, None));
}

#[tokio::test]
async fn t4_t8_a_version_whose_predecessor_cannot_be_deactivated_for_hours_is_enabled_soon() {
    let engine = engine().await;
    let trigger = engine.trigger(clock_tower, noted("t4-hours-away")).await.unwrap();
    let old = trigger.callback_url().await;
    let began = engine.now();
    let next = noted("t4-hours-next");
    let mut replaced = std::pin::pin!(trigger.replace(&next));
    loop {
        tokio::select! {
            biased;
            replaced = &mut replaced => break replaced.unwrap(),
            () = engine.advance(Duration::from_secs(1)) => {}
        }
    }
    assert!(
        engine.now().duration_since(began) < SignedDuration::from_mins(9),
        "the old one is tried a few times"
    );
    assert_eq!(trigger.status().await.0, ActivationStatus::Active);
    assert_eq!(trigger.request_to(&old, Request::new(Method::POST, "")).await.status(), 410);
    engine.advance(HOUR).await;
    assert_eq!(struck(&trigger).await.len(), 1, "the new version ticks");
    effect("t4-hours-away-back", "");
    trigger.deactivate_again().await.unwrap();
    assert!(trigger.deactivate_again().await.is_err(), "nothing is left to deactivate");
    assert_eq!(trigger.status().await.0, ActivationStatus::Active, "the new version is left alone");
}

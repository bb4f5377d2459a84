//! Retention, on a clock that the test moves.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use stepwell::prelude::*;
use stepwell_engine::driver::Retention;
use stepwell_engine::model::{RunStatus, WorkflowId};
use stepwell_engine::testing::{Setup, TestEngine};

use crate::database::setup;

const DAY: Duration = Duration::from_hours(24);

/// What a step is to do.
#[config]
pub(crate) struct Task {
    /// What
    pub(crate) what: String,
}

/// Does as it is told
#[step(outcomes(done), finish = answered)]
pub(crate) async fn task(config: Task, cx: ExecuteContext) -> Result<Execution<TaskOutcome, ()>, StepError> {
    cx.once("noted", async |_| Ok::<_, StepError>("noted".to_owned())).await?;
    Ok(match config.what.as_str() {
        "wait" => Execution::defer(()),
        "fail" => return Err(StepError::permanent("told to fail")),
        _ => TaskOutcome::Done.into(),
    })
}

async fn answered(_: Request, _: Task, _: FinishContext<()>) -> Result<Finish<TaskOutcome>, StepError> {
    Ok(TaskOutcome::Done.into())
}

/// Something with a name of its own happened
#[trigger(outcomes(named))]
async fn named(
    request: Request,
    _: NoConfig,
    _: TriggerContext,
) -> Result<Trigger<NamedOutcome, Dedupe>, TriggerError> {
    Ok(NamedOutcome::Named.dedupe(request.text()?))
}

pub(crate) fn told(what: &str) -> Task {
    Task { what: what.to_owned() }
}

fn keeps(age: Option<Duration>, number: Option<usize>) -> Setup {
    setup().retention(Retention { age, number })
}

/// A workflow whose only step does this.
fn workflow(what: &str) -> Value {
    json!({
        "title": "Retained",
        "trigger": { "block": "testing/start", "on": { "started": "step" } },
        "steps": { "step": { "block": "stepwell-engine/task", "config": { "what": what }, "on": { "done": "end" } } },
    })
}

#[tokio::test]
async fn o6_a_finished_run_goes_when_its_time_is_over() {
    let engine = keeps(Some(7 * DAY), None).start().await;
    let (done, failed) = (engine.run(task, told("")).await, engine.run(task, told("fail")).await);
    engine.advance(DAY.saturating_mul(7).saturating_sub(Duration::from_secs(1))).await;
    assert_eq!(engine.apply_retention().await.runs, 0);
    let young = engine.run(task, told("")).await;
    let url = done.finish_callback_url().await;
    engine.advance(Duration::from_secs(1)).await;
    engine.apply_retention().await;
    assert!(!done.exists().await && !failed.exists().await);
    assert_eq!(young.status().await, RunStatus::Completed);
    assert_eq!(young.execution().await.attempts.len(), 1, "what is left is complete");
    let late = engine.request(&url, Request::new(Method::POST, "late")).await;
    assert_eq!(late.status(), 410, "d6: the URL of a run that has ended is gone for ever");
}

#[tokio::test]
async fn o6_retention_never_removes_a_run_that_waits() {
    let engine = keeps(Some(DAY), Some(0)).start().await;
    let waiting = engine.run(task, told("wait")).await;
    engine.advance(400 * DAY).await;
    engine.apply_retention().await;
    assert_eq!(waiting.status().await, RunStatus::Waiting);
    assert_eq!(waiting.callback("go on").await.status(), 202);
    waiting.has_outcome(TaskOutcome::Done).await;
    engine.advance(DAY).await;
    engine.apply_retention().await;
    assert!(!waiting.exists().await, "once it has ended it is like any other");
}

#[tokio::test]
async fn o6_the_newest_runs_of_each_workflow_are_kept() {
    let engine = keeps(None, Some(2)).start().await;
    engine.enable("one", &workflow("")).await.unwrap();
    engine.enable("other", &workflow("")).await.unwrap();
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(engine.start_workflow("one", Value::Null).await);
        engine.settle().await;
        engine.advance(Duration::from_secs(1)).await;
    }
    let other = engine.start_workflow("other", Value::Null).await;
    engine.settle().await;
    engine.apply_retention().await;
    let mut left = Vec::new();
    for run in &runs {
        left.push(run.exists().await);
    }
    assert_eq!(left, [false, false, true, true]);
    assert!(other.exists().await);
    assert_eq!(engine.apply_retention().await.runs, 0);
}

#[tokio::test]
async fn o6_nothing_goes_that_is_kept_for_ever() {
    let engine = keeps(None, None).start().await;
    let run = engine.run(task, told("")).await;
    engine.advance(4000 * DAY).await;
    assert_eq!(engine.apply_retention().await.runs, 0);
    assert!(run.exists().await);
}

#[tokio::test]
async fn t7_a_key_is_forgotten_after_the_retention_window() {
    let engine = keeps(Some(2 * DAY), None).start().await;
    let trigger = engine.trigger(named, NoConfig {}).await.unwrap();
    let send = async || assert_eq!(trigger.deliver("same").await.status(), 202);
    send().await;
    engine.advance(DAY).await;
    engine.apply_retention().await;
    send().await;
    assert_eq!(trigger.outcomes().await.len(), 1, "within the window");
    engine.advance(2 * DAY).await;
    engine.apply_retention().await;
    send().await;
    assert_eq!(trigger.outcomes().await.len(), 1, "the first run has gone, and the key starts another");
    assert_eq!(engine.apply_retention().await.keys, 0);
}

#[tokio::test]
async fn o6_a_version_goes_once_no_run_is_on_it() {
    let engine = keeps(Some(DAY), None).start().await;
    engine.enable("flow", &workflow("wait")).await.unwrap();
    let old = engine.start_workflow("flow", Value::Null).await;
    engine.settle().await;
    engine.enable("flow", &workflow("")).await.unwrap();
    let url = engine.trigger_callback_url("flow").await;
    engine.settle().await;
    let versions = async || engine.versions(&WorkflowId("flow".to_owned())).await.len();
    for _ in 0..3 {
        engine.advance(2 * DAY).await;
        engine.apply_retention().await;
        assert_eq!(versions().await, 2, "a run waits on the first");
    }
    old.callback("go on").await;
    engine.advance(2 * DAY).await;
    for _ in 0..3 {
        engine.apply_retention().await;
    }
    assert!(!old.exists().await);
    assert_eq!(versions().await, 1, "the enabled version stays");
    let run = engine.start_workflow("flow", Value::Null).await;
    engine.settle().await;
    assert_eq!(run.status().await, RunStatus::Completed);
    assert_eq!(engine.trigger_callback_url("flow").await, url);
}

#[tokio::test]
async fn o6_a_crash_in_the_middle_leaves_nothing_behind() {
    let setup = keeps(Some(DAY), None);
    let moments = setup
        .at_every_crash(async |engine: TestEngine| {
            let done = engine.run(task, told("")).await;
            let waiting = engine.run(task, told("wait")).await;
            engine.advance(2 * DAY).await;
            engine.apply_retention().await;
            assert!(!done.exists().await);
            assert_eq!(waiting.status().await, RunStatus::Waiting);
            // After a crash it is sent again, and the run may have taken it before.
            let answer = waiting.callback("go on").await.status().as_u16();
            assert!([202, 410].contains(&answer), "{answer}");
            waiting.has_outcome(TaskOutcome::Done).await;
        })
        .await;
    assert!(moments > 20, "{moments}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever happened: what is kept is complete, what waits is untouched, what is over is gone.
    #[test]
    fn o6_what_is_left_is_complete_and_what_waits_is_untouched(
        runs in prop::collection::vec((0..3_usize, 0..72_u64), 1..12),
        number in prop::option::of(0..4_usize),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let engine = keeps(Some(2 * DAY), number).start().await;
            for what in ["", "fail", "wait"] {
                engine.enable(&format!("flow-{what}"), &workflow(what)).await.unwrap();
            }
            let mut started = Vec::new();
            for (what, hours) in runs {
                let what = ["", "fail", "wait"][what];
                let run = engine.start_workflow(&format!("flow-{what}"), Value::Null).await;
                engine.settle().await;
                let history = format!("{:?}", run.history().await);
                started.push((what, engine.now(), run, history));
                engine.advance(Duration::from_hours(hours)).await;
            }
            engine.apply_retention().await;
            let mut newer: BTreeMap<&str, usize> = BTreeMap::new();
            for (what, at, run, history) in started.iter().rev() {
                let newer = newer.entry(what).or_default();
                let young = engine.now().duration_since(*at).unsigned_abs() < 2 * DAY;
                let kept = *what == "wait" || (young && number.is_none_or(|number| *newer < number));
                assert_eq!(run.exists().await, kept, "{what} of {at}");
                if kept {
                    assert_eq!(format!("{:?}", run.history().await), *history);
                }
                *newer += 1;
            }
        });
    }
}

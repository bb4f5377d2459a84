//! Binaries that lack a block, or have another release of it, on one database.

use std::time::Duration;

use schemars::Schema;
use serde_json::{Value, json};
use stepwell::block::{BlockDefinition, Handlers, StepHandlers, registered};
use stepwell::config::schema_of;
use stepwell::prelude::*;
use stepwell_engine::model::{Entry, RunStatus};

use crate::database::engine;

const DAY: Duration = Duration::from_hours(24);

/// Whom to ask.
#[config]
struct Whom {
    /// Name
    name: String,
}

/// What is kept of a question.
#[data]
struct Asked {
    at: String,
}

/// What a later release keeps, which has no use for the old.
#[data]
struct AskedOften {
    times: u32,
}

/// Asks, and takes no answer for one after a day
#[step(outcomes(replied, silence), finish = replied, wake = silent)]
async fn inquire(config: Whom, _: ExecuteContext) -> Result<Execution<InquireOutcome, Asked>, StepError> {
    Ok(Execution::defer(Asked { at: config.name }).wake_in(DAY))
}

async fn replied(_: Request, _: Whom, cx: FinishContext<Asked>) -> Result<Finish<InquireOutcome>, StepError> {
    assert_eq!(cx.state().at, "Ada");
    Ok(InquireOutcome::Replied.into())
}

async fn silent(_: Whom, _: WakeContext<Asked>) -> Result<Wake<InquireOutcome>, StepError> {
    Ok(InquireOutcome::Silence.into())
}

/// Something came
#[trigger(outcomes(came))]
async fn comes(_: Request, _: NoConfig, _: TriggerContext) -> Result<Trigger<ComesOutcome>, TriggerError> {
    Ok(ComesOutcome::Came.into())
}

fn ada() -> Whom {
    Whom { name: "Ada".to_owned() }
}

/// The blocks of this binary without one.
fn without(name: &str) -> Vec<&'static BlockDefinition> {
    registered().into_iter().filter(|block| block.name != name).collect()
}

/// The blocks of this binary, one of them as another release has it.
fn with(changed: BlockDefinition) -> Vec<&'static BlockDefinition> {
    let mut blocks = without(changed.name);
    blocks.push(Box::leak(Box::new(changed)));
    blocks
}

/// `inquire` in a later release.
fn later(config: fn() -> Schema, state: fn() -> Schema) -> BlockDefinition {
    let old = registered().into_iter().find(|block| block.name == "inquire").unwrap();
    let Handlers::Step(handlers) = &old.handlers else { panic!("it is a step") };
    BlockDefinition {
        app: old.app,
        app_version: "9.9.9",
        name: old.name,
        title: "Inquires in another way",
        description: None,
        function: old.function,
        source: old.source,
        config,
        checks: |_| Vec::new(),
        deprecation: None,
        connection: None,
        connection_optional: false,
        time_limit: None,
        outcomes: old.outcomes,
        handlers: Handlers::Step(StepHandlers {
            concurrency: None,
            state: Some(state),
            if_interrupted: handlers.if_interrupted,
            execute: handlers.execute,
            finish: handlers.finish,
            wake: handlers.wake,
            cancel: handlers.cancel,
        }),
    }
}

#[tokio::test]
async fn o8_a_run_whose_block_is_missing_waits_and_goes_on_when_it_is_back() {
    let engine = engine().await;
    let (called, silent) = (engine.run(inquire, ada()).await, engine.run(inquire, ada()).await);
    let before = format!("{:?}", silent.history().await);
    engine.restart_with(without("inquire")).await;
    let unfit = engine.unfit_blocks().await;
    assert_eq!(unfit.len(), 1);
    assert_eq!((unfit[0].block.as_str(), unfit[0].runs), ("stepwell-engine/inquire", 2));
    assert!(unfit[0].problems[0].contains("not in this binary"), "{unfit:?}");
    assert_eq!(called.callback("yes").await.status(), 202, "it is kept");
    engine.advance(3 * DAY).await;
    assert_eq!(called.status().await, RunStatus::Waiting);
    assert_eq!(format!("{:?}", silent.history().await), before, "unharmed");
    let refused = called.cancel().await.unwrap_err();
    assert!(refused.contains("stepwell-engine/inquire"), "{refused}");
    engine.restart_with(registered()).await;
    assert_eq!(engine.unfit_blocks().await, []);
    // The callback came before the wake time.
    called.has_outcome(InquireOutcome::Replied).await;
    silent.has_outcome(InquireOutcome::Silence).await;
}

#[tokio::test]
async fn o8_other_runs_are_not_held_up_by_runs_that_are_left_waiting() {
    let engine = engine().await;
    for _ in 0..300 {
        engine.start_run(inquire, ada()).await;
    }
    engine.settle().await;
    engine.restart_with(without("inquire")).await;
    engine.advance(2 * DAY).await;
    let other = engine.run(super::retention::task, super::retention::told("")).await;
    assert_eq!(other.status().await, RunStatus::Completed);
    assert_eq!(engine.unfit_blocks().await[0].runs, 300);
}

#[tokio::test]
async fn o8_a_run_that_was_under_way_is_taken_up_by_the_next_binary_that_can() {
    let engine = engine().await;
    let held = engine.hold().await;
    let run = engine.start_run(inquire, ada()).await;
    engine.restart_with(without("inquire")).await;
    drop(held);
    engine.restart_with(without("inquire")).await;
    engine.advance(DAY).await;
    assert_eq!(run.status().await, RunStatus::Queued);
    engine.restart_with(registered()).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
}

#[tokio::test]
async fn o8_a_state_that_the_block_no_longer_accepts_waits_for_one_that_does() {
    let engine = engine().await;
    let run = engine.run(inquire, ada()).await;
    engine.restart_with(with(later(schema_of::<Whom>, schema_of::<AskedOften>))).await;
    let unfit = engine.unfit_blocks().await;
    assert!(unfit[0].problems.iter().any(|problem| problem.contains("state.times")), "{unfit:?}");
    assert_eq!(run.callback("yes").await.status(), 202);
    assert_eq!(run.status().await, RunStatus::Waiting);
    engine.restart_with(registered()).await;
    run.has_outcome(InquireOutcome::Replied).await;
}

#[tokio::test]
async fn o8_a_config_that_the_block_no_longer_accepts_is_told() {
    /// Whom to ask, and how.
    #[config]
    struct WhomAndHow {
        /// Name
        name: String,
        /// How
        how: String,
    }
    let engine = engine().await;
    let run = engine.run(inquire, ada()).await;
    engine.restart_with(with(later(schema_of::<WhomAndHow>, schema_of::<Asked>))).await;
    let unfit = engine.unfit_blocks().await;
    assert!(unfit[0].problems.iter().any(|problem| problem.contains("config.how")), "{unfit:?}");
    engine.advance(2 * DAY).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
}

/// Whom to ask, in a later release that takes fewer names.
#[config]
struct WhomOfTwo {
    /// Name
    #[field(options = ["Ada", "Bob"])]
    name: String,
}

fn inquiring(name: &str) -> Value {
    json!({
        "title": "Inquire",
        "trigger": { "block": "testing/start", "on": { "started": "ask" } },
        "steps": { "ask": { "block": "stepwell-engine/inquire", "config": { "name": name } } },
    })
}

#[tokio::test]
async fn o8_a_release_that_accepts_less_goes_on_with_a_config_that_it_still_accepts() {
    let engine = engine().await;
    engine.enable("ada", &inquiring("Ada")).await.unwrap();
    let run = engine.start_workflow("ada", json!({})).await;
    engine.settle().await;
    engine.restart_with(with(later(schema_of::<WhomOfTwo>, schema_of::<Asked>))).await;
    assert_eq!(engine.unfit_blocks().await, []);
    assert_eq!(run.callback("yes").await.status(), 202);
    run.has_outcome(InquireOutcome::Replied).await;
    let next = engine.start_workflow("ada", json!({})).await;
    engine.settle().await;
    assert_eq!(next.status().await, RunStatus::Waiting);
}

#[tokio::test]
async fn o8_a_release_that_accepts_less_leaves_what_does_not_fit_and_what_it_cannot_know() {
    let engine = engine().await;
    let mut runs = Vec::new();
    for (id, name) in [("cleo", "Cleo"), ("ada", "Ada"), ("given", "{{ trigger.name }}")] {
        engine.enable(id, &inquiring(name)).await.unwrap();
        runs.push(engine.start_workflow(id, json!({ "name": "Ada" })).await);
    }
    engine.settle().await;
    engine.restart_with(with(later(schema_of::<WhomOfTwo>, schema_of::<Asked>))).await;
    let unfit = engine.unfit_blocks().await;
    assert_eq!((unfit.len(), unfit[0].runs), (1, 2), "{unfit:?}");
    assert_eq!(unfit[0].workflows, ["cleo", "given"].map(str::to_owned).into());
    let told = |part: &str| unfit[0].problems.iter().any(|problem| problem.contains(part));
    assert!(told("the config of `steps.ask` in version 1 of `cleo` any more: config.name: "), "{unfit:?}");
    assert!(told("`given` any more: config.name") && told("enable it again"), "{unfit:?}");
    engine.advance(2 * DAY).await;
    let mut statuses = Vec::new();
    for run in &runs {
        statuses.push(run.status().await);
    }
    assert_eq!(statuses, [RunStatus::Waiting, RunStatus::Completed, RunStatus::Waiting]);
    // The workflow is mended and enabled again; what is under way waits for the earlier release.
    engine.enable("cleo", &inquiring("Bob")).await.unwrap();
    let mended = engine.start_workflow("cleo", json!({})).await;
    engine.settle().await;
    assert_eq!(mended.status().await, RunStatus::Waiting);
    engine.restart_with(registered()).await;
    runs[0].has_outcome(InquireOutcome::Silence).await;
}

#[tokio::test]
async fn o8_a_release_that_accepts_what_is_stored_goes_on() {
    let engine = engine().await;
    let run = engine.run(inquire, ada()).await;
    engine.restart_with(with(later(schema_of::<Whom>, schema_of::<Asked>))).await;
    assert_eq!(engine.unfit_blocks().await, []);
    assert_eq!(run.callback("yes").await.status(), 202);
    run.has_outcome(InquireOutcome::Replied).await;
}

#[tokio::test]
async fn o8_each_attempt_says_which_release_ran_it() {
    let engine = engine().await;
    let run = engine.run(inquire, ada()).await;
    engine.restart_with(with(later(schema_of::<Whom>, schema_of::<Asked>))).await;
    run.callback("yes").await;
    let releases: Vec<_> =
        run.execution().await.attempts.into_iter().map(|attempt| attempt.release.unwrap()).collect();
    let first = format!("stepwell-engine {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(releases, [first.as_str(), "stepwell-engine 9.9.9"]);
}

#[test]
fn o8_journals_from_before_releases_were_recorded_are_read() {
    let old: Entry = serde_json::from_value(
        json!({ "kind": "attempt_started", "execution": 1, "attempt": 1, "handler": "execute" }),
    )
    .unwrap();
    assert!(matches!(old, Entry::AttemptStarted { release: None, .. }));
}

#[tokio::test]
async fn o8_a_trigger_whose_block_is_missing_asks_to_deliver_again() {
    let engine = engine().await;
    let trigger = engine.trigger(comes, NoConfig {}).await.unwrap();
    engine.restart_with(without("comes")).await;
    for _ in 0..2 {
        let delivery = trigger.request(Request::new(http::Method::POST, "")).await;
        assert_eq!(delivery.status(), 503);
    }
    let url = trigger.callback_url().await;
    let response = engine.request(&url, Request::new(http::Method::POST, "")).await;
    assert!(response.headers().contains_key("retry-after"));
    engine.restart_with(registered()).await;
    trigger.deliver("").await.has_started(ComesOutcome::Came);
}

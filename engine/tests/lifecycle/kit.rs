//! Rules of time and of crashes, on the engine that authors test with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use stepwell::prelude::*;
use stepwell_engine::model::{ActivationStatus, RunStatus};

use crate::database::{engine, setup};

const HOUR: Duration = Duration::from_hours(1);

/// Outside effects by idempotency key: what happened to the outside, however often it was asked for.
static EFFECTS: LazyLock<Mutex<BTreeMap<String, BTreeSet<String>>>> = LazyLock::new(Mutex::default);

pub(crate) fn effect(of: &str, key: &str) {
    EFFECTS.lock().unwrap().entry(of.to_owned()).or_default().insert(key.to_owned());
}

pub(crate) fn effects(of: &str) -> usize {
    EFFECTS.lock().unwrap().get(of).map_or(0, BTreeSet::len)
}

/// Whom to note effects under.
#[config]
pub(crate) struct Noted {
    /// Name
    pub(crate) name: String,
}

#[data]
struct Reminders {
    sent: u32,
}

/// Ask, and remind twice
#[step(outcomes(answered { text: String }, unanswered { reminders: u32 }), finish = answer, wake = remind, cancel = withdraw)]
async fn ask(config: Noted, cx: ExecuteContext) -> Result<Execution<AskOutcome, Reminders>, StepError> {
    cx.once("question", async |key| {
        effect(&config.name, &key);
        Ok::<_, StepError>(())
    })
    .await?;
    Ok(Execution::defer(Reminders { sent: 0 }).waiting_for("an answer").wake_in(HOUR))
}

async fn answer(
    request: Request,
    _config: Noted,
    _cx: FinishContext<Reminders>,
) -> Result<Finish<AskOutcome>, StepError> {
    Ok(match request.text()? {
        "busy" => return Err(StepError::retryable("busy")),
        "" => Finish::NoOp,
        text => AskOutcome::Answered { text: text.to_owned() }.into(),
    })
}

async fn remind(config: Noted, cx: WakeContext<Reminders>) -> Result<Wake<AskOutcome, Reminders>, StepError> {
    let name = format!("{}-reminder", config.name);
    cx.once("reminder", async |key| {
        effect(&name, &key);
        Ok::<_, StepError>(())
    })
    .await?;
    let since = cx.now().duration_since(Timestamp::constant(1_767_225_600, 0)).as_hours();
    let sent = cx.state().sent;
    Ok(if since < 2 {
        Wake::again_in(HOUR).with_state(Reminders { sent: sent + 1 })
    } else {
        AskOutcome::Unanswered { reminders: sent }.into()
    })
}

async fn withdraw(config: Noted, cx: CancelContext<Reminders>) -> Result<(), StepError> {
    effect(&format!("{}-withdrawn", config.name), cx.unique_execution_id());
    Ok(())
}

fn noted(name: &str) -> Noted {
    Noted { name: name.to_owned() }
}

fn answered(text: &str) -> AskOutcome {
    AskOutcome::Answered { text: text.to_owned() }
}

#[tokio::test]
async fn d11_a_deferred_step_is_woken_at_its_time_again_and_again() {
    let engine = engine().await;
    let run = engine.run(ask, noted("d11")).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    engine.advance(Duration::from_mins(59)).await;
    assert_eq!(run.execution().await.attempts.len(), 1);
    engine.advance(Duration::from_mins(1)).await;
    assert_eq!((run.execution().await.attempts.len(), run.status().await), (2, RunStatus::Waiting));
    engine.advance(HOUR).await;
    run.has_outcome(AskOutcome::Unanswered { reminders: 1 }).await;
}

#[tokio::test]
async fn d11_d4_what_wake_goes_on_with_is_what_its_next_call_finds_through_a_crash_at_every_moment() {
    let moments = setup()
        .at_every_crash(async |engine| {
            let run = engine.run(ask, noted("d11-state")).await;
            engine.advance(HOUR).await;
            engine.advance(HOUR).await;
            run.has_outcome(AskOutcome::Unanswered { reminders: 1 }).await;
        })
        .await;
    assert!(moments > 10, "{moments} moments");
}

#[tokio::test]
async fn d11_a_step_that_was_answered_is_not_woken() {
    let engine = engine().await;
    let run = engine.run(ask, noted("d11-answered")).await;
    run.callback("yes").await;
    engine.advance(HOUR * 3).await;
    run.has_outcome(answered("yes")).await;
    assert_eq!((run.execution().await.attempts.len(), effects("d11-answered-reminder")), (2, 0));
}

#[tokio::test]
async fn d11_a_wake_time_that_passed_while_no_engine_ran_is_taken_at_the_start() {
    let engine = engine().await;
    let run = engine.run(ask, noted("d11-down")).await;
    engine.down_for(HOUR * 5).await;
    run.has_outcome(AskOutcome::Unanswered { reminders: 0 }).await;
}

#[tokio::test]
async fn d2_a_callback_that_comes_before_execute_is_called_reaches_finish() {
    let engine = engine().await;
    let held = engine.hold().await;
    let run = engine.start_run(ask, noted("d2")).await;
    assert_eq!(run.post("early").await.status(), 202);
    drop(held);
    engine.settle().await;
    run.has_outcome(answered("early")).await;
}

#[tokio::test]
async fn d5_d6_of_callbacks_that_come_twice_one_resolves_and_later_ones_are_gone() {
    let engine = engine().await;
    let run = engine.run(ask, noted("d6")).await;
    assert_eq!(run.callback("").await.status(), 202);
    let (first, second) = tokio::join!(run.post("one"), run.post("two"));
    assert!([first.status().as_u16(), second.status().as_u16()].contains(&202));
    engine.settle().await;
    assert_eq!(run.status().await, RunStatus::Completed);
    assert_eq!(run.callback("three").await.status(), 410);
    let altered = format!("{}A", run.finish_callback_url().await);
    assert_eq!(engine.request(&altered, Request::new(Method::POST, "x")).await.status(), 404);
}

#[tokio::test]
async fn d5_a_retryable_error_of_finish_keeps_the_callback_until_it_gives_up() {
    let engine = engine().await;
    let run = engine.run(ask, noted("d5")).await;
    run.callback("busy").await;
    engine.advance(HOUR / 2).await;
    assert_eq!(run.status().await, RunStatus::Failed);
    assert_eq!(run.execution().await.attempts.len(), 1 + 5);
    run.retry().await.unwrap();
    run.callback("now").await;
    run.has_outcome(answered("now")).await;
}

#[tokio::test]
async fn o1_d8_d11_a_wait_survives_a_crash_at_every_moment() {
    let setup = setup();
    let moments = setup
        .at_every_crash(async |engine| {
            let name = format!("o1-{:?}", std::time::Instant::now());
            let run = engine.run(ask, noted(&name)).await;
            engine.advance(HOUR).await;
            run.callback("yes").await;
            run.has_outcome(answered("yes")).await;
            assert_eq!((effects(&name), effects(&format!("{name}-reminder"))), (1, 1));

            let cancelled = engine.run(ask, noted(&name)).await;
            cancelled.cancel().await.unwrap();
            assert_eq!(cancelled.status().await, RunStatus::Cancelled);
            assert_eq!(effects(&format!("{name}-withdrawn")), 1);
        })
        .await;
    assert!(moments > 30, "{moments} moments");
}

/// Which hours a schedule is for.
#[config]
struct Hours {
    /// Name
    name: String,
    /// Whether ticks fail at first
    #[field(default = false)]
    failing: bool,
}

#[data]
struct Lease {
    number: u32,
}

#[derive(Debug, Outcomes)]
enum Schedule {
    Due { at: String },
}

/// Every hour; of missed ones the first counts
#[trigger(activate = begin, deactivate = end, renew = extend, tick = tick, missed_ticks = once)]
async fn hourly(_: Request, _: Hours, cx: TriggerContext<Lease>) -> Result<Schedule, TriggerError> {
    Ok(Schedule::Due { at: format!("lease {}", cx.registration().number) })
}

/// Every hour; missed ones count
#[trigger(activate = begin, deactivate = end, renew = extend, tick = tick, missed_ticks = all)]
async fn hourly_all(
    _: Request,
    _: Hours,
    _: TriggerContext<Lease>,
) -> Result<Trigger<Schedule>, TriggerError> {
    Ok(Trigger::NoOp)
}

/// Every hour; missed ones are left out
#[trigger(activate = begin, deactivate = end, renew = extend, tick = tick, missed_ticks = skip)]
async fn hourly_skip(
    _: Request,
    _: Hours,
    _: TriggerContext<Lease>,
) -> Result<Trigger<Schedule>, TriggerError> {
    Ok(Trigger::NoOp)
}

async fn tick(config: Hours, cx: TickContext<Lease>) -> Result<Tick<Schedule>, TriggerError> {
    let key = format!("{}-tick-{}", config.name, cx.time());
    if config.failing && effects(&key) == 0 {
        effect(&key, "failed");
        return Err(TriggerError::failed("told to fail"));
    }
    let next = cx.following().checked_add(HOUR)?;
    Ok(Tick::outcome(Schedule::Due { at: cx.time().to_string() }).next_at(next))
}

async fn begin(config: Hours, cx: ActivateContext) -> Result<Activated<Lease>, ActivationError> {
    effect(&config.name, cx.unique_activation_id());
    Ok(Activated::new(Lease { number: 1 }).expires_in(HOUR * 10).tick_in(HOUR))
}

async fn extend(config: Hours, cx: RenewContext<Lease>) -> Result<Activated<Lease>, ActivationError> {
    let number = cx.registration().number + 1;
    if config.name.ends_with("-down") && cx.now() < Timestamp::constant(1_767_225_600 + 9 * 3600, 0) {
        return Err(ActivationError::new("the provider is down"));
    }
    Ok(Activated::new(Lease { number }).expires_in(HOUR * 10))
}

async fn end(config: Hours, cx: DeactivateContext<Lease>) -> Result<(), ActivationError> {
    effect(&format!("{}-ended", config.name), &cx.registration().number.to_string());
    Ok(())
}

fn hours(name: &str) -> Hours {
    Hours { name: name.to_owned(), failing: false }
}

async fn times(trigger: &stepwell_engine::testing::TestTrigger) -> Vec<String> {
    let outcomes = trigger.outcomes().await;
    outcomes.iter().map(|outcome| outcome.data["at"].as_str().unwrap()[11..16].to_owned()).collect()
}

#[tokio::test]
async fn t14_each_tick_starts_one_run_at_its_time() {
    let engine = engine().await;
    let trigger = engine.trigger(hourly, hours("t14")).await.unwrap();
    engine.advance(HOUR * 3).await;
    assert_eq!(times(&trigger).await, ["01:00", "02:00", "03:00"]);
    trigger.disable().await.unwrap();
    engine.advance(HOUR * 3).await;
    assert_eq!(times(&trigger).await.len(), 3, "a disabled workflow does not tick");
}

#[tokio::test]
async fn t14_what_was_missed_follows_the_declared_policy() {
    let engine = engine().await;
    let once = engine.trigger(hourly, hours("t14-once")).await.unwrap();
    let all = engine.trigger(hourly_all, hours("t14-all")).await.unwrap();
    let skip = engine.trigger(hourly_skip, hours("t14-skip")).await.unwrap();
    engine.down_for(Duration::from_mins(150)).await;
    assert_eq!(times(&once).await, ["01:00"]);
    assert_eq!(times(&all).await, ["01:00", "02:00"]);
    assert_eq!(times(&skip).await, Vec::<String>::new());
    engine.advance(HOUR).await;
    assert_eq!(times(&once).await, ["01:00", "03:30"]);
    assert_eq!(times(&all).await, ["01:00", "02:00", "03:00"]);
    assert_eq!(times(&skip).await, ["03:30"]);
}

#[tokio::test]
async fn t14_a_failing_tick_is_shown_and_taken_again() {
    let engine = engine().await;
    let config = Hours { failing: true, ..hours("t14-failing") };
    let trigger = engine.trigger(hourly, config).await.unwrap();
    engine.advance(HOUR).await;
    let (status, error) = trigger.status().await;
    assert_eq!(status, ActivationStatus::Active);
    assert!(error.unwrap().contains("told to fail"));
    engine.advance(Duration::from_secs(2)).await;
    assert_eq!((times(&trigger).await, trigger.status().await.1), (vec!["01:00".to_owned()], None));
}

#[tokio::test]
async fn t12_a_registration_is_renewed_before_it_expires_and_the_last_one_is_removed() {
    let engine = engine().await;
    let trigger = engine.trigger(hourly, hours("t12")).await.unwrap();
    engine.advance(HOUR * 9).await;
    let delivery = trigger.deliver("").await;
    delivery.has_started(Schedule::Due { at: "lease 2".to_owned() });
    assert_eq!(effects("t12"), 1, "it was activated once");
    trigger.disable().await.unwrap();
    assert_eq!(EFFECTS.lock().unwrap()["t12-ended"], BTreeSet::from(["2".to_owned()]));
}

#[tokio::test]
async fn t12_a_failing_renewal_is_shown_and_tried_again() {
    let engine = engine().await;
    let trigger = engine.trigger(hourly, hours("t12-down")).await.unwrap();
    engine.advance(HOUR * 8 + HOUR / 2).await;
    assert!(trigger.status().await.1.unwrap().contains("the provider is down"));
    engine.advance(HOUR * 2).await;
    trigger.deliver("").await.has_started(Schedule::Due { at: "lease 2".to_owned() });
}

#[tokio::test]
async fn o1_t1_t14_a_schedule_survives_a_crash_at_every_moment() {
    let moments = setup()
        .at_every_crash(async |engine| {
            let name = format!("t14-{:?}", std::time::Instant::now());
            let trigger = engine.trigger(hourly, hours(&name)).await.unwrap();
            engine.advance(HOUR * 9).await;
            let expected: Vec<String> = (1..=9).map(|hour| format!("0{hour}:00")).collect();
            assert_eq!(times(&trigger).await, expected);
            trigger.disable().await.unwrap();
            assert_eq!(effects(&format!("{name}-ended")), 1);
        })
        .await;
    assert!(moments > 30, "{moments} moments");
}

/// Something came in
#[trigger(outcomes(came { key: String }), activate = subscribe, deactivate = unsubscribe, switch = overlap)]
async fn feed(
    request: Request,
    _config: Noted,
    _cx: TriggerContext,
) -> Result<Trigger<FeedOutcome, Dedupe>, TriggerError> {
    let key = request.text()?.to_owned();
    Ok(FeedOutcome::Came { key: key.clone() }.dedupe(key))
}

async fn subscribe(config: Noted, cx: ActivateContext) -> Result<(), ActivationError> {
    if config.name == "broken" {
        return Err(ActivationError::new("the provider refuses"));
    }
    effect(&config.name, cx.unique_activation_id());
    Ok(())
}

async fn unsubscribe(config: Noted, cx: DeactivateContext) -> Result<(), ActivationError> {
    effect(&format!("{}-removed", config.name), cx.unique_activation_id());
    let refuses = match config.name.as_str() {
        "t4-stubborn" => true,
        "t8-stubborn" => effects("t8-mended") == 0,
        _ => false,
    };
    if refuses { Err(ActivationError::new("not now")) } else { Ok(()) }
}

#[tokio::test]
async fn t4_overlap_lets_nothing_fall_between_and_counts_nothing_twice() {
    let engine = engine().await;
    let trigger = engine.trigger(feed, noted("t4-stubborn")).await.unwrap();
    let old = trigger.callback_url().await;
    trigger.replace(&noted("t4-new")).await.unwrap();
    let post = |body: &'static str| Request::new(Method::POST, body);
    trigger.request_to(&old, post("a")).await.has_started(FeedOutcome::Came { key: "a".into() });
    let twice = trigger.deliver("a").await;
    assert_eq!((twice.status().as_u16(), twice.started.len()), (202, 0));
    engine.advance(Duration::from_mins(10)).await;
    assert_eq!(trigger.request_to(&old, post("b")).await.status(), 410);
    trigger.deliver("b").await.has_started(FeedOutcome::Came { key: "b".into() });
}

#[tokio::test]
async fn t7_an_event_that_comes_again_is_answered_as_it_was_at_first() {
    let engine = engine().await;
    let trigger = engine.trigger(feed, noted("t7")).await.unwrap();
    let first = trigger.deliver("a").await;
    first.has_started(FeedOutcome::Came { key: "a".into() });
    let again = trigger.deliver("a").await;
    assert_eq!(again.started, []);
    assert_eq!(again.status(), first.status());
    assert_eq!(again.response.headers(), first.response.headers());
    assert_eq!(again.response.bytes(), first.response.bytes());
    trigger.deliver("b").await.has_started(FeedOutcome::Came { key: "b".into() });
}

/// How often `count` was called.
static CALLS: AtomicU32 = AtomicU32::new(0);

/// Count what came in
#[trigger(outcomes(counted { key: String }))]
async fn count(
    request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<Trigger<CountOutcome, Dedupe>, TriggerError> {
    let key = request.text()?.to_owned();
    let call = CALLS.fetch_add(1, Ordering::SeqCst);
    let answer = Response::new(StatusCode::CREATED)
        .header(HeaderName::from_static("x-call"), HeaderValue::from_bytes(&[b'#', 0xe9]).unwrap())
        .body(match key.as_str() {
            "too much" => vec![0; 1 << 20],
            _ => [&[0xff, 0], call.to_string().as_bytes()].concat(),
        });
    let says_nothing = key == "silent" && effects("t7-silent") == 0;
    effect(&format!("t7-{key}"), "");
    let event = CountOutcome::Counted { key: key.clone() }.dedupe(key);
    Ok(if says_nothing { event } else { event.with_response(answer) })
}

#[tokio::test]
async fn t7_an_event_that_comes_again_gets_the_first_answer_of_the_handler_also_after_a_kill() {
    let engine = engine().await;
    let trigger = engine.trigger(count, NoConfig {}).await.unwrap();
    let first = trigger.deliver("a").await;
    first.has_started(CountOutcome::Counted { key: "a".into() });
    assert_eq!(
        (first.status(), first.response.headers()["x-call"].as_bytes()),
        (StatusCode::CREATED, &b"#\xe9"[..])
    );
    let again = trigger.deliver("a").await;
    assert_eq!((again.response, again.started), (first.response.clone(), vec![]));
    engine.crash().await;
    let again = trigger.deliver("a").await;
    assert_eq!((again.response, again.started), (first.response.clone(), vec![]));
    let other = trigger.deliver("b").await;
    assert_ne!(other.response, first.response);
}

#[tokio::test]
async fn t7_where_the_handler_left_the_first_answer_to_the_engine_so_are_the_others() {
    let engine = engine().await;
    let trigger = engine.trigger(count, NoConfig {}).await.unwrap();
    let first = trigger.deliver("silent").await;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let again = trigger.deliver("silent").await;
    assert_eq!((again.response, again.started), (first.response, vec![]));
}

#[tokio::test]
async fn t7_o1_key_run_and_answer_are_one_at_every_crash() {
    let moments = setup()
        .at_every_crash(async |engine| {
            let trigger = engine.trigger(count, NoConfig {}).await.unwrap();
            let first = trigger.deliver("crash").await;
            let again = trigger.deliver("crash").await;
            assert_eq!(again.response, first.response);
            assert_eq!(trigger.outcomes().await.len(), 1);
        })
        .await;
    assert!(moments > 5, "{moments} moments");
}

#[tokio::test]
async fn t7_o9_an_answer_that_is_larger_than_a_value_starts_no_run() {
    let engine = engine().await;
    let trigger = engine.trigger(count, NoConfig {}).await.unwrap();
    let refused = trigger.deliver("too much").await;
    assert_eq!((refused.status(), refused.started), (StatusCode::UNPROCESSABLE_ENTITY, vec![]));
    let message = String::from_utf8(refused.response.bytes().to_vec()).unwrap();
    assert!(message.contains("the trigger's response has 1048584 bytes"), "{message}");
}

#[tokio::test]
async fn t8_a_deactivation_that_failed_is_shown_and_tried_again_by_hand() {
    let engine = engine().await;
    let trigger = engine.trigger(feed, noted("t8-stubborn")).await.unwrap();
    trigger.disable().await.unwrap();
    assert_eq!(trigger.status().await.0, ActivationStatus::Deactivating);
    engine.advance(HOUR).await;
    assert_eq!(trigger.status().await.0, ActivationStatus::DeactivationFailed);
    engine.advance(HOUR * 49).await;
    let (status, error) = trigger.status().await;
    assert_eq!((status, error.as_deref()), (ActivationStatus::DeactivationFailed, Some("not now")));
    effect("t8-mended", "");
    engine.advance(HOUR).await;
    assert_eq!(trigger.status().await.0, ActivationStatus::DeactivationFailed, "the tries are used up");
    trigger.disable().await.unwrap();
    assert_eq!(trigger.status().await, (ActivationStatus::Deactivated, None));
    assert_eq!(effects("t8-stubborn-removed"), 1, "every call had the same id");
}

#[tokio::test]
async fn d1_following_the_url_as_a_link_changes_nothing() {
    let engine = engine().await;
    let run = engine.run(ask, noted("d1")).await;
    let followed = run.request(Request::new(Method::GET, "")).await;
    assert_eq!(followed.status(), 405);
    engine.settle().await;
    assert_eq!((run.status().await, run.execution().await.attempts.len()), (RunStatus::Waiting, 1));
    run.callback("yes").await;
    run.has_outcome(answered("yes")).await;
}

#[tokio::test]
async fn t4_an_overlapping_activation_that_fails_leaves_the_old_version_enabled() {
    let engine = engine().await;
    let trigger = engine.trigger(feed, noted("t4-old")).await.unwrap();
    let old = trigger.callback_url().await;
    let error = trigger.replace(&noted("broken")).await.unwrap_err();
    assert!(error.contains("the provider refuses"), "{error}");
    let delivery = trigger.request_to(&old, Request::new(Method::POST, "c")).await;
    delivery.has_started(FeedOutcome::Came { key: "c".into() });
    assert_eq!(effects("t4-old-removed"), 0);
}

/// Charge a card
#[step(outcomes(charged), if_interrupted = fail, time_limit = "30ms")]
async fn charge(_config: NoConfig, _cx: ExecuteContext) -> Result<ChargeOutcome, StepError> {
    std::future::pending::<()>().await;
    Ok(ChargeOutcome::Charged)
}

#[tokio::test]
async fn s7_a_block_with_a_time_limit_of_its_own_that_must_not_be_repeated_fails_at_once() {
    let engine = engine().await;
    let run = engine.run(charge, NoConfig {}).await;
    assert_eq!((run.status().await, run.execution().await.attempts.len()), (RunStatus::Failed, 1));
    assert!(run.error().await.unwrap().contains("must not be repeated"));
}

#[tokio::test]
async fn s9_a_variable_that_is_missing_or_does_not_fit_fails_the_step_before_its_handler() {
    let engine = engine().await;
    let definition = serde_json::json!({
        "title": "Sign in with a number",
        "trigger": { "block": "testing/start", "on": { "started": "step" } },
        "steps": { "step": {
            "block": "stepwell-engine/sign-in",
            "config": { "user": "{{ trigger.number }}", "password": "passw0rd" },
            "on": { "signed_in": "end" },
        } },
    });
    engine.enable("s9", &definition).await.unwrap();
    for data in [serde_json::json!({}), serde_json::json!({ "number": 5 })] {
        let run = engine.start_workflow("s9", data).await;
        engine.settle().await;
        assert_eq!(run.status().await, RunStatus::Failed);
        let error = run.error().await.unwrap();
        assert!(error.contains("user") && !error.contains("passw0rd"), "{error}");
        assert!(run.history().await.executions.iter().all(|execution| execution.attempts.is_empty()));
    }
}

/// The provider's account.
#[connection(bearer = token)]
struct Account {
    /// Token
    token: Secret,
}

/// Greet the account
#[step(outcomes(greeted { token: String }))]
async fn greet(_config: NoConfig, cx: ExecuteContext<Account>) -> Result<GreetOutcome, StepError> {
    Ok(GreetOutcome::Greeted { token: cx.connection().token.expose().clone() })
}

#[tokio::test]
async fn s8_a_connection_is_given_to_each_attempt_and_one_that_is_missing_is_named() {
    let account = Account { token: "t0ken".into() };
    let engine = setup().connection(&account).start().await;
    let run = engine.run(greet, NoConfig {}).await;
    run.has_outcome(GreetOutcome::Greeted { token: "t0ken".to_owned() }).await;
    let without = setup().start().await;
    let definition = serde_json::json!({
        "title": "Greet",
        "trigger": { "block": "core/manual", "on": { "started": "greet" } },
        "steps": { "greet": { "block": "stepwell-engine/greet" } },
    });
    let refused = without.enable("greets", &definition).await.unwrap_err();
    let missing = "there is no connection `default` of the kind `stepwell-engine/account`";
    assert!(refused.contains(missing) && refused.contains("steps.greet.block"), "{refused}");
    // One that is lost later is named by the step that needs it.
    engine.enable("greets", &definition).await.unwrap();
    engine.restart_without_connections().await;
    let lost = engine.start_workflow("greets", serde_json::Value::Null).await;
    engine.settle().await;
    assert!(lost.error().await.unwrap().contains(missing));
}

#[tokio::test]
async fn d10_a_waiting_step_says_in_words_what_it_waits_for_and_until_when() {
    let engine = engine().await;
    let run = engine.run(ask, noted("d10")).await;
    let execution = run.execution().await;
    assert_eq!(execution.waiting_for.unwrap(), serde_json::json!({ "text": "an answer" }));
    assert_eq!(execution.waiting_since, Some(engine.now()));
    assert_eq!(execution.wake_at, engine.now().checked_add(HOUR).ok());
}

/// How to sign in.
#[config]
struct SignIn {
    /// User
    user: String,
    /// Password
    password: Secret,
}

/// Sign in
#[step(outcomes(signed_in { length: u64 }))]
async fn sign_in(config: SignIn, _cx: ExecuteContext) -> Result<SignInOutcome, StepError> {
    Ok(SignInOutcome::SignedIn { length: config.password.expose().len() as u64 })
}

#[tokio::test]
async fn s8_o3_a_secret_reaches_its_handler_and_no_record() {
    let engine = engine().await;
    let config = SignIn { user: "ada".to_owned(), password: "passw0rd".into() };
    let run = engine.run(sign_in, config).await;
    run.has_outcome(SignInOutcome::SignedIn { length: 8 }).await;
    let config = run.execution().await.config;
    assert_eq!(config["user"], "ada");
    assert!(!config.to_string().contains("passw0rd"), "{config}");

    let templated = serde_json::json!({
        "title": "Sign in with what came",
        "trigger": { "block": "testing/start", "on": { "started": "step" } },
        "steps": { "step": {
            "block": "stepwell-engine/sign-in",
            "config": { "user": "ada", "password": "{{ workflow.title }}" },
            "on": { "signed_in": "end" },
        } },
    });
    engine.enable("templated", &templated).await.unwrap();
    let run = engine.start_workflow("templated", serde_json::Value::Null).await;
    engine.settle().await;
    run.has_outcome(SignInOutcome::SignedIn { length: 22 }).await;
    let history = format!("{:?}", run.execution().await.config);
    assert!(!history.contains("Sign in"), "{history}");
}

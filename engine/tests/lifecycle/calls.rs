//! Workflows that call others (s14).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use stepwell::request::Request;
use stepwell_engine::driver::{Refusal, ReplayOn, Retention, TriggerAnswer};
use stepwell_engine::model::{ExecutionStatus, ExecutionView, RunStatus, WorkflowId};
use stepwell_engine::store::RunFilter;
use stepwell_engine::testing::{TestEngine, TestRun};

use crate::database::{engine, setup};
use crate::engine::Engine;
use crate::http::{Server, body};

const DAY: Duration = Duration::from_hours(24);

fn definition(yaml: &str) -> Value {
    serde_yaml_ng::from_str(yaml).unwrap()
}

async fn enable(engine: &TestEngine, id: &str, yaml: &str) {
    engine.enable(id, &definition(yaml)).await.unwrap();
}

async fn start(engine: &TestEngine, id: &str, data: Value) -> TestRun {
    let run = engine.start_workflow(id, data).await;
    engine.settle().await;
    run
}

/// The last execution of a step.
async fn execution(run: &TestRun, step: &str) -> ExecutionView {
    let history = run.history().await;
    let found = history.executions.iter().rfind(|execution| execution.step == step).cloned();
    found.unwrap_or_else(|| panic!("the run has not come to `{step}`: {history:#?}"))
}

async fn data(run: &TestRun, step: &str) -> Value {
    execution(run, step).await.data.unwrap_or_default()
}

/// Calls `child` and goes on with what comes of it.
const PARENT: &str = "
title: Parent
trigger: { block: core/manual, on: { started: call } }
steps:
  call:
    block: core/call-workflow
    config: { workflow: child, data: { name: '{{ trigger.name }}' } }
    on: { completed: after, error: failed }
  after: { block: core/set, config: { values: { got: '{{ call.result }}' } } }
  failed: { block: core/set, config: { values: { why: '{{ call.message }}' } } }
";

/// Calls `child` and does nothing else.
const PLAIN: &str = "
title: Plain
trigger: { block: core/manual, on: { started: call } }
steps:
  call: { block: core/call-workflow, config: { workflow: child, data: { name: x } } }
";

/// Says hello.
const CHILD: &str = "
title: Child
trigger:
  block: core/workflow-called
  config: { inputs: { name: { type: text } } }
  on: { called: greet }
steps:
  greet: { block: core/set, config: { values: { text: 'Hello {{ trigger.name }}' } } }
";

/// Waits for an answer, which is its result.
const WAITING: &str = "
title: Waiting child
trigger: { block: core/workflow-called, on: { called: ask } }
steps:
  ask: { block: core/wait-for-callback, config: {}, on: { received: stop } }
  stop: { block: core/stop, config: { result: '{{ ask.body }}' } }
";

/// Calls `grandchild` in its turn.
const MIDDLE: &str = "
title: Middle
trigger: { block: core/workflow-called, on: { called: call } }
steps:
  call: { block: core/call-workflow, config: { workflow: grandchild }, on: { completed: end } }
";

/// Fails with a message.
const FAILING: &str = "
title: Failing child
trigger: { block: core/workflow-called, on: { called: stop } }
steps:
  stop: { block: core/stop, config: { error: 'no such customer' } }
";

async fn answer(engine: &TestEngine, run: &TestRun, body: &str) -> u16 {
    let url = execution(run, "ask").await.finish_callback_url.expect("it waits");
    let response = engine.request(&url, Request::new(Method::POST, body.to_owned())).await;
    engine.settle().await;
    response.status().as_u16()
}

#[tokio::test]
async fn s14_a_call_has_what_the_run_came_to_and_each_names_the_other() {
    let engine = engine().await;
    enable(&engine, "child", CHILD).await;
    enable(&engine, "parent", PARENT).await;
    let run = start(&engine, "parent", json!({ "name": "Ada" })).await;
    assert_eq!(run.status().await, RunStatus::Completed);
    assert_eq!(data(&run, "after").await, json!({ "got": { "text": "Hello Ada" } }));
    let call = execution(&run, "call").await;
    let child = run.children().await.remove(0);
    assert_eq!(call.data, Some(json!({ "result": { "text": "Hello Ada" }, "run": child.id() })));
    assert_eq!((call.children[0].status, call.finish_callback_url), (Some(RunStatus::Completed), None));
    let told = child.history().await;
    assert_eq!(told.parent_unique_execution_id, Some(call.unique_execution_id));
    assert_eq!(told.trigger.unwrap().data, json!({ "name": "Ada" }));
    assert_eq!(engine.started("child").await.len(), 1);
}

#[tokio::test]
async fn o1_s14_calls_survive_a_crash_at_every_moment() {
    let moments = setup()
        .at_every_crash(async |engine| {
            enable(&engine, "grandchild", WAITING).await;
            enable(&engine, "child", MIDDLE).await;
            enable(&engine, "parent", PARENT).await;
            let run = start(&engine, "parent", json!({ "name": "x" })).await;
            assert_eq!(run.status().await, RunStatus::Waiting);
            let child = run.children().await.remove(0);
            let grandchild = child.children().await.remove(0);
            // Who sends again after a crash may hear that the first one was taken.
            let status = answer(&engine, &grandchild, r#"{"answer": 42}"#).await;
            assert!([202, 410].contains(&status), "{status}");
            assert_eq!(data(&run, "after").await["got"]["result"], json!({ "answer": 42 }));
            for (run, workflow) in [(&run, "parent"), (&child, "child"), (&grandchild, "grandchild")] {
                assert_eq!(run.status().await, RunStatus::Completed, "{workflow}");
                assert_eq!(engine.started(workflow).await.len(), 1, "{workflow}");
            }
        })
        .await;
    assert!(moments > 20, "{moments} moments");
}

#[tokio::test]
async fn o1_s14_d8_a_cancelled_run_takes_those_with_it_that_it_waits_for_at_every_crash() {
    let moments = setup()
        .at_every_crash(async |engine| {
            enable(&engine, "grandchild", WAITING).await;
            enable(&engine, "child", MIDDLE).await;
            enable(&engine, "plain", PLAIN).await;
            let run = start(&engine, "plain", json!({})).await;
            let child = run.children().await.remove(0);
            let grandchild = child.children().await.remove(0);
            let url = execution(&grandchild, "ask").await.finish_callback_url.unwrap();
            run.cancel().await.unwrap();
            for run in [&run, &child, &grandchild] {
                assert_eq!(run.status().await, RunStatus::Cancelled);
            }
            assert_eq!(engine.request(&url, Request::new(Method::POST, "{}")).await.status(), 410);
        })
        .await;
    assert!(moments > 15, "{moments} moments");
}

#[tokio::test]
async fn s14_s5_a_run_that_fails_or_is_cancelled_fails_the_call() {
    let engine = engine().await;
    enable(&engine, "child", FAILING).await;
    enable(&engine, "parent", PARENT).await;
    enable(&engine, "plain", PLAIN).await;
    let run = start(&engine, "parent", json!({ "name": "x" })).await;
    assert_eq!(data(&run, "failed").await, json!({ "why": "no such customer" }));
    let run = start(&engine, "plain", json!({})).await;
    assert_eq!(run.error().await.as_deref(), Some("step `call` failed: no such customer"));

    enable(&engine, "child", WAITING).await;
    let run = start(&engine, "parent", json!({ "name": "x" })).await;
    let child = run.children().await.remove(0);
    child.cancel().await.unwrap();
    assert_eq!(data(&run, "failed").await, json!({ "why": format!("the run {} was cancelled", child.id()) }));
}

#[tokio::test]
async fn s14_o2_a_retry_calls_anew_and_a_late_answer_changes_nothing() {
    let engine = engine().await;
    enable(&engine, "child", FAILING).await;
    enable(&engine, "plain", PLAIN).await;
    let run = start(&engine, "plain", json!({})).await;
    enable(&engine, "child", WAITING).await;
    run.retry().await.unwrap();
    let children = run.children().await;
    assert_eq!((children.len(), run.status().await), (2, RunStatus::Waiting));
    // The first is retried on its own: nobody waits for it any more.
    children[0].retry().await.unwrap();
    assert_eq!((children[0].status().await, run.status().await), (RunStatus::Failed, RunStatus::Waiting));
    answer(&engine, &children[1], "7").await;
    assert_eq!(data(&run, "call").await["result"], json!(7));
    assert_eq!(engine.started("child").await.len(), 2);
}

#[tokio::test]
async fn s14_s4_a_step_may_set_that_it_calls_again() {
    let engine = engine().await;
    enable(&engine, "child", FAILING).await;
    let mut again = definition(PLAIN);
    again["steps"]["call"]["retry"] = json!({ "attempts": 3, "first_delay": "1m" });
    engine.enable("again", &again).await.unwrap();
    let run = start(&engine, "again", json!({})).await;
    assert_eq!((run.children().await.len(), run.status().await), (1, RunStatus::Running));
    engine.advance(DAY).await;
    assert_eq!((run.children().await.len(), run.status().await), (3, RunStatus::Failed));
    assert_eq!(run.history().await.executions.len(), 1);
}

#[tokio::test]
async fn s14_d7_a_deadline_cancels_the_run_and_has_an_edge() {
    let engine = engine().await;
    enable(&engine, "child", WAITING).await;
    let mut late = definition(PARENT);
    late["steps"]["call"]["deadline"] = json!("1h");
    late["steps"]["call"]["on"] = json!({ "deadline": "late" });
    late["steps"] =
        json!({ "call": late["steps"]["call"], "late": { "block": "core/set", "config": { "values": {} } } });
    engine.enable("late", &late).await.unwrap();
    let run = start(&engine, "late", json!({ "name": "x" })).await;
    engine.advance(Duration::from_mins(59)).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    engine.advance(Duration::from_mins(1)).await;
    assert_eq!(run.children().await[0].status().await, RunStatus::Cancelled);
    assert_eq!(execution(&run, "late").await.status, ExecutionStatus::Completed);
}

#[tokio::test]
async fn s14_d8_the_loser_of_a_race_is_cancelled() {
    let engine = engine().await;
    enable(&engine, "child", WAITING).await;
    let race = "
title: Race
trigger: { block: core/manual, on: { started: [call, beside] } }
steps:
  call: { block: core/call-workflow, config: { workflow: child }, on: { completed: first } }
  beside: { block: core/set, config: { values: {} }, on: { done: first } }
  first: { block: core/join, config: { wait_for: any, cancel_others: true }, on: { done: end } }
";
    enable(&engine, "race", race).await;
    let run = start(&engine, "race", json!({})).await;
    assert_eq!(run.status().await, RunStatus::Completed);
    assert_eq!(execution(&run, "call").await.status, ExecutionStatus::Cancelled);
    for child in run.children().await {
        assert_eq!(child.status().await, RunStatus::Cancelled);
    }
}

#[tokio::test]
async fn s14_a_run_that_is_only_started_goes_on_by_itself() {
    let engine = engine().await;
    enable(&engine, "child", WAITING).await;
    let mut starts = definition(PLAIN);
    starts["steps"]["call"]["config"]["wait"] = json!(false);
    starts["steps"]["call"]["on"] = json!({ "started": "ask" });
    starts["steps"]["ask"] = json!({ "block": "core/wait-for-callback", "config": {} });
    engine.enable("starts", &starts).await.unwrap();
    let run = start(&engine, "starts", json!({})).await;
    let child = run.children().await.remove(0);
    assert_eq!(data(&run, "call").await, json!({ "run": child.id() }));
    run.cancel().await.unwrap();
    assert_eq!((run.status().await, child.status().await), (RunStatus::Cancelled, RunStatus::Waiting));
    answer(&engine, &child, "1").await;
    assert_eq!(child.status().await, RunStatus::Completed);
    assert!(child.history().await.parent_unique_execution_id.is_some());
}

/// The message with which a run that only calls fails.
async fn refusal(engine: &TestEngine) -> String {
    let run = start(engine, "plain", json!({})).await;
    assert!(run.children().await.is_empty());
    run.error().await.expect("the run has failed")
}

#[tokio::test]
async fn s14_a_workflow_that_cannot_be_called_fails_the_step_and_says_why() {
    let engine = engine().await;
    enable(&engine, "child", CHILD).await;
    enable(&engine, "plain", PLAIN).await;
    engine.disable("child").await.unwrap();
    let message = refusal(&engine).await;
    assert!(message.contains("`child` is not enabled; enable it"), "{message}");
    let manual = CHILD.replace("core/workflow-called", "core/manual");
    let manual =
        manual.replace("  config: { inputs: { name: { type: text } } }\n", "").replace("called:", "started:");
    enable(&engine, "child", &manual).await;
    let message = refusal(&engine).await;
    assert!(message.contains("`child` begins with `core/manual`"), "{message}");
    enable(
        &engine,
        "child",
        &CHILD.replace("type: text", "type: number").replace("'Hello {{ trigger.name }}'", "''"),
    )
    .await;
    let message = refusal(&engine).await;
    assert!(message.contains("data.name: `name` must be a number"), "{message}");
}

#[tokio::test]
async fn s14_o9_calls_that_never_end_end_at_the_deepest() {
    let engine = engine().await;
    let itself = "
title: Calls itself
trigger: { block: core/workflow-called, on: { called: call } }
steps:
  call: { block: core/call-workflow, config: { workflow: itself } }
";
    enable(&engine, "itself", itself).await;
    let run = start(&engine, "itself", json!({})).await;
    assert_eq!(engine.started("itself").await.len(), 17, "the first, and as many as calls may lead to");
    let message = run.error().await.unwrap();
    assert!(message.contains("16 calls have led to this run"), "{message}");
}

#[tokio::test]
async fn s12_s14_a_call_that_would_wait_for_its_callers_place_fails() {
    let engine = engine().await;
    let bounded = "
title: One per customer
concurrency: { limit: 1, key: '{{ trigger.customer }}' }
trigger: { block: core/workflow-called, on: { called: filter } }
steps:
  filter:
    block: core/filter
    config: { condition: '{{ trigger.next is not none }}' }
    on: { passed: call }
  call:
    block: core/call-workflow
    config: { workflow: bounded, data: { customer: '{{ trigger.next }}', next: null } }
    deadline: 1d
    on: { deadline: end }
";
    enable(&engine, "bounded", bounded).await;
    let run = start(&engine, "bounded", json!({ "customer": "a", "next": "b" })).await;
    assert_eq!(run.status().await, RunStatus::Completed);
    let run = start(&engine, "bounded", json!({ "customer": "a", "next": "a" })).await;
    let message = run.error().await.unwrap();
    assert!(message.contains("a place that a run which waits for it holds"), "{message}");
}

#[tokio::test]
async fn s12_s14_a_run_that_was_called_queues_in_its_lane() {
    let engine = engine().await;
    enable(&engine, "child", &format!("{WAITING}concurrency: {{ limit: 1 }}\n")).await;
    enable(&engine, "plain", PLAIN).await;
    let (first, second) =
        (start(&engine, "plain", json!({})).await, start(&engine, "plain", json!({})).await);
    let (holds, waits) = (first.children().await.remove(0), second.children().await.remove(0));
    assert_eq!((holds.status().await, waits.status().await), (RunStatus::Waiting, RunStatus::Queued));
    first.cancel().await.unwrap();
    assert_eq!(waits.status().await, RunStatus::Waiting);
    second.cancel().await.unwrap();
    assert_eq!(waits.status().await, RunStatus::Cancelled);
}

#[tokio::test]
async fn s14_a_list_is_gone_through_with_calls_some_at_once() {
    const ITEMS: usize = 200;
    let engine = engine().await;
    let each = "
title: For each
trigger: { block: core/manual, on: { started: all } }
steps:
  all: { block: core/for-each, config: { items: '{{ trigger.items }}', concurrency: 20 }, on: { each: call } }
  call:
    block: core/call-workflow
    config: { workflow: child, data: { name: '{{ all.item }}' } }
    on: { completed: end }
";
    enable(&engine, "child", CHILD).await;
    enable(&engine, "each", each).await;
    let items: Vec<String> = (0..ITEMS).map(|number| number.to_string()).collect();
    let run = start(&engine, "each", json!({ "items": items })).await;
    assert_eq!(run.status().await, RunStatus::Completed, "{:?}", run.error().await);
    let results = data(&run, "all").await["results"].clone();
    let names: Vec<_> = results.as_array().unwrap().iter().map(|one| one["result"]["text"].clone()).collect();
    assert_eq!(names, items.iter().map(|name| json!(format!("Hello {name}"))).collect::<Vec<_>>());
    assert_eq!(engine.started("child").await.len(), ITEMS);
}

#[tokio::test]
async fn o6_s14_a_run_that_was_called_is_kept_as_long_as_its_caller_goes_on() {
    let engine = setup().retention(Retention { age: Some(DAY), number: None }).start().await;
    let steps = "
title: Waits afterwards
trigger: { block: core/manual, on: { started: call } }
steps:
  call: { block: core/call-workflow, config: { workflow: child, data: { name: x } }, on: { completed: ask } }
  ask: { block: core/wait-for-callback, config: {} }
";
    enable(&engine, "child", CHILD).await;
    enable(&engine, "parent", steps).await;
    let run = start(&engine, "parent", json!({})).await;
    let child = run.children().await.remove(0);
    engine.advance(DAY * 10).await;
    engine.apply_retention().await;
    assert_eq!(child.status().await, RunStatus::Completed);
    answer(&engine, &run, "{}").await;
    engine.apply_retention().await;
    assert!(!child.exists().await && run.exists().await);
    engine.advance(DAY).await;
    engine.apply_retention().await;
    assert!(!run.exists().await);
    assert!(engine.versions(&WorkflowId("child".into())).await.len() == 1, "it is enabled");
}

/// Why a workflow cannot be enabled.
async fn not_enabled(engine: &TestEngine, id: &str, yaml: &str) -> String {
    engine.enable(id, &definition(yaml)).await.unwrap_err()
}

#[tokio::test]
async fn s14_a_workflow_that_calls_is_enabled_if_it_can_make_its_calls() {
    let engine = engine().await;
    let refused = not_enabled(&engine, "plain", PLAIN).await;
    assert!(
        refused.contains("steps.call.config.workflow") && refused.contains("no workflow `child`"),
        "{refused}"
    );
    enable(
        &engine,
        "child",
        &CHILD.replace("type: text", "type: number").replace("'Hello {{ trigger.name }}'", "''"),
    )
    .await;
    let refused = not_enabled(&engine, "plain", PLAIN).await;
    assert!(
        refused.contains("steps.call.config.data.name") && refused.contains("must be a number"),
        "{refused}"
    );
    // What an expression gives is judged when the call is made.
    enable(&engine, "parent", PARENT).await;
    engine.disable("child").await.unwrap();
    let refused = not_enabled(&engine, "plain", PLAIN).await;
    assert!(refused.contains("`child` is not enabled; enable it first"), "{refused}");
    enable(&engine, "child", CHILD).await;
    enable(&engine, "plain", PLAIN).await;
}

#[tokio::test]
async fn s12_s14_a_call_that_is_seen_to_wait_for_its_callers_place_is_not_enabled() {
    let engine = engine().await;
    let bounded = format!("{}concurrency: {{ limit: 1 }}\n", MIDDLE.replace("grandchild", "bounded"));
    let refused = not_enabled(&engine, "bounded", &bounded).await;
    assert!(refused.contains("a place that `bounded` holds"), "{refused}");
}

#[tokio::test]
async fn s12_s14_whoever_closes_a_circle_of_bounded_workflows_is_not_enabled() {
    let engine = engine().await;
    let calls = |other: &str| MIDDLE.replace("grandchild", other);
    let keyed = "concurrency: { limit: 1, key: '{{ trigger.customer }}' }\n";
    // The first call closes nothing: the other does not call it yet.
    enable(&engine, "left", FAILING).await;
    enable(&engine, "right", &format!("{}{keyed}", calls("left"))).await;
    let refused = not_enabled(&engine, "left", &calls("right")).await;
    let circle = "`left` → `right` → `left` call one another and wait: by the `concurrency` of `right`";
    assert!(refused.contains(circle), "{refused}");
    assert!(refused.contains("`deadline`") && refused.contains("without waiting"), "{refused}");
    // Nor can a circle that is enabled be bounded later.
    enable(&engine, "right", &calls("left")).await;
    enable(&engine, "left", &calls("right")).await;
    let refused = not_enabled(&engine, "right", &format!("{}{keyed}", calls("left"))).await;
    assert!(refused.contains("by the `concurrency` of `right`"), "{refused}");
}

#[test]
fn s14_a_start_by_hand_gives_what_the_inputs_ask_for() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("child", &definition(CHILD)).await.unwrap();
        let id = WorkflowId("child".into());
        let refused = engine.driver.start_run(&id, None, json!({ "nam": "x" })).await.unwrap_err();
        let Refusal::Problems(problems) = refused else { panic!("{refused:?}") };
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["data.nam", "data.name"]);
        let run = engine.driver.start_run(&id, None, json!({ "name": "x" })).await.unwrap();
        engine.reaches(run, RunStatus::Completed).await;
        let activation = engine.activation("child").await;
        assert!(matches!(engine.event(activation, 1).await, TriggerAnswer::Rejected { .. }));
    });
}

#[test]
fn s14_o2_a_replay_calls_anew_or_goes_on_with_what_a_call_recorded() {
    let engine = Engine::start();
    engine.block_on(async {
        engine.enable("child", &definition(CHILD)).await.unwrap();
        engine.enable("parent", &definition(PARENT)).await.unwrap();
        let children = async || {
            let filter =
                RunFilter { workflow: Some(WorkflowId("child".into())), limit: 9, ..RunFilter::default() };
            engine.driver.store().runs(filter).await.unwrap()
        };
        let id = WorkflowId("parent".into());
        let run = engine.driver.start_run(&id, None, json!({ "name": "x" })).await.unwrap();
        engine.reaches(run, RunStatus::Completed).await;
        let from = engine.driver.replay(run, Some("after".into()), ReplayOn::Same).await.unwrap();
        engine.reaches(from, RunStatus::Completed).await;
        assert_eq!(children().await.len(), 1);
        let again = engine.driver.replay(run, None, ReplayOn::Same).await.unwrap();
        engine.reaches(again, RunStatus::Completed).await;
        assert_eq!(children().await.len(), 2);
        // Nobody has called the replay of a run that was called.
        let alone = engine.driver.replay(children().await[0].id, None, ReplayOn::Same).await.unwrap();
        engine.reaches(alone, RunStatus::Completed).await;
        assert_eq!(engine.driver.store().run(alone).await.unwrap().unwrap().parent, None);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn s14_the_api_shows_callers_and_called_and_checks_calls() {
    let server = Server::start().await;
    let check = async |yaml: &str| {
        let asked = server.api(reqwest::Method::POST, "/workflows/check").json(&definition(yaml));
        body(asked.send().await.unwrap()).await["problems"].clone()
    };
    let problems = check(PLAIN).await;
    assert_eq!(problems[0]["path"], "steps.call.config.workflow", "{problems}");
    server.enable_as("child", &definition(CHILD)).await;
    server.enable_as("plain", &definition(PLAIN)).await;
    assert_eq!(check(PLAIN).await, json!([]));
    let started = server.api(reqwest::Method::POST, "/workflows/plain/runs").json(&json!({}));
    let run = body(started.send().await.unwrap()).await["id"].as_str().unwrap().to_owned();
    let view = server.get(&format!("/runs/{run}?wait=20")).await;
    let call = &view["executions"][0];
    assert_eq!(
        (&view["parent"], &call["children"][0]["status"]),
        (&Value::Null, &json!("completed")),
        "{view}"
    );
    let child = call["children"][0]["run_id"].as_str().unwrap();
    let view = server.get(&format!("/runs/{child}")).await;
    let by = (&view["parent"], &view["parent_unique_execution_id"]);
    assert_eq!(by, (&json!(run), &call["unique_execution_id"]));
    let listed = server.get("/runs?workflow=child").await;
    assert_eq!(listed["runs"][0]["parent"], json!(run));
}

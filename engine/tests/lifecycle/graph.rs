//! Whole graphs: parallel paths, joins, loops and error handlers, through crashes.

use http::Method;
use serde_json::{Value, json};
use stepwell::request::Request;
use stepwell_engine::model::{ExecutionView, RunStatus};
use stepwell_engine::testing::{TestEngine, TestRun};

use crate::database::{engine, setup};

fn definition(yaml: &str) -> Value {
    serde_yaml_ng::from_str(yaml).unwrap()
}

async fn start(engine: &TestEngine, yaml: &str, data: Value) -> TestRun {
    engine.enable("graph", &definition(yaml)).await.unwrap();
    let run = engine.start_workflow("graph", data).await;
    engine.settle().await;
    run
}

/// The last execution of a step.
async fn execution(run: &TestRun, step: &str) -> ExecutionView {
    let history = run.history().await;
    let found = history.executions.iter().rfind(|execution| execution.step == step).cloned();
    found.unwrap_or_else(|| panic!("the run has not come to `{step}`: {history:#?}"))
}

async fn finish(engine: &TestEngine, run: &TestRun, step: &str, body: &str) -> u16 {
    let url = execution(run, step).await.finish_callback_url.expect("it waits");
    let response = engine.request(&url, Request::new(Method::POST, body.to_owned())).await;
    engine.settle().await;
    response.status().as_u16()
}

/// Picks every line of an order, two at once, asks somebody meanwhile, and ships when both are done.
const ORDER: &str = "
title: Order
trigger: { block: core/manual, on: { started: [pick_all, ask] } }
steps:
  pick_all:
    block: core/for-each
    config: { items: '{{ trigger.lines }}', concurrency: 2 }
    on: { each: pick, done: ready }
  pick:
    block: core/set
    config: { values: { picked: '{{ pick_all.item.sku }}-{{ pick_all.index }}' } }
    on: { done: end }
  ask:
    block: core/wait-for-callback
    config: { what_for: the address }
    on: { received: ready }
  ready:
    block: core/join
    config: {}
    on: { done: ship }
  ship:
    block: core/set
    config: { values: { to: '{{ ask.body.address }}', lines: '{{ pick_all.results }}' } }
    on: { done: end }
";

fn lines() -> Value {
    json!({ "lines": [{ "sku": "a" }, { "sku": "b" }, { "sku": "c" }] })
}

#[tokio::test]
async fn o1_loops_and_joins_survive_a_crash_at_every_moment() {
    let moments = setup()
        .at_every_crash(async |engine| {
            let run = start(&engine, ORDER, lines()).await;
            assert_eq!(run.status().await, RunStatus::Waiting);
            // Who sends again after a crash may hear that the first one was taken.
            let answer = finish(&engine, &run, "ask", r#"{"address": "Tim"}"#).await;
            assert!([202, 410].contains(&answer), "{answer}");
            assert_eq!(run.status().await, RunStatus::Completed);
            let shipped = execution(&run, "ship").await;
            let picked = json!([{ "picked": "a-0" }, { "picked": "b-1" }, { "picked": "c-2" }]);
            assert_eq!(shipped.data, Some(json!({ "to": "Tim", "lines": picked })));
            let rounds = run.history().await.executions;
            assert_eq!(rounds.iter().filter(|execution| execution.step == "pick").count(), 3);
            assert_eq!(rounds.iter().filter(|execution| execution.step == "ship").count(), 1);
        })
        .await;
    assert!(moments > 20, "{moments} moments");
}

#[tokio::test]
async fn d6_d8_of_two_waits_the_first_wins_and_the_other_is_gone() {
    let engine = engine().await;
    let yaml = "
title: Race
trigger: { block: core/manual, on: { started: [one, other] } }
steps:
  one: { block: core/wait-for-callback, config: {}, on: { received: first } }
  other: { block: core/wait-for-callback, config: {}, on: { received: first } }
  first:
    block: core/join
    config: { wait_for: any, cancel_others: true }
    on: { done: after }
  after:
    block: core/set
    config: { values: { winner: '{{ first.arrived | first }}' } }
    on: { done: end }
";
    let run = start(&engine, yaml, json!({})).await;
    let loser = execution(&run, "one").await.finish_callback_url.unwrap();
    assert_eq!(finish(&engine, &run, "other", "{}").await, 202);
    assert_eq!(run.status().await, RunStatus::Completed);
    assert_eq!(execution(&run, "after").await.data, Some(json!({ "winner": "other" })));
    let late = engine.request(&loser, Request::new(Method::POST, "{}")).await;
    assert_eq!(late.status(), 410);
}

#[tokio::test]
async fn s5_the_error_handler_hears_of_the_failure_and_a_retry_goes_on_in_the_round() {
    let engine = engine().await;
    let yaml = "
title: Fragile
on_error: tell
trigger: { block: core/manual, on: { started: each } }
steps:
  each:
    block: core/for-each
    config: { items: [1, 2] }
    on: { each: wait, done: end }
  wait: { block: core/wait-for-callback, config: {}, on: { received: use } }
  use: { block: core/set, config: { values: { n: '{{ wait.body.n }}' } }, on: { done: end } }
  tell: { block: core/set, config: { values: { why: '{{ error.message }}' } }, on: { done: end } }
";
    let run = start(&engine, yaml, json!({})).await;
    finish(&engine, &run, "wait", r#"{"n": 1}"#).await;
    // The second round gets no `n`, so that the step after it cannot be resolved.
    finish(&engine, &run, "wait", "{}").await;
    assert_eq!(run.status().await, RunStatus::Failed);
    let why = execution(&run, "tell").await.data.unwrap()["why"].to_string();
    assert!(why.contains("step `use` failed"), "{why}");
    engine.crash().await;
    run.retry().await.unwrap();
    let again = execution(&run, "use").await;
    assert_eq!((again.rounds[0].index, run.status().await), (1, RunStatus::Failed));
}

#[tokio::test]
async fn o9_a_run_of_many_items_ends_with_their_results_in_order() {
    let engine = engine().await;
    let yaml = "
title: Wide
trigger: { block: core/manual, on: { started: all } }
steps:
  all:
    block: core/for-each
    config: { items: '{{ trigger.items }}', concurrency: 20 }
    on: { each: one, done: sum }
  one: { block: core/set, config: { values: { n: '{{ all.item * 2 }}' } }, on: { done: end } }
  sum:
    block: core/set
    config: { values: { last: '{{ (all.results | last).n }}', count: '{{ all.results | length }}' } }
    on: { done: end }
";
    let items: Vec<u32> = (0..300).collect();
    let run = start(&engine, yaml, json!({ "items": items })).await;
    assert_eq!(run.status().await, RunStatus::Completed);
    assert_eq!(execution(&run, "sum").await.data, Some(json!({ "last": 598, "count": 300 })));
}

#[tokio::test]
async fn d7_a_wide_run_that_wakes_for_each_round_reads_its_results_once() {
    const ROUNDS: usize = 150;
    let engine = engine().await;
    let yaml = "
title: Wide and slow
trigger: { block: core/manual, on: { started: all } }
steps:
  all:
    block: core/for-each
    config: { items: '{{ trigger.items }}', concurrency: 150 }
    on: { each: ask, done: sum }
  ask: { block: core/wait-for-callback, config: { what_for: '{{ all.item }}' }, on: { received: end } }
  sum: { block: core/set, config: { values: { last: '{{ (all.results | last).body.n }}' } }, on: { done: end } }
";
    let items: Vec<String> = (0..ROUNDS).map(|item| item.to_string()).collect();
    let run = start(&engine, yaml, json!({ "items": items })).await;
    let asked = run.history().await.executions;
    let urls: Vec<String> = asked.into_iter().filter_map(|execution| execution.finish_callback_url).collect();
    assert_eq!(urls.len(), ROUNDS);
    let before = engine.records_read();
    for (n, url) in urls.iter().enumerate() {
        engine.request(url, Request::new(Method::POST, json!({ "n": n }).to_string())).await;
        engine.settle().await;
    }
    let read = engine.records_read() - before;
    assert_eq!(run.status().await, RunStatus::Completed);
    assert_eq!(execution(&run, "sum").await.data, Some(json!({ "last": ROUNDS - 1 })));
    // For each round its config and its callback, and at the end all results.
    assert!(read <= 4 * ROUNDS as u64, "{read} records were read");
}

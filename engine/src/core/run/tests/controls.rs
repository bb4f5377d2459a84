//! Joins, loops, stops, the error handler and the time limit.

use super::*;
use crate::model::ExecutionStatus;

/// A config without variables.
pub(super) struct Constant(pub(super) Value);

impl ResolveConfig for Constant {
    fn references(&self) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        &NONE
    }

    fn resolve(&self, _: &Variables<'_>) -> Result<Value, String> {
        Ok(self.0.clone())
    }
}

/// True once a step has recorded `{"id": "enough"}`.
struct Enough(BTreeSet<String>);

impl ResolveConfig for Enough {
    fn references(&self) -> &BTreeSet<String> {
        &self.0
    }

    fn resolve(&self, variables: &Variables<'_>) -> Result<Value, String> {
        Ok(json!(variables.values().any(|value| value["id"] == "enough")))
    }
}

pub(super) fn control(control: Control, config: Value, on: &[(&str, &[&str])]) -> PlannedStep {
    PlannedStep { control: Some(control), config: Arc::new(Constant(config)), ..step(on) }
}

fn join(config: Value) -> PlannedStep {
    control(Control::Join, config, &[("done", &["after"]), ("too_few", &["few"])])
}

fn reading(names: &[&str], on: &[(&str, &[&str])]) -> PlannedStep {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    PlannedStep { config: Arc::new(Config(names)), ..step(on) }
}

/// Three branches that lead to a join.
fn branches(config: Value) -> World {
    let branch = || step(&[("ok", &["join"])]);
    World::start(
        &["a", "b", "c"],
        [
            ("a", branch()),
            ("b", PlannedStep { cancels: true, ..branch() }),
            ("c", branch()),
            ("join", join(config)),
            ("after", reading(&["join"], &[])),
            ("few", step(&[])),
        ],
    )
}

pub(super) fn history(world: &World) -> crate::model::History {
    let journal = world.entries.iter().cloned().map(|entry| (RecordId(0), world.now, vec![entry]));
    crate::model::History::of(journal, |number| number.to_string(), |number| number.to_string())
}

/// The config of the execution that came last to a step.
pub(super) fn config(world: &World, step: &str) -> Value {
    let found = history(world).executions.into_iter().rfind(|execution| execution.step == step);
    found.map(|execution| execution.config).unwrap_or_default()
}

pub(super) fn visited(world: &World, step: &str) -> usize {
    history(world).executions.iter().filter(|execution| execution.step == step).count()
}

#[test]
fn a_join_waits_for_every_path_that_can_still_come() {
    let mut world = branches(json!({ "wait_for": "all" }));
    world.returns(1, outcome("ok")).returns(2, outcome("ok"));
    assert_eq!(visited(&world, "after"), 0);
    world.returns(3, outcome("ok"));
    assert_eq!(config(&world, "after"), json!([{ "arrived": ["a", "b", "c"] }]));
    world.returns(5, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Completed);
}

#[test]
fn a_path_that_ends_before_the_join_is_not_waited_for() {
    let mut world = branches(json!({}));
    world.returns(1, outcome("ok")).returns(2, Returned::Exit).returns(3, outcome("elsewhere"));
    assert_eq!(config(&world, "after"), json!([{ "arrived": ["a"] }]));
    // Where none arrives, nothing is joined.
    let mut world = branches(json!({}));
    world.returns(1, Returned::Exit).returns(2, Returned::Exit).returns(3, Returned::Exit);
    assert_eq!((visited(&world, "join"), status(&world)), (0, RunStatus::Completed));
}

#[test]
fn a_join_of_any_goes_on_with_the_first_and_shows_who_comes_later() {
    let mut world = branches(json!({ "wait_for": "any" }));
    world.returns(2, outcome("ok"));
    assert_eq!(config(&world, "after"), json!([{ "arrived": ["b"] }]));
    world.returns(1, outcome("ok")).returns(5, outcome("ok")).returns(3, outcome("ok"));
    assert_eq!((visited(&world, "after"), status(&world)), (1, RunStatus::Completed));
    let arrivals =
        &history(&world).executions.iter().find(|one| one.step == "join").unwrap().arrivals.clone();
    let told: Vec<_> = arrivals.iter().map(|arrival| (arrival.from.as_str(), arrival.late)).collect();
    assert_eq!(told, [("b", false), ("a", true), ("c", true)]);
}

#[test]
fn d8_the_losers_of_a_race_are_cancelled() {
    let mut world = branches(json!({ "wait_for": "any", "cancel_others": true }));
    world.returns(2, defer()).returns(3, outcome("ok"));
    // One that runs ends first, and what it returns is not followed.
    world.returns(1, outcome("ok"));
    assert_eq!(world.calls().iter().filter(|call| call.1 == Call::Cancel).count(), 1);
    world.returns(2, Returned::Cancelled).returns(5, outcome("ok"));
    assert_eq!((visited(&world, "after"), status(&world)), (1, RunStatus::Completed));
    assert!(world.has(|entry| *entry == Entry::ExecutionCancelled { execution: 1 }));
}

#[test]
fn a_join_of_some_says_when_too_few_have_come() {
    let mut world = branches(json!({ "wait_for": "some", "count": 2 }));
    world.returns(1, outcome("ok")).returns(3, outcome("ok"));
    assert_eq!(visited(&world, "after"), 1);
    let mut world = branches(json!({ "wait_for": "some", "count": 2 }));
    world.returns(1, outcome("ok")).returns(2, Returned::Exit).returns(3, Returned::Exit);
    assert_eq!((visited(&world, "after"), visited(&world, "few")), (0, 1));
}

#[test]
fn o2_a_join_of_a_failed_run_goes_on_after_a_retry() {
    let mut world = branches(json!({}));
    world.returns(1, outcome("ok")).returns(2, error("broken")).returns(3, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Failed);
    world.apply(Event::Retry);
    let again = world.calls()[0].0;
    world.returns(again, outcome("ok"));
    assert_eq!(config(&world, "after"), json!([{ "arrived": ["a", "c", "b"] }]));
}

#[test]
fn o2_s12_a_join_of_a_run_that_queues_again_goes_on_only_after_it_has_a_place() {
    let mut world = branches(json!({}));
    world.plan.limited = true;
    world.returns(1, outcome("ok")).returns(2, error("broken")).returns(3, outcome("ok"));
    world.apply(Event::Retry);
    assert_eq!((status(&world), visited(&world, "after")), (RunStatus::Queued, 0));
    world.apply(Event::Admit);
    let again = world.calls()[0].0;
    world.returns(again, outcome("ok"));
    assert_eq!(config(&world, "after"), json!([{ "arrived": ["a", "c", "b"] }]));
}

/// A loop over three items, whose rounds have two steps.
fn over(config: Value) -> World {
    World::start(
        &["loop"],
        [
            ("loop", control(Control::ForEach, config, &[("each", &["first"]), ("done", &["after"])])),
            ("first", reading(&["loop", "trigger"], &[("ok", &["second"])])),
            ("second", reading(&["first", "loop"], &[])),
            ("after", reading(&["loop"], &[])),
        ],
    )
}

fn items() -> Value {
    json!({ "items": ["x", "y", "z"] })
}

fn returned(value: &str) -> Returned {
    Returned::Outcome(Outcome { id: "ok".into(), data: json!({ "id": value }) })
}

#[test]
fn a_loop_goes_through_its_items_in_order_and_collects_the_results() {
    let mut world = over(items());
    for round in ["x", "y", "z"] {
        let [(first, Call::Execute)] = world.calls()[..] else { panic!("{:?}", world.calls()) };
        assert_eq!(config(&world, "first")[0]["item"], round);
        world.returns(first, returned(&format!("{round}1")));
        let [(second, Call::Execute)] = world.calls()[..] else { panic!("{:?}", world.calls()) };
        assert_eq!(config(&world, "second")[0]["id"], format!("{round}1"), "values are those of the round");
        world.returns(second, returned(&format!("{round}2")));
    }
    assert_eq!(
        config(&world, "after"),
        json!([{ "results": [{ "id": "x2" }, { "id": "y2" }, { "id": "z2" }] }])
    );
    let last = world.calls()[0].0;
    world.returns(last, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Completed);
    assert!(world.state.rounds.is_empty());
    let executions = history(&world).executions;
    let round = &executions.iter().rfind(|execution| execution.step == "second").unwrap().rounds;
    assert_eq!((round[0].step.as_str(), round[0].index), ("loop", 2));
}

#[test]
fn rounds_go_on_at_once_as_far_as_the_loop_allows() {
    let mut world = over(json!({ "items": ["x", "y", "z"], "concurrency": 2 }));
    assert_eq!(world.calls().len(), 2);
    let second = world.calls()[1].0;
    world.returns(second, Returned::Exit);
    assert_eq!(config(&world, "first")[0]["item"], "z");
    while let Some(&(number, _)) = world.calls().first() {
        world.returns(number, returned("r"));
    }
    // A round that ends without an outcome has no result.
    let results = history(&world).executions.iter().find(|one| one.step == "loop").unwrap().data.clone();
    assert_eq!(results, Some(json!({ "results": [{ "id": "r" }, null, { "id": "r" }] })));
    assert_eq!(status(&world), RunStatus::Completed);
}

#[test]
fn a_loop_over_nothing_is_done_at_once() {
    let world = over(json!({ "items": [] }));
    assert_eq!(config(&world, "after"), json!([{ "results": [] }]));
}

#[test]
fn s5_a_failing_round_fails_the_run_and_a_retry_goes_on_in_it() {
    let mut world = over(json!({ "items": ["x", "y"], "concurrency": 2 }));
    world.returns(2, returned("x1")).returns(3, error("broken"));
    // The other round is given up where it is.
    world.returns(4, returned("x2"));
    assert_eq!(status(&world), RunStatus::Failed);
    world.apply(Event::Retry);
    let [(again, Call::Execute)] = world.calls()[..] else { panic!("{:?}", world.calls()) };
    assert_eq!(config(&world, "first")[0]["item"], "y");
    world.returns(again, returned("y1"));
    let last = world.calls()[0].0;
    world.returns(last, returned("y2"));
    assert_eq!(config(&world, "after"), json!([{ "results": [{ "id": "x2" }, { "id": "y2" }] }]));
}

#[test]
fn a_loop_that_collects_errors_goes_on_and_gives_up_what_else_its_round_does() {
    let parallel = control(
        Control::ForEach,
        json!({ "items": ["x", "y"], "collect_errors": true }),
        &[("each", &["first", "second"]), ("done", &["after"])],
    );
    let mut world = World::start(
        &["loop"],
        [
            ("loop", parallel),
            ("first", step(&[])),
            ("second", PlannedStep { cancels: true, ..step(&[]) }),
            ("after", reading(&["loop"], &[])),
        ],
    );
    world.returns(3, defer()).returns(2, error("broken"));
    assert_eq!(world.calls(), [(3, Call::Cancel)]);
    world.returns(3, Returned::Cancelled);
    let [(first, _), (second, _)] = world.calls()[..] else { panic!("{:?}", world.calls()) };
    world.returns(first, returned("y1")).returns(second, returned("y2"));
    assert_eq!(
        config(&world, "after"),
        json!([{ "results": [{ "error": { "step": "first", "message": "broken" } }, { "id": "y2" }] }])
    );
}

#[test]
fn a_loop_repeats_until_its_condition_holds_or_its_rounds_are_used_up() {
    let begin = || {
        let until = Arc::new(Enough(BTreeSet::from(["body".to_owned()])));
        let repeat = control(
            Control::Repeat { until },
            json!({ "until": false, "at_most": 3 }),
            &[("round", &["body"]), ("done", &["after"]), ("exhausted", &["late"])],
        );
        World::start(
            &["loop"],
            [
                ("loop", repeat),
                ("body", reading(&["loop"], &[])),
                ("after", reading(&["loop"], &[])),
                ("late", step(&[])),
            ],
        )
    };
    let mut world = begin();
    assert_eq!(config(&world, "body"), json!([{ "index": 0, "previous": null }]));
    world.returns(2, returned("more"));
    assert_eq!(config(&world, "body"), json!([{ "index": 1, "previous": { "id": "more" } }]));
    world.returns(3, returned("enough"));
    assert_eq!(config(&world, "after"), json!([{ "rounds": 2, "last": { "id": "enough" } }]));
    let mut world = begin();
    world.returns(2, returned("more")).returns(3, returned("more")).returns(4, returned("more"));
    assert_eq!((visited(&world, "after"), visited(&world, "late")), (0, 1));
}

#[test]
fn loops_nest_and_joins_belong_to_their_round() {
    let outer = control(
        Control::ForEach,
        json!({ "items": [1, 2], "concurrency": 2 }),
        &[("each", &["inner"]), ("done", &["after"])],
    );
    let inner = control(Control::ForEach, json!({ "items": ["a"] }), &[("each", &["one", "two"])]);
    let mut world = World::start(
        &["outer"],
        [
            ("outer", outer),
            ("inner", inner),
            ("one", reading(&["outer", "inner"], &[("ok", &["join"])])),
            ("two", step(&[("ok", &["join"])])),
            ("join", control(Control::Join, json!({}), &[("done", &["body"])])),
            ("body", step(&[])),
            ("after", reading(&["outer"], &[])),
        ],
    );
    assert_eq!(config(&world, "one"), json!([{ "index": 0, "item": "a" }, { "index": 1, "item": 2 }]));
    while let Some(&(number, _)) = world.calls().first() {
        world.returns(number, returned("r"));
    }
    assert_eq!(
        (visited(&world, "join"), visited(&world, "after"), status(&world)),
        (2, 1, RunStatus::Completed)
    );
}

#[test]
fn a_stop_ends_the_run_and_cancels_the_rest() {
    let begin = |config: Value| {
        World::start(
            &["waits", "stops"],
            [
                ("waits", PlannedStep { cancels: true, ..step(&[]) }),
                ("stops", step(&[("ok", &["stop"])])),
                ("stop", control(Control::Stop, config, &[])),
            ],
        )
    };
    let mut world = begin(json!({ "result": 7 }));
    world.returns(1, defer()).returns(2, outcome("ok"));
    assert_eq!(world.calls(), [(1, Call::Cancel)]);
    world.returns(1, Returned::Cancelled);
    assert_eq!(status(&world), RunStatus::Completed);
    let mut world = begin(json!({ "error": "no stock" }));
    world.returns(2, outcome("ok")).returns(1, outcome("ok"));
    assert_eq!(history(&world).error.as_deref(), Some("no stock"));
}

/// A run whose error handler has two steps.
fn handled() -> World {
    let mut world = World::start(
        &["a", "b"],
        [
            ("a", step(&[])),
            ("b", PlannedStep { cancels: true, ..step(&[]) }),
            ("tell", reading(&["error"], &[("ok", &["tidy"])])),
            ("tidy", step(&[])),
        ],
    );
    world.plan.on_error = vec!["tell".into()];
    world
}

#[test]
fn the_error_handler_runs_once_nothing_else_goes_on_and_the_run_fails_all_the_same() {
    let mut world = handled();
    world.returns(2, defer()).returns(1, error("broken"));
    assert_eq!((visited(&world, "tell"), world.calls()), (0, vec![(2, Call::Cancel)]));
    world.returns(2, Returned::Cancelled);
    assert_eq!(config(&world, "tell"), json!([{ "step": "a", "message": "step `a` failed: broken" }]));
    world.returns(3, outcome("ok")).returns(4, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Failed);
    assert_eq!(history(&world).error.as_deref(), Some("step `a` failed: broken"));
    // A retry goes on where the run failed, not in its handler.
    world.apply(Event::Retry);
    let steps: Vec<_> = world.calls.iter().map(|call| call.step.as_str()).collect();
    assert_eq!(steps, ["a", "b"]);
}

#[test]
fn a_failing_error_handler_changes_nothing_about_the_failure() {
    let mut world = handled();
    world.returns(2, Returned::Exit).returns(1, error("broken")).returns(3, error("worse"));
    assert_eq!(status(&world), RunStatus::Failed);
    assert_eq!(history(&world).error.as_deref(), Some("step `a` failed: broken"));
    assert!(history(&world).executions.iter().any(|one| one.status == ExecutionStatus::Failed));
}

#[test]
fn the_time_limit_counts_while_the_run_is_active() {
    let mut world = World::start(&["a"], [("a", step(&[("ok", &["b"])])), ("b", step(&[]))]);
    world.plan.time_limit = Some(Duration::from_mins(1));
    world.returns(1, retryable("busy")).pass(1).returns(1, defer());
    // It waits for a day.
    world.pass(86_400).callback(100, 1).returns(1, outcome("ok"));
    world.pass(30);
    assert_eq!(status(&world), RunStatus::Running);
    world.pass(31);
    assert_eq!(status(&world), RunStatus::Running, "the handler that runs ends first");
    world.returns(2, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Failed);
    assert!(history(&world).error.unwrap_or_default().contains("time limit of 60 s"));
}

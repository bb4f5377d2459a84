//! Calls of other workflows (s14).

use super::controls::{config, control, history, visited};
use super::*;
use crate::model::{CallAnswer, ExecutionId, ExecutionStatus, VersionId, WorkflowId};

fn call(wait: bool, on: &[(&str, &[&str])]) -> PlannedStep {
    let config = json!({ "workflow": "other", "data": { "n": 1 }, "wait": wait });
    PlannedStep { retry: RetryPolicy::NEVER, ..control(Control::Call, config, on) }
}

fn reading(name: &str) -> PlannedStep {
    PlannedStep { config: Arc::new(Config(BTreeSet::from([name.to_owned()]))), ..step(&[]) }
}

/// A run that calls, and goes on with what comes of it.
fn caller() -> World {
    let step = call(true, &[("completed", &["after"])]);
    World::start(&["call"], [("call", step), ("after", reading("call"))])
}

fn callee(number: u128) -> Called {
    let version = VersionId(uuid::Uuid::from_u128(7));
    Called::Run(Callee { run: run(number), workflow: WorkflowId("other".into()), version })
}

fn completed(result: Value) -> CallAnswer {
    CallAnswer::Completed { result }
}

fn failed() -> CallAnswer {
    CallAnswer::Failed { message: "it broke".into() }
}

impl World {
    /// Makes the calls that are due, of runs that are numbered from this on.
    #[track_caller]
    fn call(&mut self, first: u128) -> &mut Self {
        let due: Vec<u32> = self.state.calls_due(self.now).map(|(number, _)| number).collect();
        assert!(!due.is_empty(), "no call is due");
        self.apply(Event::Called(due.into_iter().zip((first..).map(callee)).collect()))
    }

    #[track_caller]
    fn answer(&mut self, execution: u32, number: u128, answer: CallAnswer) -> &mut Self {
        let (message, at) = (RecordId(900), self.now);
        self.apply(Event::Answered { message, execution, at, run: run(number), answer })
    }

    fn told(&self) -> Vec<(RunId, &Entry)> {
        self.messages.iter().map(|message| (message.to, &message.entry)).collect()
    }
}

#[test]
fn s14_d7_a_call_waits_for_the_end_of_its_run_and_has_its_result() {
    let mut world = caller();
    assert_eq!((status(&world), world.state.due_at()), (RunStatus::Queued, Some(world.now)));
    world.call(1);
    assert_eq!((world.called.clone(), status(&world)), (vec![run(1)], RunStatus::Waiting));
    assert_eq!((world.state.due_at(), world.state.accepts_callback(1)), (None, false));
    world.answer(1, 1, completed(json!("good")));
    assert_eq!(config(&world, "after"), json!([{ "result": "good", "run": run(1) }]));
    world.returns(2, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Completed);
    let call = &history(&world).executions[0];
    assert_eq!((call.children[0].run_id, call.children[0].workflow_id.0.as_str()), (run(1), "other"));
    assert_eq!(call.status, ExecutionStatus::Completed);
}

#[test]
fn s14_a_call_that_does_not_wait_goes_on_at_once() {
    let step = call(false, &[("started", &["after"])]);
    let mut world = World::start(&["call"], [("call", step), ("after", reading("call"))]);
    world.call(1);
    assert_eq!(config(&world, "after"), json!([{ "run": run(1) }]));
    world.apply(Event::Cancel);
    assert_eq!(world.told(), [], "the run that was started goes on");
}

#[test]
fn s14_s5_a_run_that_fails_fails_the_call_with_its_message() {
    let mut world = caller();
    world.call(1).answer(1, 1, failed());
    assert_eq!(world.state.failure.as_deref(), Some("step `call` failed: it broke"));
    // A retry calls anew, by an execution of its own.
    world.apply(Event::Retry).call(2).answer(2, 2, completed(json!(2)));
    assert_eq!(config(&world, "after"), json!([{ "result": 2, "run": run(2) }]));

    let step = call(true, &[("error", &["after"])]);
    let mut world = World::start(&["call"], [("call", step), ("after", reading("call"))]);
    world.call(1).answer(1, 1, failed());
    assert_eq!(config(&world, "after"), json!([{ "message": "it broke" }]));
}

#[test]
fn s14_a_run_that_was_cancelled_fails_the_call() {
    let mut world = caller();
    world.call(1).answer(1, 1, CallAnswer::Cancelled);
    let failure = world.state.failure.clone().unwrap();
    assert!(failure.ends_with("was cancelled"), "{failure}");
}

#[test]
fn s14_a_call_that_cannot_be_made_fails() {
    let mut world = caller();
    world.apply(Event::Called(vec![(1, Called::Refused("it is not enabled".into()))]));
    assert_eq!(world.state.failure.as_deref(), Some("step `call` failed: it is not enabled"));
    assert!(world.called.is_empty());
}

#[test]
fn s14_a_call_that_cannot_be_made_here_is_due_again_later() {
    let mut world = caller();
    let later = world.now + Duration::from_secs(10);
    world.apply(Event::Called(vec![(1, Called::Later(later))]));
    assert_eq!((world.state.due_at(), world.state.calls_due(world.now).count()), (Some(later), 0));
    world.pass(10).call(1);
    assert_eq!(world.called, [run(1)]);
}

#[test]
fn s14_s4_a_step_may_set_that_a_run_which_failed_is_called_again() {
    let retry = RetryPolicy { attempts: 2, ..RetryPolicy::DEFAULT };
    let step = PlannedStep { retry, ..call(true, &[]) };
    let mut world = World::start(&["call"], [("call", step)]);
    world.call(1).answer(1, 1, failed());
    assert_eq!(world.state.calls_due(world.now).count(), 0);
    world.pass(1).call(2);
    // The first was retried by a person and ends once more: nobody waits for it.
    world.answer(1, 1, completed(json!("late")));
    assert!(world.has(|entry| *entry == unused(1, 900, Unused::Resolved)));
    world.answer(1, 2, failed());
    assert_eq!(status(&world), RunStatus::Failed);
}

#[test]
fn s14_d8_giving_a_call_up_tells_its_run_once_and_waits_for_it() {
    let mut world = caller();
    world.call(1).apply(Event::Cancel).apply(Event::Cancel);
    assert_eq!(world.told(), [(run(1), &Entry::CallGivenUp)]);
    assert_eq!((status(&world), world.state.due_at()), (RunStatus::Cancelling, None));
    // It was done before it heard of it: its result is recorded and not followed.
    world.answer(1, 1, completed(json!("good")));
    assert_eq!((status(&world), visited(&world, "after")), (RunStatus::Cancelled, 0));

    let mut world = caller();
    world.apply(Event::Cancel);
    assert_eq!((world.told(), status(&world)), (vec![], RunStatus::Cancelled), "it had not called yet");
}

#[test]
fn s14_d7_a_deadline_gives_the_run_up_and_has_an_edge() {
    let deadline = Some(Duration::from_mins(1));
    let late = || {
        let step = PlannedStep { deadline, ..call(true, &[("deadline", &["late"])]) };
        World::start(&["call"], [("call", step), ("late", step_without_edges())])
    };
    let mut world = late();
    world.call(1).pass(60);
    assert_eq!((world.told(), visited(&world, "late")), (vec![(run(1), &Entry::CallGivenUp)], 0));
    world.answer(1, 1, CallAnswer::Cancelled);
    assert_eq!(visited(&world, "late"), 1);
    // An answer that came after it, before anybody looked.
    let mut world = late();
    world.call(1);
    world.now += Duration::from_secs(61);
    world.answer(1, 1, completed(json!("late")));
    assert_eq!((world.told(), visited(&world, "late")), (vec![], 1));
}

fn step_without_edges() -> PlannedStep {
    step(&[])
}

#[test]
fn s14_o2_an_answer_to_a_run_that_fails_is_followed_by_a_retry() {
    let mut world = World::start(
        &["call", "other"],
        [
            ("call", call(true, &[("completed", &["after"])])),
            ("other", step(&[])),
            ("after", reading("call")),
        ],
    );
    world.call(1).returns(2, error("broken")).answer(1, 1, completed(json!(1)));
    assert_eq!((status(&world), visited(&world, "after")), (RunStatus::Failed, 0));
    world.apply(Event::Retry);
    assert_eq!((visited(&world, "after"), world.called.len()), (1, 1));
}

/// A run that was called and that somebody waits for.
fn called(on: &[(&str, &[&str])]) -> World {
    let caller = Caller { run: run(5), execution: 3, waits: true, depth: 1, lanes: Vec::new() };
    let stop = control(Control::Stop, json!({ "result": "stopped" }), &[]);
    World::called_by(Some(caller), &["first"], [("first", step(on)), ("second", step(&[])), ("stop", stop)])
}

#[track_caller]
fn answers(world: &World, answer: CallAnswer) {
    let entry = Entry::CallAnswered { execution: 3, run: run(0), answer };
    assert_eq!(world.told(), [(run(5), &entry)]);
}

#[test]
fn s14_a_run_that_was_called_tells_its_caller_what_it_came_to() {
    let caller = Some(ExecutionId { run: run(5), number: 3 });
    let mut world = called(&[("ok", &["second"])]);
    assert!(world.has(|entry| matches!(entry, Entry::RunStarted { caller: by, .. } if *by == caller)));
    world.returns(1, outcome("ok")).returns(2, outcome("last"));
    answers(&world, completed(json!({ "id": "last" })));

    let mut world = called(&[]);
    world.returns(1, Returned::Exit);
    answers(&world, completed(Value::Null));

    let mut world = called(&[("ok", &["stop"])]);
    world.returns(1, outcome("ok"));
    answers(&world, completed(json!("stopped")));

    let mut world = called(&[]);
    world.returns(1, error("broken"));
    answers(&world, CallAnswer::Failed { message: "step `first` failed: broken".into() });

    let mut world = called(&[]);
    world.apply(Event::GivenUp(RecordId(900))).returns(1, outcome("ok"));
    answers(&world, CallAnswer::Cancelled);
}

#[test]
fn s14_nobody_is_told_of_a_run_that_was_only_started() {
    let caller = Caller { run: run(5), execution: 3, waits: false, depth: 1, lanes: Vec::new() };
    let mut world = World::called_by(Some(caller), &["first"], [("first", step(&[]))]);
    world.returns(1, outcome("ok"));
    assert_eq!((status(&world), world.told(), world.state.result), (RunStatus::Completed, vec![], None));
}

#[test]
fn s14_what_calls_or_was_called_is_stored_so_that_an_older_engine_leaves_it() {
    let format = |world: &World| world.state.format();
    let mut world = caller();
    assert_eq!(format(&world), 2, "a call is to be made");
    world.call(1);
    assert_eq!(format(&world), 2, "it waits for the answer");
    world.answer(1, 1, completed(json!(7)));
    assert_eq!(format(&world), 1, "the answer is a value like others");
}

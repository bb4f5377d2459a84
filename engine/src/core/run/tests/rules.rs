use super::*;
use crate::core::policy::MOST_INTERRUPTIONS;
use crate::model::AttemptResult;

#[test]
fn s1_an_outcome_follows_its_edges_and_one_without_ends_the_path() {
    let mut world =
        World::start(&["a"], [("a", step(&[("ok", &["b", "c"])])), ("b", step(&[])), ("c", step(&[]))]);
    world.returns(1, outcome("ok"));
    assert_eq!(world.calls(), [(2, Call::Execute), (3, Call::Execute)]);
    world.returns(2, outcome("unknown")).returns(3, outcome("other"));
    assert_eq!(status(&world), RunStatus::Completed);
}

#[test]
fn s2_attempts_share_the_execution_and_count_up() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, retryable("busy")).pass(1);
    let attempt = &world.calls[0];
    assert_eq!((attempt.execution, attempt.attempt), (1, 2));
}

#[test]
fn s3_exit_ends_the_path() {
    let mut world = World::start(&["a"], [("a", step(&[("ok", &["b"])])), ("b", step(&[]))]);
    world.returns(1, Returned::Exit);
    assert_eq!(status(&world), RunStatus::Completed);
}

#[test]
fn s4_a_retryable_error_waits_for_its_back_off_and_fails_when_the_attempts_are_used_up() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, retryable("busy"));
    assert_eq!(world.calls(), []);
    assert_eq!(world.state.due_at(), world.now.checked_add(Duration::from_secs(1)).ok());
    world.pass(1).returns(1, retryable("busy")).pass(2).returns(1, retryable("busy"));
    assert_eq!(status(&world), RunStatus::Failed);
}

#[test]
fn s4_retry_after_is_honoured() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, Returned::Error { message: "busy".into(), retry: Some(Duration::from_secs(90)) });
    world.pass(89);
    assert_eq!(world.calls(), []);
    world.pass(1);
    assert_eq!(world.calls(), [(1, Call::Execute)]);
}

#[test]
fn s5_a_failed_step_fails_the_run_and_cancels_its_siblings() {
    let deferring = PlannedStep { cancels: true, ..step(&[]) };
    let mut world =
        World::start(&["a", "b", "c"], [("a", step(&[])), ("b", deferring), ("c", step(&[("ok", &["a"])]))]);
    world.returns(2, defer()).returns(1, error("broken"));
    assert_eq!(status(&world), RunStatus::Running);
    assert_eq!(world.calls(), [(3, Call::Execute), (2, Call::Cancel)]);
    world.returns(3, outcome("ok")).returns(2, Returned::Cancelled);
    assert_eq!(status(&world), RunStatus::Failed);
    let error = Some("step `a` failed: broken".to_owned());
    assert_eq!(world.entries.last(), Some(&Entry::RunEnded { status: RunStatus::Failed, error }));
    // The result of the running sibling was recorded and not followed.
    assert_eq!(world.state.executions, 3);
}

#[test]
fn s5_an_error_edge_receives_the_message_as_data() {
    let needs_a = PlannedStep { config: Arc::new(Config(["a".to_owned()].into())), ..step(&[]) };
    let mut world = World::start(&["a"], [("a", step(&[("error", &["b"])])), ("b", needs_a)]);
    world.returns(1, error("broken"));
    assert_eq!(world.values[&world.calls[0].config], json!([{ "message": "broken" }]));
}

#[test]
fn s7_three_interruptions_in_a_row_fail_the_step_and_fewer_do_not() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.interrupt(1).interrupt(1);
    assert_eq!(world.calls(), [(1, Call::Execute)]);
    world.returns(1, retryable("busy")).pass(1).interrupt(1).interrupt(1);
    assert_eq!(status(&world), RunStatus::Running);
    world.interrupt(1);
    assert_eq!(status(&world), RunStatus::Failed);
    assert!(world.has(|entry| matches!(entry, Entry::RunEnded { error: Some(error), .. } if error.contains("interrupted 3 times"))));
}

#[test]
fn s7_an_interrupted_finish_is_called_again_with_the_same_callback() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, defer()).callback(50, 1).interrupt(1);
    assert_eq!(world.calls(), [(1, finish(50))]);
}

#[test]
fn s8_every_call_of_an_execution_sees_the_config_that_was_recorded_first() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    let config = world.calls[0].config;
    world.returns(1, defer()).callback(50, 1);
    assert_eq!(world.calls[0].config, config);
}

#[test]
fn s9_a_variable_that_cannot_be_resolved_fails_the_step_without_calling_it() {
    let needs_b = PlannedStep { config: Arc::new(Config(["b".to_owned()].into())), ..step(&[]) };
    let world = World::start(&["a"], [("a", needs_b)]);
    assert_eq!(world.calls(), []);
    let message = "config `value`: `b` is undefined".to_owned();
    assert!(world.entries.contains(&Entry::ExecutionFailed { execution: 1, message }));
    assert_eq!(status(&world), RunStatus::Failed);
}

#[test]
fn d2_callbacks_of_resolved_executions_are_unused_together() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    let leftover = Event::Leftover(vec![(RecordId(50), 1), (RecordId(51), 1)]);
    assert!(world.try_apply(leftover.clone()).is_err(), "it is not resolved");
    world.returns(1, outcome("ok")).apply(leftover);
    for callback in [50, 51] {
        assert!(world.entries.contains(&unused(1, callback, Unused::Resolved)));
    }
}

#[test]
fn d2_a_callback_waits_while_an_attempt_runs_and_is_unused_if_execute_resolves() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    assert!(world.state.accepts_callback(1));
    assert_eq!(world.takes(1), Takes::Later);
    let early = Event::Callback { callback: RecordId(50), execution: 1, at: world.now };
    assert!(world.try_apply(early.clone()).is_err());
    world.returns(1, retryable("busy"));
    assert_eq!(world.takes(1), Takes::Later);
    world.pass(1).returns(1, outcome("ok"));
    world.apply(early);
    assert!(world.entries.contains(&unused(1, 50, Unused::Resolved)));
}

#[test]
fn d3_callbacks_are_taken_one_at_a_time() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, defer()).callback(50, 1);
    assert_eq!(world.takes(1), Takes::Later);
    world.returns(1, no_op());
    assert_eq!(world.takes(1), Takes::Now);
}

#[test]
fn d4_any_number_of_no_ops_leave_it_deferred() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, defer());
    for callback in 50..60 {
        world.callback(callback, 1).returns(1, no_op());
        assert_eq!(status(&world), RunStatus::Waiting);
    }
    world.callback(60, 1).returns(1, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Completed);
}

#[test]
fn d4_a_no_op_may_bring_the_next_state_and_others_leave_it() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, defer());
    let state = |world: &World| world.state.live[&1].deferred.clone();
    let next = Some(Sealed(vec![7]));
    world.callback(50, 1).returns(1, Returned::NoOp { state: next.clone(), wake: None });
    assert_eq!((status(&world), state(&world)), (RunStatus::Waiting, next.clone()));
    world.callback(51, 1).returns(1, no_op());
    world.callback(52, 1).returns(1, Returned::Rejected("no".into()));
    world.callback(53, 1).returns(1, retryable("busy"));
    assert_eq!(state(&world), next);
}

#[test]
fn d5_a_retryable_error_of_finish_keeps_the_callback() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, defer()).callback(50, 1).returns(1, retryable("busy"));
    assert_eq!(world.takes(1), Takes::Later);
    world.pass(1);
    assert_eq!(world.calls(), [(1, finish(50))]);
}

#[test]
fn d6_a_resolved_execution_accepts_no_callback() {
    let mut world = World::start(&["a", "b"], [("a", step(&[])), ("b", step(&[]))]);
    world.returns(1, outcome("ok"));
    assert!(!world.state.accepts_callback(1));
    assert!(world.state.accepts_callback(2));
    world.returns(2, outcome("ok"));
    assert!(!world.state.accepts_callback(2));
}

#[test]
fn d7_a_deferred_run_has_nothing_due() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, defer());
    assert_eq!((status(&world), world.state.due_at()), (RunStatus::Waiting, None));
}

fn with_deadline() -> World {
    let late = PlannedStep {
        deadline: Some(Duration::from_mins(1)),
        cancels: true,
        ..step(&[("deadline", &["b"])])
    };
    World::start(&["a"], [("a", late), ("b", step(&[]))])
}

#[test]
fn d7_a_deadline_counts_from_the_first_attempt_calls_cancel_and_follows_its_edge() {
    let mut world = with_deadline();
    world.pass(59).returns(1, defer());
    assert_eq!(world.calls(), []);
    world.pass(1);
    assert_eq!(world.calls(), [(1, Call::Cancel)]);
    assert!(!world.state.accepts_callback(1));
    world.returns(1, Returned::Cancelled);
    assert_eq!(world.calls(), [(2, Call::Execute)]);
}

#[test]
fn d7_a_callback_after_the_deadline_is_unused_and_one_before_it_is_not() {
    let mut world = with_deadline();
    world.returns(1, defer());
    world.now += jiff::SignedDuration::from_secs(61);
    world.callback(50, 1);
    assert!(world.entries.contains(&unused(1, 50, Unused::Deadline)));

    let mut world = with_deadline();
    world.returns(1, defer());
    let at = world.now;
    world.now += jiff::SignedDuration::from_secs(61);
    world.apply(Event::Callback { callback: RecordId(50), execution: 1, at });
    assert_eq!(world.calls(), [(1, finish(50))]);
}

#[test]
fn d8_cancelling_waits_for_the_running_attempt_and_does_not_follow_its_result() {
    let mut world = World::start(&["a"], [("a", step(&[("ok", &["b"])])), ("b", step(&[]))]);
    world.apply(Event::Cancel);
    assert_eq!(status(&world), RunStatus::Cancelling);
    world.returns(1, outcome("ok"));
    assert_eq!((status(&world), world.state.executions), (RunStatus::Cancelled, 1));
    assert!(
        world.has(|entry| matches!(entry, Entry::AttemptEnded { result: AttemptResult::Outcome { .. }, .. }))
    );
}

#[test]
fn d8_cancelling_a_deferred_execution_calls_cancel_and_retries_it() {
    let mut world = World::start(&["a"], [("a", PlannedStep { cancels: true, ..step(&[]) })]);
    world.returns(1, defer()).apply(Event::Cancel);
    assert_eq!(world.calls(), [(1, Call::Cancel)]);
    world.returns(1, error("provider down"));
    assert_eq!(status(&world), RunStatus::Cancelling);
    world.pass(1).returns(1, Returned::Cancelled);
    assert_eq!(status(&world), RunStatus::Cancelled);
}

#[test]
fn d8_a_cancel_that_is_interrupted_again_and_again_is_tried_again_as_one_that_fails() {
    let mut world = World::start(&["a"], [("a", PlannedStep { cancels: true, ..step(&[]) })]);
    world.returns(1, defer()).apply(Event::Cancel);
    for _ in 1..MOST_INTERRUPTIONS {
        world.interrupt(1);
        assert_eq!(world.calls(), [(1, Call::Cancel)], "at once");
    }
    world.interrupt(1);
    assert_eq!((status(&world), world.calls()), (RunStatus::Cancelling, vec![]));
    world.pass(1);
    assert_eq!(world.calls(), [(1, Call::Cancel)], "after a back-off");
    world.returns(1, Returned::Cancelled);
    assert_eq!(status(&world), RunStatus::Cancelled);
}

#[test]
fn d8_an_attempt_that_defers_after_the_cancellation_is_torn_down() {
    let mut world = World::start(&["a"], [("a", PlannedStep { cancels: true, ..step(&[]) })]);
    world.apply(Event::Cancel).returns(1, defer());
    assert_eq!(world.calls(), [(1, Call::Cancel)]);
}

#[test]
fn d12_a_rejected_callback_leaves_it_deferred() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(1, defer()).callback(50, 1).returns(1, Returned::Rejected("not JSON".into()));
    assert_eq!(status(&world), RunStatus::Waiting);
}

#[test]
fn o2_a_failed_run_goes_on_from_the_failed_step() {
    let mut world = World::start(&["a"], [("a", step(&[("ok", &["b"])])), ("b", step(&[]))]);
    world.returns(1, outcome("ok")).returns(2, error("broken"));
    assert_eq!(status(&world), RunStatus::Failed);
    world.apply(Event::Retry);
    assert_eq!(world.calls(), [(3, Call::Execute)]);
    assert_eq!(world.calls[0].step, "b");
    world.returns(3, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Completed);
    assert!(world.try_apply(Event::Retry).is_err());
}

#[test]
fn o2_a_retry_follows_what_a_sibling_had_reached() {
    let mut world =
        World::start(&["a", "b"], [("a", step(&[])), ("b", step(&[("ok", &["c"])])), ("c", step(&[]))]);
    world.returns(1, error("broken")).returns(2, outcome("ok")).apply(Event::Retry);
    let steps: Vec<_> = world.calls.iter().map(|attempt| attempt.step.as_str()).collect();
    assert_eq!(steps, ["a", "c"]);
}

#[test]
fn attempts_without_a_slot_are_queued_until_there_is_one() {
    let mut world =
        World::start(&["a"], [("a", step(&[("ok", &["b", "c"])])), ("b", step(&[])), ("c", step(&[]))]);
    world.slots = 1;
    world.returns(1, outcome("ok"));
    assert_eq!(world.calls(), [(2, Call::Execute)]);
    world.apply(Event::Tick);
    assert_eq!(world.calls(), [(2, Call::Execute), (3, Call::Execute)]);
}

#[test]
fn s13_attempts_of_a_bounded_block_start_as_far_as_it_has_slots_and_hold_up_no_other() {
    let narrow = || bounded("test/narrow", step(&[]));
    let mut world = World::start(&["a", "b", "c"], [("a", narrow()), ("b", step(&[])), ("c", narrow())]);
    assert_eq!(world.calls(), [(2, Call::Execute)]);
    world.block_slots = HashMap::from([("test/narrow".to_owned(), 1), ("test/other".to_owned(), 9)]);
    world.apply(Event::Tick);
    assert_eq!(world.calls(), [(2, Call::Execute), (1, Call::Execute)], "in order of the executions");
    world.slots = 0;
    world.apply(Event::Tick);
    assert_eq!(world.calls().len(), 2, "a slot of the block is not enough");
    world.slots = 100;
    world.apply(Event::Tick);
    assert_eq!(world.calls(), [(2, Call::Execute), (1, Call::Execute), (3, Call::Execute)]);
}

#[test]
fn s13_every_handler_of_a_bounded_block_counts() {
    let slots = HashMap::from([("test/narrow".to_owned(), 1)]);
    let narrow = bounded("test/narrow", PlannedStep { cancels: true, ..step(&[]) });
    let mut world = World::start(&["a"], [("a", narrow)]);
    for (event, call) in [
        (Event::Tick, Call::Execute),
        (Event::Callback { callback: RecordId(50), execution: 1, at: world.now }, finish(50)),
        (Event::Cancel, Call::Cancel),
    ] {
        world.block_slots.clear();
        world.apply(event);
        assert_eq!(world.calls(), []);
        world.block_slots.clone_from(&slots);
        world.apply(Event::Tick);
        assert_eq!(world.calls(), [(1, call)]);
        world.block_slots.clear();
        world.returns(
            1,
            match call {
                Call::Execute => defer(),
                Call::Cancel => Returned::Cancelled,
                _ => no_op(),
            },
        );
    }
    assert_eq!(status(&world), RunStatus::Cancelled);
}

#[test]
fn s13_a_run_that_waits_for_a_slot_is_cancelled_without_one() {
    let mut world = World::start(&["a"], [("a", bounded("test/narrow", step(&[])))]);
    assert_eq!(status(&world), RunStatus::Queued);
    world.apply(Event::Cancel);
    assert_eq!((status(&world), world.calls()), (RunStatus::Cancelled, vec![]));
}

#[test]
fn s13_what_is_due_later_is_known_while_an_attempt_waits_for_a_slot() {
    let late = PlannedStep { deadline: Some(Duration::from_mins(1)), ..step(&[]) };
    let mut world = World::start(&["a", "b"], [("a", bounded("test/narrow", step(&[]))), ("b", late)]);
    world.returns(2, retryable("busy"));
    let due = world.state.due_after(world.now).expect("the other attempt is due later");
    assert_eq!((world.state.due_at(), due), (Some(world.now), Timestamp::from_second(1).expect("a time")));
    world.now = due;
    world.apply(Event::Tick);
    assert_eq!(world.calls(), [(2, Call::Execute)]);
}

fn sleeping(wake: When) -> World {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    world.returns(
        1,
        Returned::Defer { state: Sealed(vec![1]), waiting_for: None, question: None, wake: Some(wake) },
    );
    world
}

#[test]
fn d11_wake_is_called_once_at_its_time() {
    let mut world = sleeping(When::After(Duration::from_mins(1)));
    assert_eq!((status(&world), world.state.due_at()), (RunStatus::Waiting, Timestamp::from_second(60).ok()));
    world.pass(59);
    assert_eq!(world.calls(), []);
    world.pass(1);
    assert_eq!(world.calls(), [(1, Call::Wake)]);
    world.returns(1, no_op()).pass(3600);
    assert_eq!((world.calls(), status(&world)), (vec![], RunStatus::Waiting));
}

#[test]
fn d11_a_no_op_may_name_the_next_wake_time() {
    let mut world = sleeping(When::After(Duration::from_mins(1)));
    for _ in 0..3 {
        world.pass(60);
        assert_eq!(world.calls(), [(1, Call::Wake)]);
        world.returns(1, Returned::NoOp { state: None, wake: Some(When::After(Duration::from_mins(1))) });
    }
    world.pass(60).returns(1, outcome("ok"));
    assert_eq!(status(&world), RunStatus::Completed);
}

#[test]
fn d11_an_execution_that_is_resolved_before_is_not_woken() {
    let mut world = sleeping(When::After(Duration::from_mins(1)));
    world.callback(50, 1).returns(1, outcome("ok")).pass_ended(60);
    assert!(!world.has(|entry| matches!(entry, Entry::AttemptStarted { handler: HandlerName::Wake, .. })));
}

#[test]
fn d3_a_wake_time_and_a_callback_are_taken_in_the_order_in_which_they_came() {
    let mut world = sleeping(When::After(Duration::from_mins(1)));
    world.now += jiff::SignedDuration::from_secs(61);
    assert_eq!(world.takes(1), Takes::Later, "the wake time came first");
    world.apply(Event::Tick);
    assert_eq!(world.calls(), [(1, Call::Wake)]);
    let mut early = sleeping(When::After(Duration::from_mins(1)));
    early.callback(50, 1).now += jiff::SignedDuration::from_secs(61);
    early.apply(Event::Tick);
    assert_eq!(early.calls(), [(1, finish(50))], "the callback came first");
    early.returns(1, no_op()).apply(Event::Tick);
    assert_eq!(early.calls(), [(1, Call::Wake)]);
}

#[test]
fn d11_the_earlier_of_wake_time_and_deadline_comes_first() {
    let wake = |seconds| Returned::Defer {
        state: Sealed(vec![1]),
        waiting_for: None,
        question: None,
        wake: Some(When::After(Duration::from_secs(seconds))),
    };
    let mut world = with_deadline();
    world.returns(1, wake(30)).pass(120);
    assert_eq!(world.calls(), [(1, Call::Wake)]);
    let mut late = with_deadline();
    late.returns(1, wake(90)).pass(120);
    assert_eq!(late.calls(), [(1, Call::Cancel)]);
}

#[test]
fn d11_a_callback_to_a_block_that_only_wakes_is_recorded_as_unused() {
    let only_wakes = PlannedStep { finishes: false, ..step(&[]) };
    let mut world = World::start(&["a"], [("a", only_wakes)]);
    world.returns(1, defer()).callback(50, 1);
    assert!(world.entries.contains(&unused(1, 50, Unused::NoHandler)));
    assert_eq!(status(&world), RunStatus::Waiting);
}

#[test]
fn s7_a_block_may_say_that_an_interrupted_execution_is_not_repeated() {
    let once = PlannedStep { if_interrupted: IfInterrupted::Fail, ..step(&[]) };
    let mut world = World::start(&["a"], [("a", once)]);
    world.interrupt(1);
    assert_eq!((world.calls(), status(&world)), (vec![], RunStatus::Failed));
    let clear = |entry: &Entry| matches!(entry, Entry::RunEnded { error: Some(error), .. } if error.contains("must not be repeated"));
    assert!(world.has(clear));
}

#[test]
fn o9_a_value_that_is_too_large_fails_its_step_and_names_the_limit() {
    let mut world = World::start(&["a"], [("a", step(&[]))]);
    let data = json!("x".repeat(1024 * 1024));
    world.returns(1, Returned::Outcome(Outcome { id: "ok".into(), data }));
    let named = |entry: &Entry| matches!(entry, Entry::RunEnded { error: Some(error), .. } if error.contains("1048576 at most"));
    assert!(world.has(named), "{:?}", world.entries);
}

#[test]
fn o9_a_run_that_holds_too_much_fails_and_names_the_limit() {
    let mut world = World::start(&["a"], [("a", step(&[("ok", &["a"])]))]);
    let mut number = 0;
    while world.state.ended.is_none() {
        number += 1;
        assert!(number <= 70, "it goes on and on");
        let data = json!("x".repeat(1000 * 1000));
        world.returns(number, Returned::Outcome(Outcome { id: "ok".into(), data }));
        world.values.clear();
    }
    let named = |entry: &Entry| matches!(entry, Entry::RunEnded { error: Some(error), .. } if error.contains("67108864 bytes"));
    assert!(number > 60 && world.has(named), "{number}");
}

#[test]
fn o9_a_run_that_goes_in_circles_fails_after_the_most_executions() {
    let mut world = World::start(&["a"], [("a", step(&[("ok", &["a"])]))]);
    for number in 1..=10_000 {
        world.returns(number, outcome("ok"));
        world.values.clear();
    }
    let named = |entry: &Entry| matches!(entry, Entry::RunEnded { error: Some(error), .. } if error.contains("10000 executions"));
    assert!(world.has(named), "{:?}", world.entries.last());
}

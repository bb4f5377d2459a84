//! Runs that are called with another's change, and what runs tell each other (s14).

use uuid::Uuid;

use super::sample::{Sample, at, join_all, refused};
use crate::model::{RunId, RunStatus, VersionId};
use crate::store::{Finished, Lane, Message, RunChange, StartRun, Store};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    s14_a_run_is_created_with_the_change_that_calls_it(&fresh().await).await;
    s14_a_message_waits_in_the_inbox_and_leaves_the_state(&fresh().await).await;
    s14_a_message_is_dropped_that_nobody_can_take_any_more(&fresh().await).await;
    s14_a_run_may_be_called_and_told_at_once(&fresh().await).await;
    s14_messages_that_come_together_are_all_kept(&fresh().await).await;
    s12_s14_a_run_that_is_called_queues_in_its_lane(&fresh().await).await;
    o6_s14_a_run_that_was_called_is_kept_as_long_as_its_caller_goes_on(&fresh().await).await;
}

/// A run that another calls.
fn begun_by(by: &Sample, child: &Sample, store: &dyn Store) -> StartRun {
    let mut start = StartRun { owned: false, ..child.start(store) };
    start.run.parent = Some(by.id);
    start
}

/// A change of a run that has not moved yet, with which it calls another.
fn calling(parent: &Sample, child: &Sample, store: &dyn Store) -> RunChange {
    RunChange {
        owned: false,
        called: vec![begun_by(parent, child, store)],
        ..parent.change(store, 0, "calls")
    }
}

/// What is told to a run.
fn message(to: &Sample, store: &dyn Store, execution: u32, body: &str) -> Message {
    Message { execution, record: to.record(store, 4, body.as_bytes()) }
}

/// The change that ends a run and tells another.
fn ending(run: &Sample, sequence: i64, messages: Vec<Message>, store: &dyn Store) -> RunChange {
    RunChange {
        status: RunStatus::Completed,
        owned: false,
        finished_at: Some(at(5)),
        messages,
        ..run.change(store, sequence, "ended")
    }
}

async fn commit(store: &dyn Store, change: RunChange) {
    store.commit_run(change).await.expect("the sequence is right");
}

async fn parent_of(store: &dyn Store, run: &Sample) -> Option<RunId> {
    store.run(run.id).await.expect("the store works").expect("the run exists").parent
}

async fn s14_a_run_is_created_with_the_change_that_calls_it(store: &dyn Store) {
    let (parent, child) = (Sample::default(), Sample::default());
    parent.create(store).await;
    let stale = RunChange { sequence: 7, ..calling(&parent, &child, store) };
    assert!(refused(store.commit_run(stale).await));
    assert_eq!(store.run(child.id).await.expect("the store works"), None);
    let mut change = calling(&parent, &child, store);
    change.called[0].run.due_at = Some(at(3));
    commit(store, change).await;
    assert_eq!(parent_of(store, &child).await, Some(parent.id));
    assert_eq!(parent_of(store, &parent).await, None);
    assert_eq!(child.bodies(store).await, ["started"]);
    assert_eq!(store.due(at(3), 10).await.expect("the store works"), [child.id]);
}

async fn s14_a_message_waits_in_the_inbox_and_leaves_the_state(store: &dyn Store) {
    let (parent, child) = (Sample::default(), Sample::default());
    parent.create(store).await;
    commit(store, calling(&parent, &child, store)).await;
    let due = async || store.due(at(9), 10).await.expect("the store works");
    assert_eq!(due().await, []);
    commit(store, ending(&child, 0, vec![message(&parent, store, 3, "done")], store)).await;
    let inbox = store.inbox(parent.id).await.expect("the store works");
    assert_eq!(
        inbox.iter().map(|entry| (entry.execution, entry.postponed)).collect::<Vec<_>>(),
        [(3, false)]
    );
    assert_eq!(due().await, [parent.id]);
    // A change that was decided before it is still good.
    let taken = RunChange { taken: vec![inbox[0].record], owned: false, ..parent.change(store, 1, "taken") };
    commit(store, taken).await;
    assert_eq!(parent.bodies(store).await, ["started", "calls", "done", "taken"]);
    assert_eq!((store.inbox(parent.id).await.expect("the store works"), due().await), (vec![], vec![]));
}

async fn s14_a_message_is_dropped_that_nobody_can_take_any_more(store: &dyn Store) {
    let (ended, unknown, teller) = (Sample::default(), Sample::default(), Sample::default());
    ended.create(store).await;
    teller.create(store).await;
    commit(store, ending(&ended, 0, vec![], store)).await;
    let messages = vec![message(&ended, store, 1, "late"), message(&unknown, store, 1, "lost")];
    commit(store, ending(&teller, 0, messages, store)).await;
    assert_eq!(ended.bodies(store).await, ["started", "ended"]);
    assert_eq!(store.inbox(ended.id).await.expect("the store works"), []);
    assert_eq!(store.run(unknown.id).await.expect("the store works"), None);
    assert_eq!(store.inbox(unknown.id).await.expect("the store works"), []);
}

async fn s14_a_run_may_be_called_and_told_at_once(store: &dyn Store) {
    let (parent, quick, given_up) = (Sample::default(), Sample::default(), Sample::default());
    parent.create(store).await;
    // One has ended with its first decision, the other is given up with the one that calls it.
    let mut change = calling(&parent, &quick, store);
    change.called[0].run.finished_at = Some(at(2));
    change.called[0].messages = vec![message(&parent, store, 1, "done")];
    change.called.push(begun_by(&parent, &given_up, store));
    change.messages = vec![message(&given_up, store, 0, "given up"), message(&quick, store, 0, "late")];
    commit(store, change).await;
    assert_eq!(parent.bodies(store).await, ["started", "calls", "done"]);
    assert_eq!(given_up.bodies(store).await, ["started", "given up"]);
    assert_eq!(quick.bodies(store).await, ["started"]);
    let mut due = store.due(at(1), 10).await.expect("the store works");
    due.sort_unstable();
    assert_eq!(due, [parent.id, given_up.id]);
}

async fn s14_messages_that_come_together_are_all_kept(store: &dyn Store) {
    let (parent, children) = (Sample::default(), (0..20).map(|_| Sample::default()).collect::<Vec<_>>());
    parent.create(store).await;
    let called = children.iter().map(|child| begun_by(&parent, child, store)).collect();
    commit(store, RunChange { called, ..parent.change(store, 0, "calls") }).await;
    let ends = (1..).zip(&children).map(|(number, child)| {
        let messages = vec![message(&parent, store, number, "done")];
        store.commit_run(ending(child, 0, messages, store))
    });
    let (ended, moved) = tokio::join!(join_all(ends), store.commit_run(parent.change(store, 1, "moved")));
    assert!(moved.is_ok() && ended.iter().all(Result::is_ok));
    let inbox = store.inbox(parent.id).await.expect("the store works");
    let mut told: Vec<u32> = inbox.iter().map(|entry| entry.execution).collect();
    told.sort_unstable();
    assert_eq!(told, (1..=20).collect::<Vec<_>>());
    let bodies = parent.bodies(store).await;
    assert_eq!(bodies.iter().filter(|body| *body == "done").count(), 20);
    assert_eq!((bodies.len(), bodies.contains(&"moved".to_owned())), (23, true));
}

async fn s12_s14_a_run_that_is_called_queues_in_its_lane(store: &dyn Store) {
    let (parent, children) = (Sample::default(), [Sample::default(), Sample::default()]);
    parent.create(store).await;
    let lane = Some(Lane { key: "a".to_owned(), limit: 1 });
    let called = children
        .iter()
        .map(|child| StartRun { lane: lane.clone(), ..begun_by(&parent, child, store) })
        .collect();
    commit(store, RunChange { called, ..parent.change(store, 0, "calls") }).await;
    for (child, expected) in children.iter().zip([true, false]) {
        assert_eq!(store.has_place(child.id).await.expect("the store works"), expected);
    }
}

async fn o6_s14_a_run_that_was_called_is_kept_as_long_as_its_caller_goes_on(store: &dyn Store) {
    let (parent, child) = (Sample::default(), Sample::default());
    parent.create(store).await;
    commit(store, calling(&parent, &child, store)).await;
    commit(store, ending(&child, 0, vec![], store)).await;
    let remove = async || {
        let until = Finished::by(at(9));
        store.remove_runs(VersionId(Uuid::nil()), until, 10).await.expect("the store works")
    };
    assert_eq!(remove().await, 0);
    commit(store, ending(&parent, 1, vec![], store)).await;
    assert_eq!(remove().await, 2);
}

//! Callbacks and the inbox.

use std::sync::Arc;

use super::sample::{Sample, refused};
use crate::model::RecordId;
use crate::store::{Arrival, RunChange, Store, Wanted};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    callbacks_wait_in_order_and_are_taken_with_a_commit(&fresh().await).await;
    d3_a_callback_is_taken_the_moment_it_comes_unless_something_has_come_first(&fresh().await).await;
}

async fn callbacks_wait_in_order_and_are_taken_with_a_commit(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    for body in ["a", "b"] {
        store.append_callback(sample.callback(store, 0, body)).await.expect("the sequence is right");
    }
    assert!(refused(store.append_callback(sample.callback(store, 7, "stale")).await));
    let inbox = store.inbox(sample.id).await.expect("the store works");
    let ids: Vec<RecordId> = inbox.iter().map(|entry| entry.record).collect();
    let records = store.records(&ids).await.expect("the store works");
    let bodies: Vec<&[u8]> = records.iter().map(|record| record.body.as_slice()).collect();
    assert_eq!(bodies, [b"a", b"b"]);
    // A callback does not touch the state: the change that was decided before it is still good.
    let change = RunChange { taken: vec![ids[0]], ..sample.change(store, 0, "second") };
    store.commit_run(change).await.expect("the sequence is right");
    let left: Vec<RecordId> =
        store.inbox(sample.id).await.expect("the store works").iter().map(|entry| entry.record).collect();
    assert_eq!(left, [ids[1]]);
    assert_eq!(sample.bodies(store).await, ["started", "a", "b", "second"]);
}

async fn d3_a_callback_is_taken_the_moment_it_comes_unless_something_has_come_first(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    let started = store.journal(sample.id).await.expect("the store works");
    let wanted: Wanted = {
        let (run, started) = (sample.id, started[0].id);
        Arc::new(move |row| if row.id == run { vec![started, RecordId(i64::MAX)] } else { Vec::new() })
    };
    let addressee = async || {
        let found = store.addressee(sample.id, Arc::clone(&wanted)).await.expect("the store works");
        found.expect("the run exists")
    };
    let arriving = |head, sequence, body: &str| {
        let record = sample.callback(store, sequence, body).record;
        let arrival = Some(Arrival { head, record });
        RunChange { arrival, ..sample.change(store, sequence, "finishing") }
    };
    let first = addressee().await;
    assert!(first.inbox_empty);
    assert_eq!(first.records, started);
    assert_eq!(first.run, store.run(sample.id).await.expect("the store works").expect("the run exists"));
    let change = arriving(first.head, 0, "a");
    let taken = change.arrival.as_ref().expect("it was just made").record.clone();
    store.commit_run(change).await.expect("nothing has come first");
    assert_eq!(store.inbox(sample.id).await.expect("the store works"), []);
    assert_eq!(store.records(&[taken.id]).await.expect("the store works"), [taken]);
    let second = addressee().await;
    let bare = RunChange { record: None, ..arriving(second.head, 1, "b") };
    store.commit_run(bare).await.expect("nothing has come first");
    assert!(refused(store.commit_run(arriving(second.head, 2, "late")).await));
    let third = addressee().await;
    store.append_callback(sample.callback(store, 2, "c")).await.expect("the sequence is right");
    assert!(refused(store.commit_run(arriving(third.head, 2, "behind")).await));
    assert!(!addressee().await.inbox_empty);
    assert_eq!(sample.bodies(store).await, ["started", "a", "finishing", "b", "c"]);
}

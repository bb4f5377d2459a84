//! What is due, and who has a place.

use super::sample::{Sample, at};
use crate::model::RecordId;
use crate::store::{Callback, CommitError, Lane, PlaceChange, RunChange, StartRun, Started, Store};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    runs_are_due_by_time_or_by_a_callback_unless_they_are_owned(&fresh().await).await;
    a_postponed_callback_makes_its_run_due_when_the_run_moves_on(&fresh().await).await;
    what_is_due_is_taken_in_parts(&fresh().await).await;
    s12_places_are_given_in_order_of_arrival_as_others_leave(&fresh().await).await;
}

async fn runs_are_due_by_time_or_by_a_callback_unless_they_are_owned(store: &dyn Store) {
    let (timed, called, owned) = (Sample::default(), Sample::default(), Sample::default());
    for sample in [&timed, &called, &owned] {
        sample.create(store).await;
    }
    let due = |second| async move { store.due(at(second), 10).await.expect("the store works") };
    let idle =
        |sample: &Sample, due_at| RunChange { owned: false, due_at, ..sample.change(store, 0, "idle") };
    store.commit_run(idle(&timed, Some(at(100)))).await.expect("the sequence is right");
    store.commit_run(idle(&called, None)).await.expect("the sequence is right");
    let running = RunChange { due_at: Some(at(50)), ..owned.change(store, 0, "running") };
    store.commit_run(running).await.expect("the sequence is right");
    store.append_callback(owned.callback(store, 1, "early")).await.expect("the sequence is right");
    assert_eq!((due(99).await, due(100).await), (vec![], vec![timed.id]));
    assert_eq!(store.next_due().await.expect("the store works"), Some(at(100)));
    store.append_callback(called.callback(store, 1, "answer")).await.expect("the sequence is right");
    assert_eq!(due(99).await, [called.id]);
    assert_eq!(store.adopt_runs(10).await.expect("the store works"), [], "this process lives");
}

async fn a_postponed_callback_makes_its_run_due_when_the_run_moves_on(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    let idle =
        |sequence, postponed| RunChange { owned: false, postponed, ..sample.change(store, sequence, "idle") };
    let due = async || store.due(at(9), 10).await.expect("the store works");
    let inbox = async || store.inbox(sample.id).await.expect("the store works");
    store.commit_run(idle(0, vec![])).await.expect("the sequence is right");
    let early = Callback { postponed: true, ..sample.callback(store, 1, "early") };
    store.append_callback(early).await.expect("the sequence is right");
    assert_eq!((due().await, inbox().await[0].postponed), (vec![], true));
    store.append_callback(sample.callback(store, 1, "next")).await.expect("the sequence is right");
    assert_eq!(due().await, [sample.id]);
    let waiting: Vec<RecordId> = inbox().await.iter().map(|entry| entry.record).collect();
    store.commit_run(idle(1, waiting)).await.expect("the sequence is right");
    assert_eq!(due().await, []);
    assert!(inbox().await.iter().all(|entry| entry.postponed));
    store.commit_run(idle(2, vec![])).await.expect("the sequence is right");
    assert_eq!(due().await, [sample.id]);
    assert!(inbox().await.iter().all(|entry| !entry.postponed));
}

async fn what_is_due_is_taken_in_parts(store: &dyn Store) {
    assert_eq!(store.next_due().await.expect("the store works"), None);
    let samples: Vec<Sample> = (0..10).map(|_| Sample::default()).collect();
    for (second, sample) in (100..).zip(&samples) {
        let mut start = StartRun { owned: false, ..sample.start(store) };
        start.run.due_at = Some(at(second));
        assert_eq!(store.start_run(start).await.expect("the store works"), Started::Created);
    }
    let mut seen = Vec::new();
    for sequence in [3, 6, 9, 10] {
        let mut due = store.due(at(200), 3).await.expect("the store works");
        assert!(due.len() <= 3);
        due.sort_unstable();
        for id in due {
            let sample = Sample { id };
            // Whoever takes it up works on it: it is not due any more.
            store.commit_run(sample.change(store, 0, "taken")).await.expect("nobody works on it");
            seen.push(id);
        }
        assert_eq!(seen.len(), sequence);
    }
    assert_eq!(
        seen,
        samples.iter().map(|sample| sample.id).collect::<Vec<_>>(),
        "what is due the longest comes in the first part"
    );
    assert_eq!(store.next_due().await.expect("the store works"), None);
    assert_eq!(store.due(at(200), 3).await.expect("the store works"), []);
}

async fn s12_places_are_given_in_order_of_arrival_as_others_leave(store: &dyn Store) {
    let lane = |key: &str, limit| Lane { key: key.to_owned(), limit };
    let runs: Vec<Sample> = (0..5).map(|_| Sample::default()).collect();
    for run in &runs {
        let start = StartRun { owned: false, lane: Some(lane("a", 2)), ..run.start(store) };
        assert_eq!(store.start_run(start).await.expect("the store works"), Started::Created);
    }
    let other = Sample::default();
    let start = StartRun { owned: false, lane: Some(lane("b", 1)), ..other.start(store) };
    store.start_run(start).await.expect("the store works");
    let having = async || {
        let mut having = Vec::new();
        for (number, run) in runs.iter().enumerate() {
            if store.has_place(run.id).await.expect("the store works") {
                having.push(number);
            }
        }
        having
    };
    let due = async || {
        let due = store.due(at(1), 100).await.expect("the store works");
        runs.iter().filter(|run| due.contains(&run.id)).count()
    };
    let change = async |run: &Sample, sequence, place| {
        let change = RunChange { owned: false, place, ..run.change(store, sequence, "next") };
        store.commit_run(change).await.expect("the change fits");
    };
    assert_eq!(having().await, [0, 1]);
    assert!(store.has_place(other.id).await.expect("the store works"), "each key is counted alone");
    assert_eq!(due().await, 2, "who has a place that it has not taken up is due");
    change(&runs[0], 0, PlaceChange::TakeUp).await;
    assert_eq!(due().await, 1);
    // One that has not got a place gives it up.
    change(&runs[2], 0, PlaceChange::Leave).await;
    assert_eq!(having().await, [0, 1]);
    change(&runs[0], 1, PlaceChange::Leave).await;
    assert_eq!(having().await, [1, 3]);
    // Who comes again queues behind the others.
    change(&runs[0], 2, PlaceChange::Queue(lane("a", 2))).await;
    change(&runs[1], 0, PlaceChange::Leave).await;
    assert_eq!(having().await, [3, 4]);
    change(&runs[3], 0, PlaceChange::Leave).await;
    assert_eq!(having().await, [0, 4]);
    // A refused change leaves its place alone.
    let refused = RunChange { place: PlaceChange::Leave, ..runs[4].change(store, 7, "late") };
    assert!(matches!(store.commit_run(refused).await, Err(CommitError::Conflict)));
    assert_eq!(having().await, [0, 4]);
}

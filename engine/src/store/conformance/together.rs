//! Changes that come together.

use super::sample::{Sample, join_all, refused};
use crate::model::RecordId;
use crate::store::{StartRun, Started, Store};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    of_changes_from_one_sequence_one_is_stored(&fresh().await).await;
    callbacks_that_come_together_have_one_order(&fresh().await).await;
    events_that_come_together_start_one_run_per_key(&fresh().await).await;
}

async fn of_changes_from_one_sequence_one_is_stored(store: &dyn Store) {
    let (contended, other) = (Sample::default(), Sample::default());
    contended.create(store).await;
    other.create(store).await;
    let states: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let changes = states.iter().map(|state| store.commit_run(contended.change(store, 0, state)));
    let (results, beside) =
        tokio::join!(join_all(changes), store.commit_run(other.change(store, 0, "beside")));
    beside.expect("its neighbours do not touch it");
    let stored: Vec<&String> =
        results.iter().zip(&states).filter(|(result, _)| result.is_ok()).map(|(_, state)| state).collect();
    assert_eq!(stored.len(), 1, "{stored:?}");
    assert!(results.into_iter().filter(Result::is_err).all(refused));
    assert_eq!(contended.bodies(store).await, ["started", stored[0]]);
    let row = store.run(contended.id).await.expect("the store works").expect("the run exists");
    assert_eq!((row.sequence, row.state.as_slice()), (1, stored[0].as_bytes()));
}

async fn callbacks_that_come_together_have_one_order(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    let bodies: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let callbacks = bodies.iter().map(|body| store.append_callback(sample.callback(store, 0, body)));
    let moved = store.commit_run(sample.change(store, 0, "moved"));
    let (results, moved) = tokio::join!(join_all(callbacks), moved);
    moved.expect("a callback does not move the run");
    let stored = results.iter().filter(|result| result.is_ok()).count();
    assert!(results.into_iter().filter(Result::is_err).all(refused));
    let journal = store.journal(sample.id).await.expect("the store works");
    let inbox = store.inbox(sample.id).await.expect("the store works");
    let arrived: Vec<RecordId> = inbox.iter().map(|entry| entry.record).collect();
    let written: Vec<RecordId> = journal
        .iter()
        .filter(|record| record.body != b"started" && record.body != b"moved")
        .map(|record| record.id)
        .collect();
    assert_eq!(arrived, written, "the inbox has the journal's order");
    assert_eq!(arrived.len(), stored, "what was acknowledged is there, and nothing else");
}

async fn events_that_come_together_start_one_run_per_key(store: &dyn Store) {
    let samples: Vec<Sample> = (0..40).map(|_| Sample::default()).collect();
    let starts = samples.iter().enumerate().map(|(number, sample)| {
        store.start_run(StartRun {
            dedupe: Some((number % 4).to_string()),
            answer: Some(sample.id.0.as_bytes().to_vec()),
            ..sample.start(store)
        })
    });
    let mut first = [None; 4];
    let results = join_all(starts).await;
    for (number, result) in results.iter().enumerate() {
        if *result.as_ref().expect("the store works") == Started::Created {
            assert_eq!(first[number % 4].replace(samples[number].id), None, "one run per key");
        }
    }
    for (number, result) in results.into_iter().enumerate() {
        match (result.expect("the store works"), first[number % 4]) {
            (Started::Created, _) => {}
            (Started::Duplicate(run, answer), of) => {
                assert_eq!(Some(run), of);
                assert_eq!(answer.as_deref(), Some(run.0.as_bytes().as_slice()), "the first one's answer");
            }
            other => panic!("{other:?}"),
        }
    }
}

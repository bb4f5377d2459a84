//! Runs: how they begin, move and are found.

use super::sample::{Sample, activation, draft, join_all, refused, version, workflow};
use crate::model::{RunId, RunStatus, WorkflowId};
use crate::store::{RunChange, RunFilter, StartRun, Started, Store, WorkflowChange};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    a_run_is_created_with_its_first_record(&fresh().await).await;
    t7_an_event_starts_one_run_per_key_and_none_when_its_activation_is_gone(&fresh().await).await;
    t7_o9_the_first_answer_of_a_key_is_kept_up_to_the_size_of_a_value(&fresh().await).await;
    a_run_moves_only_from_the_sequence_that_was_seen(&fresh().await).await;
    a_refused_change_does_no_harm_to_its_neighbours(&fresh().await).await;
    once_keeps_the_first_value_and_needs_the_run(&fresh().await).await;
    runs_are_listed_newest_first(&fresh().await).await;
    more_runs_than_share_a_commit_are_listed_page_by_page(&fresh().await).await;
}

async fn a_run_is_created_with_its_first_record(store: &dyn Store) {
    let sample = Sample::default();
    let start = sample.start(store);
    sample.create(store).await;
    let row = store.run(sample.id).await.expect("the store works");
    assert_eq!(row, Some(start.run));
    assert_eq!(sample.bodies(store).await, ["started"]);
}

async fn t7_an_event_starts_one_run_per_key_and_none_when_its_activation_is_gone(store: &dyn Store) {
    store.put_draft(draft("{}")).await.expect("the store works");
    let version = version(1);
    let mut row = activation(&version);
    let change = |sequence, version, row| WorkflowChange {
        id: workflow(),
        sequence,
        state: vec![],
        version,
        activations: vec![row],
    };
    store.commit_workflow(change(0, Some(version), row.clone())).await.expect("the sequence is right");
    let (first, second, third) = (Sample::default(), Sample::default(), Sample::default());
    let event = |sample: &Sample| StartRun {
        activation: Some(row.id),
        dedupe: Some("delivery 1".into()),
        ..sample.start(store)
    };
    assert_eq!(store.start_run(event(&first)).await.expect("the store works"), Started::Created);
    let again = store.start_run(event(&second)).await.expect("the store works");
    assert_eq!(again, Started::Duplicate(first.id, None));
    let gone = StartRun { dedupe: None, ..event(&third) };
    row.accepts = false;
    store.commit_workflow(change(1, None, row)).await.expect("the sequence is right");
    assert_eq!(store.start_run(gone).await.expect("the store works"), Started::Gone);
    for sample in [second, third] {
        assert_eq!(store.run(sample.id).await.expect("the store works"), None);
    }
}

async fn t7_o9_the_first_answer_of_a_key_is_kept_up_to_the_size_of_a_value(store: &dyn Store) {
    let event = |key: &str, answer: Option<Vec<u8>>| {
        let sample = Sample::default();
        (sample.id, StartRun { dedupe: Some(key.into()), answer, ..sample.start(store) })
    };
    let answers = [None, Some(Vec::new()), Some(b"a\0b".to_vec()), Some(vec![0xff; 1 << 20])];
    for (number, answer) in answers.into_iter().enumerate() {
        let key = number.to_string();
        let (id, first) = event(&key, answer.clone());
        assert_eq!(store.start_run(first).await.expect("the store works"), Started::Created);
        let (_, second) = event(&key, Some(b"another".to_vec()));
        let again = store.start_run(second).await.expect("the store works");
        assert!(again == Started::Duplicate(id, answer), "answer {number}");
    }
}

async fn a_run_moves_only_from_the_sequence_that_was_seen(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    store.commit_run(sample.change(store, 0, "second")).await.expect("the sequence is right");
    assert!(refused(store.commit_run(sample.change(store, 0, "stale")).await));
    assert!(refused(store.commit_run(Sample::default().change(store, 0, "missing")).await));
    store.commit_run(sample.change(store, 1, "third")).await.expect("the sequence is right");
    assert_eq!(sample.bodies(store).await, ["started", "second", "third"]);
    let row = store.run(sample.id).await.expect("the store works").expect("the run exists");
    assert_eq!((row.state.as_slice(), row.sequence), (b"third".as_slice(), 2));
}

async fn a_refused_change_does_no_harm_to_its_neighbours(store: &dyn Store) {
    let samples: Vec<Sample> = (0..50).map(|_| Sample::default()).collect();
    for sample in &samples {
        sample.create(store).await;
    }
    let good = samples.iter().map(|sample| store.commit_run(sample.change(store, 0, "second")));
    let stale = samples.iter().map(|sample| store.commit_run(sample.change(store, 9, "stale")));
    let (good, stale) = tokio::join!(join_all(good), join_all(stale));
    assert!(good.iter().all(Result::is_ok));
    assert!(stale.into_iter().all(refused));
    for sample in &samples {
        assert_eq!(sample.bodies(store).await, ["started", "second"]);
    }
}

async fn once_keeps_the_first_value_and_needs_the_run(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    let record = |value: &'static [u8]| store.record_once(sample.once("name", value.to_vec()));
    record(b"first").await.expect("this process works on the run");
    record(b"second").await.expect("this process works on the run");
    let read = store.once(sample.execution(1), "name").await.expect("the store works");
    assert_eq!(read.as_deref(), Some(b"first".as_slice()));
    assert_eq!(store.once(sample.execution(2), "name").await.expect("the store works"), None);
    let released = RunChange { owned: false, ..sample.change(store, 0, "released") };
    store.commit_run(released).await.expect("the sequence is right");
    assert!(refused(record(b"third").await), "who does not own the run records nothing");
}

async fn runs_are_listed_newest_first(store: &dyn Store) {
    let samples: Vec<Sample> = (0..5).map(|_| Sample::default()).collect();
    for sample in &samples {
        sample.create(store).await;
    }
    let finished =
        RunChange { status: RunStatus::Completed, owned: false, ..samples[2].change(store, 0, "done") };
    store.commit_run(finished).await.expect("the sequence is right");
    let list = |filter| async move {
        let runs = store.runs(filter).await.expect("the store works");
        runs.into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    let page = RunFilter { workflow: Some(workflow()), limit: 3, ..RunFilter::default() };
    assert_eq!(list(page.clone()).await, [samples[4].id, samples[3].id, samples[2].id]);
    let next = RunFilter { before: Some(samples[2].id), ..page };
    assert_eq!(list(next).await, [samples[1].id, samples[0].id]);
    let completed = RunFilter { status: Some(RunStatus::Completed), limit: 10, ..RunFilter::default() };
    assert_eq!(list(completed).await, [samples[2].id]);
    let other = RunFilter { workflow: Some(WorkflowId("other".into())), limit: 10, ..RunFilter::default() };
    assert_eq!(list(other).await, []);
}

async fn more_runs_than_share_a_commit_are_listed_page_by_page(store: &dyn Store) {
    let samples: Vec<Sample> = (0..300).map(|_| Sample::default()).collect();
    let started = join_all(samples.iter().map(|sample| store.start_run(sample.start(store)))).await;
    assert!(started.into_iter().all(|started| started.expect("the store works") == Started::Created));
    let mut listed = Vec::new();
    loop {
        let page = RunFilter { before: listed.last().copied(), limit: 70, ..RunFilter::default() };
        let page = store.runs(page).await.expect("the store works");
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|row| row.id));
    }
    let mut expected: Vec<RunId> = samples.iter().map(|sample| sample.id).collect();
    expected.sort_unstable();
    expected.reverse();
    assert_eq!(listed, expected);
}

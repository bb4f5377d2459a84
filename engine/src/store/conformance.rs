//! What every store must pass: one check per promise of the [`Store`] trait.
//!
//! A check is given a store that holds nothing. It panics where the store breaks its promise.

mod upkeep;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    ActivationRow, Callback, CommitError, Draft, Record, RunChange, RunFilter, RunRow, StartRun, Started,
    Store, VersionRow, WorkflowChange,
};
use crate::model::{ActivationId, ActivationStatus, RecordId, RunId, RunStatus, VersionId, WorkflowId};

/// Runs all checks, each on a store of its own.
pub async fn all<S: Store, F: AsyncFn() -> S>(fresh: F) {
    drafts_are_replaced_and_leave_the_state(&fresh().await).await;
    a_workflow_moves_only_from_the_sequence_that_was_seen(&fresh().await).await;
    a_run_is_created_with_its_first_record(&fresh().await).await;
    t7_an_event_starts_one_run_per_key_and_none_when_its_activation_is_gone(&fresh().await).await;
    a_run_moves_only_from_the_sequence_that_was_seen(&fresh().await).await;
    callbacks_wait_in_order_and_are_taken_with_a_commit(&fresh().await).await;
    a_refused_change_does_no_harm_to_its_neighbours(&fresh().await).await;
    runs_are_due_by_time_or_by_a_callback_unless_they_are_owned(&fresh().await).await;
    once_keeps_the_first_value_and_needs_the_run(&fresh().await).await;
    runs_are_listed_newest_first(&fresh().await).await;
    tokens_are_known_by_their_hash(&fresh().await).await;
    upkeep::all(&fresh).await;
}

/// A run in the making.
pub struct Sample {
    /// The run.
    pub id: RunId,
}

impl Default for Sample {
    fn default() -> Self {
        Self { id: RunId(Uuid::now_v7()) }
    }
}

impl Sample {
    /// The change that creates it.
    pub fn start(&self, store: &dyn Store) -> StartRun {
        StartRun {
            run: RunRow {
                id: self.id,
                workflow: workflow(),
                version: VersionId(Uuid::nil()),
                status: RunStatus::Running,
                state: b"first".to_vec(),
                sequence: 0,
                due_at: None,
                created_at: at(1),
                finished_at: None,
            },
            record: self.record(store, 1, b"started"),
            owned: true,
            activation: None,
            dedupe: None,
        }
    }

    /// A record of it.
    pub fn record(&self, store: &dyn Store, second: i64, body: &[u8]) -> Record {
        Record { id: store.next_record(), run: self.id, at: at(second), body: body.to_vec() }
    }

    /// A change to its next state, with a record.
    pub fn change(&self, store: &dyn Store, sequence: i64, state: &str) -> RunChange {
        RunChange {
            id: self.id,
            sequence,
            status: RunStatus::Running,
            state: state.as_bytes().to_vec(),
            due_at: None,
            owned: true,
            finished_at: None,
            record: Some(self.record(store, 2, state.as_bytes())),
            taken: Vec::new(),
        }
    }

    /// A callback of its first execution.
    pub fn callback(&self, store: &dyn Store, sequence: i64, body: &str) -> Callback {
        Callback { execution: 1, sequence, record: self.record(store, 3, body.as_bytes()) }
    }

    async fn create(&self, store: &dyn Store) {
        assert_eq!(store.start_run(self.start(store)).await.expect("the store works"), Started::Created);
    }

    async fn bodies(&self, store: &dyn Store) -> Vec<String> {
        let journal = store.journal(self.id).await.expect("the store works");
        journal.into_iter().map(|record| String::from_utf8(record.body).expect("text")).collect()
    }
}

fn workflow() -> WorkflowId {
    WorkflowId("flow".to_owned())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a small number of seconds")
}

fn draft(definition: &str) -> Draft {
    Draft { id: workflow(), title: "Flow".into(), definition: definition.into(), now: at(1) }
}

fn version(number: u32) -> VersionRow {
    VersionRow {
        id: VersionId(Uuid::now_v7()),
        workflow: workflow(),
        number,
        definition: "{}".into(),
        created_at: at(2),
    }
}

fn activation(version: &VersionRow) -> ActivationRow {
    ActivationRow {
        id: ActivationId(Uuid::now_v7()),
        workflow: workflow(),
        version: version.id,
        status: ActivationStatus::Active,
        accepts: true,
        registration: vec![1, 2],
        error: None,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "so that it can be mapped over results")]
fn refused(result: Result<(), CommitError>) -> bool {
    matches!(result, Err(CommitError::Conflict))
}

async fn drafts_are_replaced_and_leave_the_state(store: &dyn Store) {
    store.put_draft(draft("{\"one\":1}")).await.expect("the store works");
    let change = WorkflowChange {
        id: workflow(),
        sequence: 0,
        state: b"s".to_vec(),
        version: None,
        activations: vec![],
    };
    store.commit_workflow(change).await.expect("the sequence is right");
    let row = store.put_draft(draft("{\"two\":2}")).await.expect("the store works");
    assert_eq!((row.draft.as_str(), row.state.as_slice(), row.sequence), ("{\"two\":2}", b"s".as_slice(), 1));
    assert_eq!(store.workflows().await.expect("the store works"), [row]);
}

async fn a_workflow_moves_only_from_the_sequence_that_was_seen(store: &dyn Store) {
    store.put_draft(draft("{}")).await.expect("the store works");
    let version = version(1);
    let mut activation = activation(&version);
    let mut change = WorkflowChange {
        id: workflow(),
        sequence: 0,
        state: b"one".to_vec(),
        version: Some(version.clone()),
        activations: vec![activation.clone()],
    };
    store.commit_workflow(change.clone()).await.expect("the sequence is right");
    change.version = None;
    assert!(refused(store.commit_workflow(change.clone()).await), "a stale change is refused");
    activation.accepts = false;
    activation.error = Some("down".into());
    change.sequence = 1;
    change.activations = vec![activation.clone()];
    store.commit_workflow(change).await.expect("the sequence is right");
    assert_eq!(store.activation(activation.id).await.expect("the store works"), Some(activation.clone()));
    let versions = store.versions(&workflow()).await.expect("the store works");
    assert_eq!(versions, [(version.clone(), Some(activation))]);
    assert_eq!(store.version(version.id).await.expect("the store works"), Some(version));
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
    assert_eq!(store.start_run(event(&second)).await.expect("the store works"), Started::Duplicate(first.id));
    let gone = StartRun { dedupe: None, ..event(&third) };
    row.accepts = false;
    store.commit_workflow(change(1, None, row)).await.expect("the sequence is right");
    assert_eq!(store.start_run(gone).await.expect("the store works"), Started::Gone);
    for sample in [second, third] {
        assert_eq!(store.run(sample.id).await.expect("the store works"), None);
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

/// Awaits all of them together.
async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in pending.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
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
    let running = RunChange { due_at: Some(at(50)), ..sample_change(&owned, store) };
    store.commit_run(running).await.expect("the sequence is right");
    store.append_callback(owned.callback(store, 1, "early")).await.expect("the sequence is right");
    assert_eq!((due(99).await, due(100).await), (vec![], vec![timed.id]));
    assert_eq!(store.next_due().await.expect("the store works"), Some(at(100)));
    store.append_callback(called.callback(store, 1, "answer")).await.expect("the sequence is right");
    assert_eq!(due(99).await, [called.id]);
    assert_eq!(store.adopt_runs(10).await.expect("the store works"), [], "this process lives");
}

fn sample_change(sample: &Sample, store: &dyn Store) -> RunChange {
    sample.change(store, 0, "running")
}

async fn once_keeps_the_first_value_and_needs_the_run(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    let record = |value: &'static [u8]| store.record_once(sample.id, 1, "name", value.to_vec());
    record(b"first").await.expect("this process works on the run");
    record(b"second").await.expect("this process works on the run");
    let read = store.once(sample.id, 1, "name").await.expect("the store works");
    assert_eq!(read.as_deref(), Some(b"first".as_slice()));
    assert_eq!(store.once(sample.id, 2, "name").await.expect("the store works"), None);
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

async fn tokens_are_known_by_their_hash(store: &dyn Store) {
    store.put_token([7; 32], "admin", at(1)).await.expect("the store works");
    store.put_token([7; 32], "admin", at(2)).await.expect("a token may be put again");
    assert!(store.has_token([7; 32]).await.expect("the store works"));
    assert!(!store.has_token([8; 32]).await.expect("the store works"));
}

//! What every store must pass: one check per promise of the [`Store`] trait.
//!
//! A check is given a store that holds nothing. It panics where the store breaks its promise.

mod calls;
mod upkeep;
mod vault;

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    ActivationRow, AdoptedWorkflow, Arrival, Callback, CommitError, Draft, Lane, OnceValue, PlaceChange,
    Record, RunChange, RunFilter, RunRow, StartRun, Started, Store, VersionRow, Wanted, WorkflowChange,
};
use crate::model::{
    ActivationId, ActivationStatus, ExecutionId, RecordId, RunId, RunStatus, VersionId, WorkflowId,
};

/// Runs all checks, each on a store of its own.
pub async fn all<S: Store, F: AsyncFn() -> S>(fresh: F) {
    drafts_are_replaced_and_leave_the_state(&fresh().await).await;
    a_workflow_moves_only_from_the_sequence_that_was_seen(&fresh().await).await;
    a_run_is_created_with_its_first_record(&fresh().await).await;
    t7_an_event_starts_one_run_per_key_and_none_when_its_activation_is_gone(&fresh().await).await;
    t7_o9_the_first_answer_of_a_key_is_kept_up_to_the_size_of_a_value(&fresh().await).await;
    a_run_moves_only_from_the_sequence_that_was_seen(&fresh().await).await;
    callbacks_wait_in_order_and_are_taken_with_a_commit(&fresh().await).await;
    d3_a_callback_is_taken_the_moment_it_comes_unless_something_has_come_first(&fresh().await).await;
    a_refused_change_does_no_harm_to_its_neighbours(&fresh().await).await;
    runs_are_due_by_time_or_by_a_callback_unless_they_are_owned(&fresh().await).await;
    a_postponed_callback_makes_its_run_due_when_the_run_moves_on(&fresh().await).await;
    once_keeps_the_first_value_and_needs_the_run(&fresh().await).await;
    runs_are_listed_newest_first(&fresh().await).await;
    tokens_are_known_by_their_hash(&fresh().await).await;
    vault::connections_are_kept_by_kind_and_name(&fresh().await).await;
    upkeep::all(&fresh).await;
    calls::all(&fresh).await;
    s12_places_are_given_in_order_of_arrival_as_others_leave(&fresh().await).await;
    any_text_is_kept(&fresh().await).await;
    values_of_a_mebibyte_are_kept(&fresh().await).await;
    of_changes_from_one_sequence_one_is_stored(&fresh().await).await;
    callbacks_that_come_together_have_one_order(&fresh().await).await;
    events_that_come_together_start_one_run_per_key(&fresh().await).await;
    more_runs_than_share_a_commit_are_listed_page_by_page(&fresh().await).await;
    what_is_due_is_taken_in_parts(&fresh().await).await;
}

/// Checks what a process finds that opens a store after another has died. `succeed` ends the first as a crash does.
pub async fn succession<S: Store>(first: S, succeed: impl AsyncFnOnce(S) -> S) {
    let owned: Vec<Sample> = (0..3).map(|_| Sample::default()).collect();
    for sample in &owned {
        sample.create(&first).await;
    }
    let idle = Sample::default();
    let unowned = StartRun { owned: false, ..idle.start(&first) };
    assert_eq!(first.start_run(unowned).await.expect("the store works"), Started::Created);
    first.put_draft(draft("{}")).await.expect("the store works");
    let change =
        WorkflowChange { id: workflow(), sequence: 0, state: vec![1], version: None, activations: vec![] };
    first.commit_workflow(change).await.expect("the sequence is right");
    first.record_once(owned[0].once("name", vec![1])).await.expect("this process works on the run");
    let last = first.journal(idle.id).await.expect("the store works")[0].id;

    let second = succeed(first).await;
    assert!(second.next_record() > last, "no id is given out again");
    let once = second.record_once(owned[0].once("other", vec![2])).await;
    assert!(refused(once), "who does not work on the run records nothing");
    let mut adopted = second.adopt_runs(2).await.expect("the store works");
    assert_eq!(adopted.len(), 2);
    adopted.extend(second.adopt_runs(2).await.expect("the store works"));
    adopted.sort_unstable();
    assert_eq!(adopted, owned.iter().map(|sample| sample.id).collect::<Vec<_>>());
    assert_eq!(second.adopt_runs(2).await.expect("the store works"), []);
    let workflows = second.adopt_workflows().await.expect("the store works");
    let [AdoptedWorkflow { row, others }] = &workflows[..] else { panic!("{workflows:?}") };
    assert_eq!((&row.id, row.sequence, &others[..]), (&workflow(), 1, &[][..]));
    assert_eq!(second.adopt_workflows().await.expect("the store works"), []);
    second.record_once(owned[0].once("name", vec![2])).await.expect("this process works on the run");
    let value = second.once(owned[0].execution(1), "name").await.expect("the store works");
    assert_eq!(value, Some(vec![1]), "the value from before stays");
    for sample in &owned {
        second.commit_run(sample.change(&second, 0, "second")).await.expect("this process works on the run");
        assert_eq!(sample.bodies(&second).await, ["started", "second"]);
    }
}

/// Checks what is taken over from a process that has ended, of three on one database, while another lives.
pub async fn several<S: Store>(processes: [S; 3]) {
    let [ended, living, heir] = processes;
    ended.put_draft(draft("{}")).await.expect("the store works");
    for (sequence, store) in [(0, &ended), (1, &living)] {
        let change =
            WorkflowChange { id: workflow(), sequence, state: vec![1], version: None, activations: vec![] };
        store.commit_workflow(change).await.expect("the sequence is right");
    }
    assert_eq!(heir.adopt_workflows().await.expect("the store works"), [], "both live");
    ended.leave().await.expect("the store works");
    let workflows = heir.adopt_workflows().await.expect("the store works");
    let [AdoptedWorkflow { row, others }] = &workflows[..] else { panic!("{workflows:?}") };
    assert_eq!((&row.id, row.sequence, &others[..]), (&workflow(), 2, &[living.epoch()][..]));
    assert_eq!(living.adopt_workflows().await.expect("the store works"), [], "they are taken over once");
    living.leave().await.expect("the store works");
    ended.take_part_again().await.expect("the store works");
    let workflows = ended.adopt_workflows().await.expect("the store works");
    assert_eq!(workflows.iter().map(|one| &one.others[..]).collect::<Vec<_>>(), [[heir.epoch()]]);
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
                parent: None,
                set_aside: false,
            },
            record: self.record(store, 1, b"started"),
            owned: true,
            activation: None,
            dedupe: None,
            answer: None,
            lane: None,
            messages: Vec::new(),
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
            arrival: None,
            taken: Vec::new(),
            postponed: Vec::new(),
            place: PlaceChange::None,
            called: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// A callback of its first execution.
    pub fn callback(&self, store: &dyn Store, sequence: i64, body: &str) -> Callback {
        Callback { execution: 1, sequence, postponed: false, record: self.record(store, 3, body.as_bytes()) }
    }

    /// One of its executions.
    pub fn execution(&self, number: u32) -> ExecutionId {
        ExecutionId { run: self.id, number }
    }

    /// A value of `once` of its first execution.
    pub fn once(&self, name: &str, value: Vec<u8>) -> OnceValue {
        OnceValue { execution: self.execution(1), name: name.to_owned(), value }
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

fn sample_change(sample: &Sample, store: &dyn Store) -> RunChange {
    sample.change(store, 0, "running")
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

async fn tokens_are_known_by_their_hash(store: &dyn Store) {
    store.put_token([7; 32], "admin", at(1)).await.expect("the store works");
    store.put_token([7; 32], "admin", at(2)).await.expect("a token may be put again");
    assert!(store.has_token([7; 32]).await.expect("the store works"));
    assert!(!store.has_token([8; 32]).await.expect("the store works"));
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

async fn any_text_is_kept(store: &dyn Store) {
    for text in ["", "\0", "a\0b", "\u{1b}", "\u{1b}0", "\u{1f600}", &"long ".repeat(2000)] {
        let titled = Draft { title: text.into(), ..draft("{}") };
        let row = store.put_draft(titled).await.expect("the store takes any title");
        assert_eq!(row.title, text);
        let version = version(u32::try_from(row.sequence).expect("small") + 1);
        let failed = ActivationRow { error: Some(text.into()), ..activation(&version) };
        let change = WorkflowChange {
            id: workflow(),
            sequence: row.sequence,
            state: vec![],
            version: Some(version),
            activations: vec![failed.clone()],
        };
        store.commit_workflow(change).await.expect("the store takes any error");
        assert_eq!(store.activation(failed.id).await.expect("the store works"), Some(failed));
        let (first, second) = (Sample::default(), Sample::default());
        let keyed = |sample: &Sample| StartRun { dedupe: Some(text.into()), ..sample.start(store) };
        assert_eq!(store.start_run(keyed(&first)).await.expect("it takes any key"), Started::Created);
        let again = store.start_run(keyed(&second)).await.expect("it takes any key");
        assert_eq!(again, Started::Duplicate(first.id, None));
        store.record_once(first.once(text, vec![1])).await.expect("it takes any name");
        assert_eq!(store.once(first.execution(1), text).await.expect("the store works"), Some(vec![1]));
    }
}

async fn values_of_a_mebibyte_are_kept(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    let value: Vec<u8> = (0..1_u32 << 20).map(|index| u8::try_from(index % 251).expect("small")).collect();
    let record = Record { body: value.clone(), ..sample.record(store, 2, b"") };
    let change =
        RunChange { state: value.clone(), record: Some(record.clone()), ..sample.change(store, 0, "large") };
    store.commit_run(change).await.expect("the sequence is right");
    store.record_once(sample.once("name", value.clone())).await.expect("this process works on the run");
    let callback = Callback {
        record: Record { body: value.clone(), ..sample.record(store, 3, b"") },
        ..sample.callback(store, 1, "")
    };
    store.append_callback(callback).await.expect("the sequence is right");
    let row = store.run(sample.id).await.expect("the store works").expect("the run exists");
    assert!(row.state == value);
    let missing = store.next_record();
    let found = store.records(&[missing, record.id]).await.expect("the store works");
    assert!(found == [record], "a record that does not exist is left out");
    assert!(store.once(sample.execution(1), "name").await.expect("the store works") == Some(value.clone()));
    let journal = store.journal(sample.id).await.expect("the store works");
    assert!(journal.len() == 3 && journal[1].body == value && journal[2].body == value);
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

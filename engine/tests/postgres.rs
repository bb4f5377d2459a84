//! `PostgreSQL` through the conformance suite, and what it promises beyond that: leases, and several processes.

#[path = "support/newer.rs"]
mod newer;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/step.rs"]
mod step;
mod support;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proxy::{Fault, Proxy};
use stepwell_engine::model::{RunId, WorkflowId};
use stepwell_engine::store::conformance::{self, Sample};
use stepwell_engine::store::postgres::{LEASE, LONGEST_LEASE, PostgresStore};
use stepwell_engine::store::{CommitError, Draft, News, RunChange, StartRun, Started, Store, WorkflowChange};
use support::postgres::Server;
use tokio::task::JoinSet;

/// Long enough for any state that will ever come.
const PATIENCE: Duration = Duration::from_secs(20);

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, LEASE).await.expect("the server runs")
}

async fn create(sample: &Sample, store: &dyn Store) {
    assert_eq!(store.start_run(sample.start(store)).await.expect("the store works"), Started::Created);
}

#[tokio::test]
async fn postgres_conforms() {
    let server = Server::shared();
    Box::pin(conformance::all(async || open(&server.database().await).await)).await;
}

#[tokio::test]
async fn postgres_is_shared() {
    let server = Server::shared();
    let url = server.database().await;
    conformance::several([open(&url).await, open(&url).await, open(&url).await]).await;
}

#[tokio::test]
async fn postgres_is_handed_over() {
    let server = Server::shared();
    let url = server.database().await;
    conformance::succession(open(&url).await, async |dead| {
        dead.leave().await.unwrap();
        open(&url).await
    })
    .await;
}

#[tokio::test]
async fn processes_that_start_at_once_set_the_database_up_once() {
    let server = Server::shared();
    let url = server.database().await;
    let (first, second, third) = tokio::join!(open(&url), open(&url), open(&url));
    let ids = [first.next_record(), second.next_record(), third.next_record()];
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

#[tokio::test]
async fn o4_a_process_whose_lease_has_expired_commits_nothing() {
    let server = Server::shared();
    let url = server.database().await;
    let lease = Duration::from_secs(1);
    let paused = PostgresStore::open(&url, lease).await.unwrap();
    let sample = Sample::default();
    create(&sample, &paused).await;
    // The whole process stands still: this thread runs everything.
    std::thread::sleep(lease * 2);
    let late = Sample::default();
    assert!(paused.start_run(late.start(&paused)).await.is_err());
    assert!(paused.commit_run(sample.change(&paused, 0, "late")).await.is_err());
    assert!(paused.record_once(sample.once("name", vec![1])).await.is_err());
    let other = open(&url).await;
    assert_eq!(other.run(late.id).await.unwrap(), None);
    assert_eq!(other.run(sample.id).await.unwrap().unwrap().sequence, 0);
    assert_eq!(other.once(sample.execution(1), "name").await.unwrap(), None);
    assert_eq!(other.adopt_runs(10).await.unwrap(), [sample.id]);
    // With a new lease it takes part again, but the run is no longer its own.
    assert_eq!(paused.news().await, News::LeaseLost);
    paused.take_part_again().await.unwrap();
    let overtaken = paused.commit_run(sample.change(&paused, 0, "late")).await;
    assert!(matches!(overtaken, Err(CommitError::Conflict)));
    create(&late, &paused).await;
}

#[tokio::test]
async fn o4_a_run_of_a_dead_process_is_taken_over_by_one_other() {
    let server = Server::shared();
    let url = server.database().await;
    let (dead, first, second) = (open(&url).await, open(&url).await, open(&url).await);
    let samples: Vec<Sample> = (0..20).map(|_| Sample::default()).collect();
    for sample in &samples {
        create(sample, &dead).await;
    }
    assert_eq!(first.adopt_runs(50).await.unwrap(), [], "its process lives");
    dead.leave().await.unwrap();
    let (one, other) = tokio::join!(first.adopt_runs(50), second.adopt_runs(50));
    let mut adopted = [one.unwrap(), other.unwrap()].concat();
    adopted.sort_unstable();
    let mut all: Vec<_> = samples.iter().map(|sample| sample.id).collect();
    all.sort_unstable();
    assert_eq!(adopted, all);
    assert_eq!(first.adopt_runs(50).await.unwrap(), []);
}

#[tokio::test]
async fn o4_what_another_process_works_on_is_not_moved_but_its_callbacks_are_recorded_and_told() {
    let server = Server::shared();
    let url = server.database().await;
    let (owner, other) = (open(&url).await, open(&url).await);
    assert_eq!(owner.news().await, News::Missed, "it listens");
    let sample = Sample::default();
    create(&sample, &owner).await;
    let foreign = other.commit_run(sample.change(&other, 0, "foreign")).await;
    assert!(matches!(foreign, Err(CommitError::Conflict)));
    let callbacks = [other.next_record(), owner.next_record()];
    other.append_callback(sample.callback(&other, 0, "there")).await.unwrap();
    owner.append_callback(sample.callback(&owner, 0, "here")).await.unwrap();
    assert_eq!(owner.news().await, News::Run(sample.id));
    let inbox = owner.inbox(sample.id).await.unwrap();
    let [first, second] = inbox.as_slice() else { panic!("{inbox:?}") };
    assert!(first.record > callbacks[0] && second.record > callbacks[1]);
    assert!(first.record > second.record, "the order is that of arrival, not of the ids");
    let released = RunChange { owned: false, ..sample.change(&owner, 0, "released") };
    owner.commit_run(released).await.unwrap();
    other.commit_run(sample.change(&other, 1, "other")).await.unwrap();
}

#[tokio::test]
async fn a_change_that_is_stored_again_since_its_answer_was_lost_is_stored_once() {
    let server = Server::shared();
    let store = open(&server.database().await).await;
    let sample = Sample::default();
    create(&sample, &store).await;
    let change = sample.change(&store, 0, "second");
    store.commit_run(change.clone()).await.unwrap();
    store.commit_run(change).await.unwrap();
    assert_eq!(store.journal(sample.id).await.unwrap().len(), 2);
    assert_eq!(store.run(sample.id).await.unwrap().unwrap().sequence, 1);
}

#[tokio::test]
async fn o1_a_commit_that_is_not_answered_is_stored_exactly_once() {
    let server = Server::shared();
    let database = server.database().await;
    let proxy = Proxy::start(&database).await;
    let store = PostgresStore::open(&proxy.url, Duration::from_secs(1)).await.unwrap();
    for fault in [Fault::BeforeCommit, Fault::AfterCommit, Fault::Stall] {
        let sample = Sample::default();
        let broken = || assert!(proxy.has_broken(), "{fault:?}");

        proxy.break_next(fault);
        let start = StartRun { dedupe: Some(format!("{fault:?}")), ..sample.start(&store) };
        assert_eq!(store.start_run(start).await.unwrap(), Started::Created);
        broken();

        proxy.break_next(fault);
        store.append_callback(sample.callback(&store, 0, "callback")).await.unwrap();
        broken();
        assert_eq!(store.inbox(sample.id).await.unwrap().len(), 1, "{fault:?}");

        proxy.break_next(fault);
        store.record_once(sample.once("name", vec![1])).await.unwrap();
        broken();
        assert_eq!(store.once(sample.execution(1), "name").await.unwrap(), Some(vec![1]));

        proxy.break_next(fault);
        store.commit_run(sample.change(&store, 0, "second")).await.unwrap();
        broken();
        assert_eq!(store.run(sample.id).await.unwrap().unwrap().sequence, 1);
        let journal = store.journal(sample.id).await.unwrap();
        let bodies: Vec<&[u8]> = journal.iter().map(|record| record.body.as_slice()).collect();
        assert_eq!(bodies, [b"started".as_slice(), b"callback", b"second"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_silent_is_given_up_and_another_one_answers() {
    let server = Server::shared();
    let proxy = Proxy::start(&server.database().await).await;
    let lease = Duration::from_secs(1);
    let store = PostgresStore::open(&proxy.url, lease).await.unwrap();
    let sample = Sample::default();
    create(&sample, &store).await;
    store.run(sample.id).await.unwrap();
    proxy.silence();
    let asked = tokio::time::timeout(Duration::from_secs(20), store.run(sample.id)).await;
    let error = asked.expect("it does not wait for ever").unwrap_err();
    assert!(error.source.to_string().contains("has not answered within 3s"), "{}", error.source);
    assert_eq!(store.run(sample.id).await.unwrap().unwrap().id, sample.id);
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_ended_by_the_database() {
    let server = Server::shared();
    let url = server.database().await;
    let store =
        PostgresStore::open(&format!("{url}?options=-c%20statement_timeout%3D100"), LEASE).await.unwrap();
    let (_, name) = url.rsplit_once('/').unwrap();
    let other = server.connect(name).await;
    other.batch_execute("BEGIN; LOCK TABLE runs IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let error = store.run(Sample::default().id).await.unwrap_err();
    assert!(error.source.to_string().contains("statement timeout"), "{}", error.source);
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.run(Sample::default().id).await.unwrap(), None);
}

#[tokio::test]
async fn o1_a_process_that_cannot_tell_what_was_committed_looks_at_everything_anew() {
    let server = Server::shared();
    let proxy = Proxy::start(&server.database().await).await;
    let store = PostgresStore::open(&proxy.url, Duration::from_secs(1)).await.unwrap();
    let id = WorkflowId("flow".to_owned());
    let draft =
        Draft { id: id.clone(), title: "Flow".into(), definition: "{}".into(), now: Timestamp::UNIX_EPOCH };
    store.put_draft(draft).await.unwrap();
    proxy.break_next(Fault::AfterCommit);
    let change =
        WorkflowChange { id: id.clone(), sequence: 0, state: vec![1], version: None, activations: vec![] };
    assert!(matches!(store.commit_workflow(change).await, Err(CommitError::Store(_))));
    while store.news().await != News::LeaseLost {}
    store.take_part_again().await.unwrap();
    let adopted = store.adopt_workflows().await.unwrap();
    assert_eq!(adopted.iter().map(|one| (&one.row.id, one.row.sequence)).collect::<Vec<_>>(), [(&id, 1)]);
}

#[tokio::test]
async fn a_lease_that_is_longer_than_any_is_refused() {
    let lease = LONGEST_LEASE + Duration::from_secs(1);
    let error = PostgresStore::open(&Server::shared().database().await, lease).await.err().unwrap();
    assert!(error.source.to_string().contains("600 s at most"), "{}", error.source);
}

/// Takes over what there is, as soon as there is something.
async fn adopt(store: &PostgresStore) -> Vec<RunId> {
    let adopted = async {
        loop {
            let adopted = store.adopt_runs(10).await.expect("the store works");
            if !adopted.is_empty() {
                return adopted;
            }
            store.news().await;
        }
    };
    tokio::time::timeout(PATIENCE, adopted).await.expect("somebody has left something")
}

#[tokio::test]
async fn o4_what_a_dead_process_has_left_is_taken_over_though_the_databases_clock_was_set_back() {
    let server = Server::shared();
    let url = step::with_clock(&server, &server.database().await).await;
    let open = async || PostgresStore::open(&url, Duration::from_secs(1)).await.unwrap();
    let (living, dead, first, second) = (open().await, open().await, Sample::default(), Sample::default());
    create(&first, &dead).await;
    drop(dead);
    step::set_clock(&server, &url, "-1 hour").await;
    assert_eq!(adopt(&living).await, [first.id]);
    create(&second, &living).await;
    drop(living);
    step::set_clock(&server, &url, "-2 hours").await;
    // One that has seen nothing of it.
    let mut adopted = adopt(&open().await).await;
    adopted.sort_unstable();
    assert_eq!(adopted, [first.id, second.id]);
}

#[tokio::test]
async fn o4_a_process_that_lives_keeps_its_lease_when_the_databases_clock_is_set_back() {
    let server = Server::shared();
    let url = step::with_clock(&server, &server.database().await).await;
    let open = async || PostgresStore::open(&url, Duration::from_secs(1)).await.unwrap();
    let (first, second, sample) = (open().await, open().await, Sample::default());
    create(&sample, &first).await;
    step::set_clock(&server, &url, "-1 hour").await;
    for _ in 0..4 {
        for store in [&first, &second] {
            while store.news().await != News::Look {}
        }
        assert_eq!(second.adopt_runs(10).await.unwrap(), []);
    }
    first.commit_run(sample.change(&first, 0, "goes on")).await.unwrap();
}

#[tokio::test]
async fn o1_a_database_that_acknowledges_what_a_crash_may_lose_is_refused() {
    let server = Server::shared();
    let url = format!("{}?options=-c%20synchronous_commit%3Doff", server.database().await);
    let error = PostgresStore::open(&url, LEASE).await.err().unwrap();
    assert!(error.source.to_string().contains("`synchronous_commit`"), "{}", error.source);
}

#[tokio::test]
async fn a_database_of_a_newer_engine_is_refused() {
    let server = Server::shared();
    let url = server.database().await;
    drop(open(&url).await);
    let (_, name) = url.rsplit_once('/').unwrap();
    server.connect(name).await.batch_execute(newer::NEWER).await.unwrap();
    let error = PostgresStore::open(&url, LEASE).await.err().unwrap();
    assert!(error.source.to_string().contains("use a newer engine"), "{}", error.source);
}

#[tokio::test]
async fn commits_find_their_rows_by_index_in_a_database_without_statistics() {
    const RUNS: i64 = 50;
    let server = Server::shared();
    let url = server.database().await;
    let store = open(&url).await;
    for _ in 0..RUNS {
        let sample = Sample::default();
        create(&sample, &store).await;
        store.commit_run(sample.change(&store, 0, "moved")).await.unwrap();
        store.run(sample.id).await.unwrap().unwrap();
    }
    // What a connection has done is counted when it ends.
    drop(store);
    let (_, name) = url.rsplit_once('/').unwrap();
    let observer = server.connect(name).await;
    let sql = "SELECT n_tup_upd, coalesce(seq_tup_read, 0) FROM pg_stat_user_tables WHERE relname = 'runs'";
    loop {
        let row = observer.query_one(sql, &[]).await.unwrap();
        if row.get::<_, i64>(0) >= RUNS {
            assert_eq!(row.get::<_, i64>(1), 0, "rows of `runs` were read one after the other");
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn engines_of_one_database_have_the_same_keys() {
    let server = Server::shared();
    let store = open(&server.database().await).await;
    let (old, new, other) = ([1; 32], [2; 32], [3; 32]);
    store.check_keys(old, &[old]).await.unwrap();
    store.check_keys(old, &[old]).await.unwrap();
    let error = store.check_keys(other, &[other]).await.unwrap_err();
    assert!(error.source.to_string().contains("other keys"), "{}", error.source);
    store.check_keys(new, &[old, new]).await.unwrap();
    store.check_keys(old, &[old]).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_compete_lose_nothing_and_repeat_nothing() {
    let server = Server::shared();
    let url = server.database().await;
    let processes = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    let runs: Arc<Vec<Sample>> = Arc::new((0..5).map(|_| Sample::default()).collect());
    for run in runs.iter() {
        let start = StartRun { owned: false, ..run.start(&*processes[0]) };
        assert_eq!(processes[0].start_run(start).await.unwrap(), Started::Created);
    }
    let mut tasks = JoinSet::new();
    for task in 0..20 {
        let (store, runs) = (Arc::clone(&processes[task % 2]), Arc::clone(&runs));
        tasks.spawn(async move {
            let mut stored = vec![0; runs.len()];
            let mut started = Vec::new();
            for round in 0..10 {
                let run = &runs[(task + round) % runs.len()];
                let sequence = store.run(run.id).await.unwrap().unwrap().sequence;
                let change = RunChange { owned: false, ..run.change(&*store, sequence, "moved") };
                let result = match task % 3 {
                    0 => store.append_callback(run.callback(&*store, sequence, "callback")).await,
                    _ => store.commit_run(change).await,
                };
                match result {
                    Ok(()) => stored[(task + round) % runs.len()] += 1,
                    Err(CommitError::Conflict) => {}
                    Err(CommitError::Store(error)) => panic!("{error}: {}", error.source),
                }
                let event = Sample::default();
                let start = StartRun { dedupe: Some(round.to_string()), ..event.start(&*store) };
                if store.start_run(start).await.unwrap() == Started::Created {
                    started.push(round);
                }
            }
            (stored, started)
        });
    }
    let (mut stored, mut started) = (vec![0; runs.len()], Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (by_task, events) = done.unwrap();
        stored.iter_mut().zip(by_task).for_each(|(sum, count)| *sum += count);
        started.extend(events);
    }
    for (run, stored) in runs.iter().zip(stored) {
        assert_eq!(processes[0].journal(run.id).await.unwrap().len(), 1 + stored);
    }
    started.sort_unstable();
    assert_eq!(started, (0..10).collect::<Vec<_>>(), "each event has started one run");
}

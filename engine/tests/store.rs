//! `SQLite` through the conformance suite, and what it promises beyond that.

#[path = "support/newer.rs"]
mod newer;

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use stepwell_engine::model::RunStatus;
use stepwell_engine::store::conformance::{self, Sample};
use stepwell_engine::store::sqlite::{MemoryDatabase, SqliteStore};
use stepwell_engine::store::{CommitError, Finished, RunChange, Started, Store, Upkeep as _};

#[tokio::test]
async fn sqlite_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let stores = AtomicUsize::new(0);
    conformance::all(async || {
        let path = directory.path().join(stores.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir(&path).unwrap();
        SqliteStore::open(&path).unwrap()
    })
    .await;
}

#[tokio::test]
async fn sqlite_is_handed_over() {
    let directory = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(directory.path()).unwrap();
    conformance::succession(first, async |dead| {
        drop(dead);
        SqliteStore::open(directory.path()).unwrap()
    })
    .await;
}

#[tokio::test]
async fn o1_what_was_acknowledged_is_found_in_a_copy_of_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let sample = Sample::default();
    assert_eq!(store.start_run(sample.start(&store)).await.unwrap(), Started::Created);
    store.commit_run(sample.change(&store, 0, "second")).await.unwrap();
    // As after a kill: nothing was closed.
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let next = store.next_record();
    let restored = SqliteStore::open(copy.path()).unwrap();
    let row = restored.run(sample.id).await.unwrap().unwrap();
    assert_eq!((row.state.as_slice(), row.sequence), (b"second".as_slice(), 1));
    assert_eq!(restored.journal(sample.id).await.unwrap().len(), 2);
    assert!(restored.next_record() <= next);
    // The value of `once` belongs to whoever works on the run: nobody does yet.
    let recorded = restored.record_once(sample.once("name", vec![1])).await;
    assert!(matches!(recorded, Err(CommitError::Conflict)));
    assert_eq!(restored.adopt_runs(10).await.unwrap(), [sample.id], "its process has died");
    assert_eq!(restored.adopt_runs(10).await.unwrap(), [], "it has been taken over");
    restored.record_once(sample.once("name", vec![1])).await.unwrap();
}

#[test]
fn a_database_of_a_newer_engine_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(directory.path()).unwrap());
    let database = rusqlite::Connection::open(directory.path().join("stepwell.db")).unwrap();
    database.execute_batch(newer::NEWER).unwrap();
    drop(database);
    let error = SqliteStore::open(directory.path()).err().unwrap();
    assert!(error.source.to_string().contains("use a newer engine"), "{}", error.source);
}

#[test]
fn commits_are_durable_by_default() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!(store.durability(), ("wal", 2), "WAL with synchronous=FULL");
}

#[test]
fn a_directory_is_for_one_process() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let error = SqliteStore::open(directory.path()).err().unwrap();
    assert!(error.source.to_string().contains("another process"), "{}", error.source);
    drop(store);
    SqliteStore::open(directory.path()).unwrap();
}

#[tokio::test]
async fn o6_the_file_shrinks() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let size = || std::fs::metadata(directory.path().join("stepwell.db")).unwrap().len();
    let mut version = None;
    for _ in 0..200 {
        let sample = Sample::default();
        let mut start = sample.start(&store);
        start.record.body = vec![b'x'; 20_000];
        version = Some(start.run.version);
        store.start_run(start).await.unwrap();
        let change = RunChange {
            status: RunStatus::Completed,
            owned: false,
            finished_at: Some(Timestamp::UNIX_EPOCH),
            ..sample.change(&store, 0, "ended")
        };
        store.commit_run(change).await.unwrap();
    }
    // The first call only brings the log into the file.
    while store.give_back_space().await.unwrap() {}
    let full = size();
    assert!(full > 4_000_000, "{full}");
    let until = Finished::by(Timestamp::UNIX_EPOCH);
    while store.remove_runs(version.unwrap(), until, 50).await.unwrap() > 0 {}
    while store.remove_records(500).await.unwrap() {}
    while store.give_back_space().await.unwrap() {}
    assert!(size() < full / 4, "{} of {full} bytes are left", size());
    assert_eq!(store.size().await.unwrap().free, Some(0));
}

#[tokio::test]
async fn o1_a_process_that_another_has_followed_commits_nothing() {
    let database = MemoryDatabase::new().unwrap();
    let before = database.open().unwrap();
    let sample = Sample::default();
    before.start_run(sample.start(&before)).await.unwrap();
    let late = sample.change(&before, 0, "late");
    let after = database.open().unwrap();
    let error = before.commit_run(late).await.unwrap_err();
    assert!(
        matches!(&error, CommitError::Store(error) if error.source.to_string().contains("another process"))
    );
    after.commit_run(sample.change(&after, 0, "next")).await.unwrap();
    assert_eq!(after.journal(sample.id).await.unwrap().len(), 2);
}

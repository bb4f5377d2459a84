//! The shared database through the suite that every store must pass, and what it promises to several processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use stepwell::block::BoxFuture;
use stepwell_engine::driver::Clock;
use stepwell_engine::store::conformance::{self, Sample};
use stepwell_engine::store::sqlite::MemoryDatabase;
use stepwell_engine::store::{CommitError, News, Store as _};

use super::{Guards, SharedDatabase, SharedStore};

const LEASE: Duration = Duration::from_secs(10);

/// A clock that is set by hand, in seconds since 1970.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::new(self.0.load(Ordering::Relaxed), 0).expect("the time is within the calendar")
    }

    fn sleep_until(&self, _: Timestamp) -> BoxFuture<()> {
        Box::pin(std::future::pending())
    }
}

fn database() -> (Arc<SharedDatabase>, Arc<Hand>) {
    let memory = MemoryDatabase::new().expect("there is memory for a database");
    let clock = Arc::new(Hand(AtomicI64::new(0)));
    let rows = memory.open_inline().expect("the database in memory works");
    (SharedDatabase::new(rows, Arc::clone(&clock) as _, LEASE, Guards { lease: true, owner: true }), clock)
}

/// Panics where the shared database breaks a promise.
pub(crate) fn check() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime on this thread needs nothing").block_on(async {
        conformance::all(async || database().0.open()).await;
        let (shared, _) = database();
        let succeed = async |dead: SharedStore| {
            dead.leave().await.expect("the store works");
            shared.open()
        };
        conformance::succession(shared.open(), succeed).await;
        let (shared, _) = database();
        conformance::several([shared.open(), shared.open(), shared.open()]).await;
        a_process_whose_lease_has_expired_commits_nothing().await;
        a_run_is_moved_by_its_process_alone_which_hears_of_callbacks().await;
    });
}

async fn a_process_whose_lease_has_expired_commits_nothing() {
    let (database, clock) = database();
    let (paused, sample) = (database.open(), Sample::default());
    paused.start_run(sample.start(&paused)).await.expect("the store works");
    clock.0.store(11, Ordering::Relaxed);
    let other = database.open();
    assert!(paused.commit_run(sample.change(&paused, 0, "late")).await.is_err());
    assert!(paused.record_once(sample.once("name", vec![1])).await.is_err());
    assert_eq!(other.run(sample.id).await.expect("the store works").map(|row| row.sequence), Some(0));
    assert_eq!(other.adopt_runs(10).await.expect("the store works"), [sample.id]);
    assert_eq!(paused.news().await, News::LeaseLost);
    paused.take_part_again().await.expect("the store works");
    let overtaken = paused.commit_run(sample.change(&paused, 0, "late")).await;
    assert!(matches!(overtaken, Err(CommitError::Conflict)));
}

async fn a_run_is_moved_by_its_process_alone_which_hears_of_callbacks() {
    let (database, _) = database();
    let (owner, other, sample) = (database.open(), database.open(), Sample::default());
    owner.start_run(sample.start(&owner)).await.expect("the store works");
    assert_eq!(other.adopt_runs(10).await.expect("the store works"), [], "its process lives");
    let foreign = other.commit_run(sample.change(&other, 0, "foreign")).await;
    assert!(matches!(foreign, Err(CommitError::Conflict)));
    other.append_callback(sample.callback(&other, 0, "there")).await.expect("the sequence is right");
    assert_eq!(owner.news().await, News::Run(sample.id));
}

//! The promises of [`Upkeep`](crate::store::Upkeep).

use uuid::Uuid;

use super::sample::{self, Sample, at, draft, refused, version, workflow};
use crate::model::{OperationId, READS, RunId, RunStatus, VersionId};
use crate::store::{
    Draft, Finished, OperationRow, Promise, Relying, RunChange, RunFilter, StartRun, Store, VersionRow,
    WorkflowChange,
};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    o6_finished_runs_go_whole_and_in_the_order_of_their_ends(&fresh().await).await;
    o6_long_journals_go_in_steps(&fresh().await).await;
    o6_runs_beyond_the_newest_are_found(&fresh().await).await;
    t7_old_keys_are_removed(&fresh().await).await;
    o6_a_version_goes_when_nothing_is_on_it(&fresh().await).await;
    o7_runs_are_counted_by_a_filter(&fresh().await).await;
    o7_an_operation_moves_only_from_the_sequence_that_was_seen(&fresh().await).await;
    o8_what_versions_rely_on_is_told_with_their_runs(&fresh().await).await;
    o8_the_runs_of_a_version_can_be_left_to_others(&fresh().await).await;
    o8_a_run_that_was_set_aside_is_found_by_an_engine_that_reads_more(&fresh().await).await;
    the_database_has_a_size(&fresh().await).await;
}

/// Ends a run at a second.
async fn end(sample: &Sample, store: &dyn Store, second: i64) {
    let change = RunChange {
        status: RunStatus::Completed,
        owned: false,
        finished_at: Some(at(second)),
        ..sample.change(store, 0, "ended")
    };
    store.commit_run(change).await.expect("the sequence is right");
}

async fn exists(store: &dyn Store, sample: &Sample) -> bool {
    store.run(sample.id).await.expect("the store works").is_some()
}

async fn o6_finished_runs_go_whole_and_in_the_order_of_their_ends(store: &dyn Store) {
    let samples: Vec<Sample> = (0..4).map(|_| Sample::default()).collect();
    let mut records = Vec::new();
    for sample in &samples {
        let start = sample.start(store);
        records.push(start.record.id);
        store.start_run(start).await.expect("the store works");
        store.record_once(sample.once("name", vec![1])).await.expect("this process works on the run");
        store.append_callback(sample.callback(store, 0, "late")).await.expect("the sequence is right");
    }
    for (sample, second) in samples[..3].iter().zip([30, 10, 20]) {
        end(sample, store, second).await;
    }
    let version = VersionId(Uuid::nil());
    let remove = |second, limit| async move {
        store.remove_runs(version, Finished::by(at(second)), limit).await.expect("the store works")
    };
    assert_eq!(remove(20, 1).await, 1);
    assert!(!exists(store, &samples[1]).await, "it ended first");
    assert_eq!(remove(20, 10).await, 1);
    assert!(!exists(store, &samples[2]).await && exists(store, &samples[0]).await);
    assert_eq!(remove(20, 10).await, 0);
    while store.remove_records(3).await.expect("the store works") {}
    let left = store.records(&records).await.expect("the store works");
    let left: Vec<RunId> = left.iter().map(|record| record.run).collect();
    assert_eq!(left, [samples[0].id, samples[3].id]);
    for (sample, kept) in samples.iter().zip([true, false, false, true]) {
        let once = store.once(sample.execution(1), "name").await.expect("the store works");
        let inbox = store.inbox(sample.id).await.expect("the store works");
        assert_eq!((once.is_some(), inbox.len()), (kept, usize::from(kept)));
    }
    assert_eq!(samples[0].bodies(store).await, ["started", "late", "ended"]);
    assert_eq!(samples[3].bodies(store).await, ["started", "late"], "it has not ended");
}

async fn o6_long_journals_go_in_steps(store: &dyn Store) {
    let sample = Sample::default();
    sample.create(store).await;
    for sequence in 0..20 {
        store.commit_run(sample.change(store, sequence, "next")).await.expect("the sequence is right");
    }
    let last = RunChange { finished_at: Some(at(5)), owned: false, ..sample.change(store, 20, "ended") };
    store.commit_run(last).await.expect("the sequence is right");
    let ids: Vec<_> =
        store.journal(sample.id).await.expect("the store works").iter().map(|record| record.id).collect();
    let until = Finished { at: at(5), run: sample.id };
    assert_eq!(store.remove_runs(VersionId(Uuid::nil()), until, 10).await.expect("the store works"), 1);
    let mut left = vec![ids.len()];
    while store.remove_records(8).await.expect("the store works") {
        left.push(store.records(&ids).await.expect("the store works").len());
    }
    assert_eq!(left[..4], [22, 14, 6, 0]);
}

/// A version of the workflow with its activation, which are stored.
async fn put_version(store: &dyn Store, number: u32, accepts: bool) -> VersionRow {
    if number == 1 {
        store.put_draft(draft("{}")).await.expect("the store works");
    }
    let version = version(number);
    let activation = crate::store::ActivationRow { accepts, ..sample::activation(&version) };
    let change = WorkflowChange {
        id: workflow(),
        sequence: i64::from(number) - 1,
        state: b"state".to_vec(),
        version: Some(version.clone()),
        activations: vec![activation],
    };
    store.commit_workflow(change).await.expect("the sequence is right");
    version
}

/// A run of a version, which is stored.
async fn run_on(store: &dyn Store, version: &VersionRow) -> Sample {
    let sample = Sample::default();
    let mut start = sample.start(store);
    start.run.version = version.id;
    store.start_run(start).await.expect("the store works");
    sample
}

async fn o6_runs_beyond_the_newest_are_found(store: &dyn Store) {
    let versions = [put_version(store, 1, false).await, put_version(store, 2, false).await];
    let mut samples = Vec::new();
    for (place, second) in [(0, 10), (1, 20), (0, 20), (1, 40)] {
        let sample = run_on(store, &versions[place]).await;
        end(&sample, store, second).await;
        samples.push(sample);
    }
    run_on(store, &versions[0]).await;
    let beyond =
        |newest| async move { store.finished_beyond(&workflow(), newest).await.expect("the store works") };
    assert_eq!(beyond(0).await, Some(Finished { at: at(40), run: samples[3].id }));
    let later = samples[1].id.max(samples[2].id);
    assert_eq!(beyond(1).await, Some(Finished { at: at(20), run: later }));
    assert_eq!(beyond(3).await, Some(Finished { at: at(10), run: samples[0].id }));
    assert_eq!(beyond(4).await, None, "the fifth has not ended");
}

async fn t7_old_keys_are_removed(store: &dyn Store) {
    let start = |key: &str, second| {
        let sample = Sample::default();
        let mut start = StartRun { dedupe: Some(key.to_owned()), ..sample.start(store) };
        start.run.created_at = at(second);
        start
    };
    for second in 1..=3 {
        store.start_run(start(&format!("key-{second}"), second)).await.expect("the store works");
    }
    assert_eq!(store.remove_keys(at(3), 1).await.expect("the store works"), 1);
    assert_eq!(store.remove_keys(at(3), 10).await.expect("the store works"), 1);
    assert_eq!(store.remove_keys(at(3), 10).await.expect("the store works"), 0);
    let again = store.start_run(start("key-3", 4)).await.expect("the store works");
    assert!(matches!(again, crate::store::Started::Duplicate(..)), "{again:?}");
    let again = store.start_run(start("key-1", 4)).await.expect("the store works");
    assert_eq!(again, crate::store::Started::Created);
}

async fn o6_a_version_goes_when_nothing_is_on_it(store: &dyn Store) {
    let versions = [put_version(store, 1, false).await, put_version(store, 2, true).await];
    let remove =
        |version: VersionId| async move { store.remove_version(version).await.expect("the store works") };
    let sample = run_on(store, &versions[0]).await;
    assert!(!remove(versions[0].id).await, "a run is on it");
    assert!(!remove(versions[1].id).await, "its URL accepts requests");
    end(&sample, store, 5).await;
    store.remove_runs(versions[0].id, Finished::by(at(5)), 10).await.expect("the store works");
    assert!(remove(versions[0].id).await);
    assert_eq!(store.version(versions[0].id).await.expect("the store works"), None);
    assert_eq!(store.versions(&workflow()).await.expect("the store works").len(), 1);
}

async fn o7_runs_are_counted_by_a_filter(store: &dyn Store) {
    let samples: Vec<Sample> = (0..5).map(|_| Sample::default()).collect();
    for (sample, second) in samples.iter().zip(1..) {
        let mut start = sample.start(store);
        start.run.created_at = at(second);
        store.start_run(start).await.expect("the store works");
    }
    end(&samples[4], store, 9).await;
    let count = |filter| async move { store.count_runs(filter).await.expect("the store works") };
    let any = RunFilter { limit: 100, ..RunFilter::default() };
    assert_eq!(count(any.clone()).await, 5);
    assert_eq!(count(RunFilter { limit: 3, ..any.clone() }).await, 3);
    assert_eq!(count(RunFilter { ended: Some(false), ..any.clone() }).await, 4);
    assert_eq!(count(RunFilter { ended: Some(true), ..any.clone() }).await, 1);
    let between = RunFilter { created_after: Some(at(2)), created_before: Some(at(4)), ..any.clone() };
    assert_eq!(count(between.clone()).await, 2);
    let rows = store.runs(between).await.expect("the store works");
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [samples[2].id, samples[1].id]);
    let oldest = store.oldest(RunStatus::Running).await.expect("the store works");
    assert_eq!(oldest.map(|row| row.id), Some(samples[0].id));
    assert_eq!(store.oldest(RunStatus::Failed).await.expect("the store works"), None);
}

async fn o7_an_operation_moves_only_from_the_sequence_that_was_seen(store: &dyn Store) {
    let row = OperationRow {
        id: OperationId(Uuid::now_v7()),
        state: b"first".to_vec(),
        sequence: 0,
        created_at: at(1),
        finished_at: None,
    };
    store.put_operation(row.clone()).await.expect("the store works");
    let adopted = store.adopt_operations().await.expect("the store works");
    assert_eq!(adopted, [OperationRow { sequence: 1, ..row.clone() }]);
    assert_eq!(store.adopt_operations().await.expect("the store works"), [], "this process lives");
    assert!(refused(store.commit_operation(row.clone()).await), "it was taken over");
    let next = OperationRow { sequence: 1, state: b"second".to_vec(), ..row.clone() };
    store.commit_operation(next.clone()).await.expect("the sequence is right");
    assert!(refused(store.commit_operation(next.clone()).await));
    let last = OperationRow { sequence: 2, finished_at: Some(at(5)), ..next };
    store.commit_operation(last.clone()).await.expect("the sequence is right");
    let last = OperationRow { sequence: 3, ..last };
    assert_eq!(store.operation(row.id).await.expect("the store works"), Some(last.clone()));
    assert!(refused(store.commit_operation(last.clone()).await), "it has ended");
    assert_eq!(store.operations(10).await.expect("the store works"), [last]);
    assert_eq!(store.remove_operations(at(5), 10).await.expect("the store works"), 0);
    assert_eq!(store.remove_operations(at(6), 10).await.expect("the store works"), 1);
    assert_eq!(store.operation(row.id).await.expect("the store works"), None);
}

fn promise(block: &str) -> Promise {
    let mut fingerprint = [0; 32];
    fingerprint[..block.len()].copy_from_slice(block.as_bytes());
    Promise { fingerprint, block: block.to_owned(), manifest: "{}".to_owned() }
}

async fn o8_what_versions_rely_on_is_told_with_their_runs(store: &dyn Store) {
    let versions = [put_version(store, 1, false).await, put_version(store, 2, false).await];
    for _ in 0..3 {
        run_on(store, &versions[0]).await;
    }
    let rely = |version: VersionId, blocks: &[&str]| {
        let promises = blocks.iter().map(|block| promise(block)).collect();
        async move { store.rely(version, promises).await.expect("the store works") }
    };
    rely(versions[0].id, &["a", "b"]).await;
    rely(versions[1].id, &["b"]).await;
    rely(versions[1].id, &["b"]).await;
    assert_eq!(store.promises().await.expect("the store works"), [promise("a"), promise("b")]);
    let to_second = store.promises_to(versions[1].id).await.expect("the store works");
    assert_eq!(to_second, [promise("b")]);
    let relying = store.relying(promise("b").fingerprint, 2).await.expect("the store works");
    let told = |version: &VersionRow, runs| Relying { version: version.id, workflow: workflow(), runs };
    assert_eq!(relying, [told(&versions[0], 2), told(&versions[1], 0)]);
    assert!(store.remove_version(versions[1].id).await.expect("the store works"));
    assert_eq!(store.promises().await.expect("the store works").len(), 2);
}

async fn o8_the_runs_of_a_version_can_be_left_to_others(store: &dyn Store) {
    let versions = [put_version(store, 1, false).await, put_version(store, 2, false).await];
    let samples = [run_on(store, &versions[0]).await, run_on(store, &versions[1]).await];
    for sample in &samples {
        let idle = RunChange { owned: false, due_at: Some(at(3)), ..sample.change(store, 0, "idle") };
        store.commit_run(idle).await.expect("the sequence is right");
    }
    let owned = run_on(store, &versions[0]).await;
    store.leave_version(versions[0].id).await.expect("the store works");
    assert_eq!(store.due(at(5), 10).await.expect("the store works"), [samples[1].id]);
    store.append_callback(samples[0].callback(store, 1, "kept")).await.expect("the sequence is right");
    assert_eq!(store.due(at(1), 10).await.expect("the store works"), []);
    assert_eq!(store.adopt_runs(10).await.expect("the store works"), []);
    let late = store.record_once(owned.once("name", vec![1])).await;
    assert!(refused(late), "it is left to the next process");
    let done = RunChange { due_at: None, owned: false, ..samples[1].change(store, 1, "done") };
    store.commit_run(done).await.expect("the sequence is right");
    assert_eq!(store.next_due().await.expect("the store works"), None);
}

async fn o8_a_run_that_was_set_aside_is_found_by_an_engine_that_reads_more(store: &dyn Store) {
    let samples: Vec<Sample> = (0..3).map(|_| Sample::default()).collect();
    for sample in &samples {
        sample.create(store).await;
        let idle = RunChange { owned: false, due_at: Some(at(3)), ..sample.change(store, 0, "idle") };
        store.commit_run(idle).await.expect("the sequence is right");
        store.append_callback(sample.callback(store, 1, "kept")).await.expect("the sequence is right");
    }
    assert!(!store.set_aside(samples[0].id, 0, READS).await.expect("the store works"), "it has moved on");
    for (sample, reads) in samples.iter().zip([READS - 1, READS, READS + 1]) {
        assert!(store.set_aside(sample.id, 1, reads).await.expect("the store works"));
        assert!(!store.set_aside(sample.id, 1, reads).await.expect("the store works"), "it was before");
    }
    assert_eq!(store.due(at(5), 10).await.expect("the store works"), []);
    assert_eq!(store.next_due().await.expect("the store works"), None);
    let unreadable = || async {
        let filter = RunFilter { unreadable: true, limit: 10, ..RunFilter::default() };
        let rows = store.runs(filter.clone()).await.expect("the store works");
        assert_eq!(store.count_runs(filter).await.expect("the store works"), rows.len());
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(unreadable().await, [samples[2].id, samples[1].id]);
    let adopted = || async { store.adopt_runs(10).await.expect("the store works") };
    assert_eq!(adopted().await, [samples[0].id]);
    store.take_back().await.expect("the store works");
    assert_eq!(adopted().await, [samples[1].id]);
    assert_eq!(unreadable().await, [samples[2].id], "one that reads more could not read it either");
    let row = store.run(samples[1].id).await.expect("the store works").expect("it exists");
    assert_eq!((row.sequence, row.due_at), (1, Some(at(3))), "it is as it was");
    assert_eq!(store.inbox(samples[1].id).await.expect("the store works").len(), 1);
    assert!(store.set_aside(samples[1].id, 1, READS).await.expect("the store works"), "this process owns it");
}

async fn the_database_has_a_size(store: &dyn Store) {
    let drafted = Draft { definition: "x".repeat(100_000), ..draft("") };
    store.put_draft(drafted).await.expect("the store works");
    let size = store.size().await.expect("the store works");
    assert!(size.total > 100_000 && size.gives_back, "{size:?}");
}

//! What is left behind: by the last process for the next, and by one of several for those that live.

use super::sample::{Sample, draft, refused, workflow};
use crate::store::{AdoptedWorkflow, StartRun, Started, Store, WorkflowChange};

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

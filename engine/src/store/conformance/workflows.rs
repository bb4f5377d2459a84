//! Drafts, versions and activations.

use super::sample::{activation, draft, refused, version, workflow};
use crate::store::{Store, WorkflowChange};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    drafts_are_replaced_and_leave_the_state(&fresh().await).await;
    a_workflow_moves_only_from_the_sequence_that_was_seen(&fresh().await).await;
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

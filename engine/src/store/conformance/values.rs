//! What is kept as it was given: any text, values of any size, tokens.

use super::sample::{Sample, activation, at, draft, version, workflow};
use crate::store::{
    ActivationRow, Callback, Draft, Record, RunChange, StartRun, Started, Store, WorkflowChange,
};

pub(super) async fn all<S: Store, F: AsyncFn() -> S>(fresh: &F) {
    tokens_are_known_by_their_hash(&fresh().await).await;
    any_text_is_kept(&fresh().await).await;
    values_of_a_mebibyte_are_kept(&fresh().await).await;
}

async fn tokens_are_known_by_their_hash(store: &dyn Store) {
    store.put_token([7; 32], "admin", at(1)).await.expect("the store works");
    store.put_token([7; 32], "admin", at(2)).await.expect("a token may be put again");
    assert!(store.has_token([7; 32]).await.expect("the store works"));
    assert!(!store.has_token([8; 32]).await.expect("the store works"));
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

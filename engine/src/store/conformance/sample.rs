//! What the checks are made with: a run in the making, and rows.

use jiff::Timestamp;
use uuid::Uuid;

use crate::model::{ActivationId, ActivationStatus, ExecutionId, RunId, RunStatus, VersionId, WorkflowId};
use crate::store::{
    ActivationRow, Callback, CommitError, Draft, OnceValue, PlaceChange, Record, RunChange, RunRow, StartRun,
    Started, Store, VersionRow,
};

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

    pub(super) async fn create(&self, store: &dyn Store) {
        assert_eq!(store.start_run(self.start(store)).await.expect("the store works"), Started::Created);
    }

    pub(super) async fn bodies(&self, store: &dyn Store) -> Vec<String> {
        let journal = store.journal(self.id).await.expect("the store works");
        journal.into_iter().map(|record| String::from_utf8(record.body).expect("text")).collect()
    }
}

pub(super) fn workflow() -> WorkflowId {
    WorkflowId("flow".to_owned())
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a small number of seconds")
}

pub(super) fn draft(definition: &str) -> Draft {
    Draft { id: workflow(), title: "Flow".into(), definition: definition.into(), now: at(1) }
}

pub(super) fn version(number: u32) -> VersionRow {
    VersionRow {
        id: VersionId(Uuid::now_v7()),
        workflow: workflow(),
        number,
        definition: "{}".into(),
        created_at: at(2),
    }
}

pub(super) fn activation(version: &VersionRow) -> ActivationRow {
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
pub(super) fn refused(result: Result<(), CommitError>) -> bool {
    matches!(result, Err(CommitError::Conflict))
}

/// Awaits all of them together.
pub(super) async fn join_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
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

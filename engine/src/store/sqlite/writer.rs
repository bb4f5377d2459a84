//! The writer: whatever changes it is asked for, it commits and answers each.

use std::sync::{Arc, Mutex};

use rusqlite::{Connection, TransactionBehavior};

use super::activations::Activations;
use super::change;
use super::connection;
use super::queue::Queue;
use crate::store::StoreError;
use crate::store::change::{Answer, Change};

/// What the writer carries out within its transaction.
pub(super) enum Work {
    Change(Change),
    /// A change of the upkeep, with what is tried for error messages.
    Upkeep(&'static str, CarryOut),
}

/// Carries a change out, perhaps more than once until it is committed.
type CarryOut = Box<dyn Fn(&Connection) -> rusqlite::Result<Answer> + Send>;

impl Work {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::Change(change) => change.operation(),
            Self::Upkeep(operation, _) => operation,
        }
    }

    /// Whether it may change an activation.
    pub(super) const fn touches_activations(&self) -> bool {
        matches!(self, Self::Change(Change::Workflow(_)) | Self::Upkeep(..))
    }

    /// Whether it changes a few rows and no more.
    pub(super) fn is_small(&self) -> bool {
        matches!(self, Self::Change(change) if !change.is_rare())
    }

    fn apply(&self, connection: &Connection, epoch: i64) -> rusqlite::Result<Answer> {
        match self {
            Self::Change(change) => change::apply(change, connection, epoch),
            Self::Upkeep(_, carry_out) => carry_out(connection),
        }
    }
}

/// Who writes.
pub(super) enum Writer {
    /// A thread, and who asks while it has nothing to do.
    Queue(Queue),
    /// Whoever asks.
    Inline { connection: Mutex<Connection>, epoch: i64 },
}

impl Writer {
    /// Starts the writer's thread. `keep` lives as long as the thread.
    pub(super) fn start<K: Send + 'static>(
        connection: Connection,
        epoch: i64,
        activations: Arc<Activations>,
        keep: K,
    ) -> std::io::Result<Self> {
        Queue::start(connection, epoch, activations, keep).map(Self::Queue)
    }

    /// Writes where it is asked to.
    pub(super) const fn inline(connection: Connection, epoch: i64) -> Self {
        Self::Inline { connection: Mutex::new(connection), epoch }
    }

    /// Fails as the last commit did, if the disk was at fault.
    pub(super) fn check_disk(&self) -> Result<(), StoreError> {
        match self {
            Self::Queue(queue) => queue.check_disk(),
            Self::Inline { .. } => Ok(()),
        }
    }

    /// Stores a change. It is durable when this returns `Ok`.
    pub(super) async fn store(&self, change: Change) -> Result<Answer, StoreError> {
        self.commit(Work::Change(change)).await
    }

    /// Carries out a change of the upkeep. It is durable when this returns `Ok`.
    pub(super) async fn carry_out(
        &self,
        operation: &'static str,
        carry_out: impl Fn(&Connection) -> rusqlite::Result<Answer> + Send + 'static,
    ) -> Result<Answer, StoreError> {
        self.commit(Work::Upkeep(operation, Box::new(carry_out))).await
    }

    async fn commit(&self, work: Work) -> Result<Answer, StoreError> {
        match self {
            Self::Queue(queue) => queue.commit(work).await,
            Self::Inline { connection, epoch } => {
                let mut connection = connection.lock().expect("no holder panics");
                let answers = commit(&mut connection, *epoch, std::iter::once(&work));
                alone(work.operation(), answers)
            }
        }
    }
}

/// The answer to work that was tried alone.
pub(super) fn alone(
    operation: &'static str,
    answers: rusqlite::Result<Vec<Answer>>,
) -> Result<Answer, StoreError> {
    let answer = answers.and_then(|mut answers| answers.pop().ok_or(rusqlite::Error::QueryReturnedNoRows));
    answer.map_err(|error| StoreError { operation, source: error.into() })
}

/// Carries all work of a batch out in one transaction; on an error none of them. Once another process has come in,
/// this one commits nothing.
pub(super) fn commit<'a>(
    connection: &mut Connection,
    epoch: i64,
    all: impl Iterator<Item = &'a Work>,
) -> rusqlite::Result<Vec<Answer>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    connection::check_epoch(&transaction, epoch)?;
    let answers = all.map(|work| work.apply(&transaction, epoch)).collect::<Result<Vec<_>, _>>()?;
    transaction.commit()?;
    Ok(answers)
}

//! The committer: one task that takes whatever changes are queued, commits them together and answers each.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Client, Object};
use tokio::sync::{mpsc, oneshot};

use super::connection::{Pool, QueryError};
use super::lease::Lease;
use super::locks::{LockStatements, Wanted};
use super::plan::Writes;
use super::write::WriteStatements;
use super::{places, single};
use crate::model::RecordId;
use crate::store::StoreError;
use crate::store::change::{Answer, Change};

/// How many changes share a commit at most: enough that the round trips are spread thin, few enough that the
/// first of them does not wait long for the last.
const LARGEST_BATCH: usize = 256;
/// How long to wait before the database is asked again what became of a commit.
const SETTLE_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A change with whom to answer.
struct Job {
    change: Change,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

/// The queue of the committer. The committer ends when this is dropped and the queue is empty.
pub(super) struct Queue(mpsc::UnboundedSender<Job>);

struct Committer {
    pool: Pool,
    lease: Arc<Lease>,
}

/// Why a batch has no answers.
enum Failed {
    /// None of it was stored.
    Undone(QueryError),
    /// The connection was lost while it was being committed.
    Unknown(QueryError),
}

impl Queue {
    /// Starts a committer.
    pub(super) fn start(pool: Pool, lease: Arc<Lease>) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        tokio::spawn(Committer { pool, lease }.work(queue));
        Self(jobs)
    }

    /// Stores a change. It is durable when this returns `Ok`.
    pub(super) async fn store(&self, change: Change) -> Result<Answer, StoreError> {
        let operation = change.operation();
        let stopped = || StoreError { operation, source: "the committer has stopped".into() };
        let (answer, answered) = oneshot::channel();
        self.0.send(Job { change, answer }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Committer {
    async fn work(self, mut queue: mpsc::UnboundedReceiver<Job>) {
        let mut batch = Vec::new();
        while queue.recv_many(&mut batch, LARGEST_BATCH).await > 0 {
            let batch = std::mem::take(&mut batch);
            let mut result = self.commit(&batch, false).await;
            if let Err(Failed::Undone(QueryError::Disconnected(_))) = result {
                // The connection may have been cut while nobody used it.
                result = self.commit(&batch, false).await;
            }
            match result {
                // One of them may have been at fault for all: each gets a try of its own.
                Err(Failed::Undone(QueryError::Refused(_))) if batch.len() > 1 => {
                    for job in batch {
                        let batch = vec![job];
                        let result = self.commit(&batch, false).await;
                        self.answer(batch, result).await;
                    }
                }
                result => self.answer(batch, result).await,
            }
        }
    }

    async fn answer(&self, batch: Vec<Job>, result: Result<Vec<Answer>, Failed>) {
        let result = match result {
            Ok(answers) => Ok(answers),
            Err(Failed::Undone(error)) => Err(error),
            Err(Failed::Unknown(error)) => self.settle(&batch, error).await,
        };
        match result {
            Ok(answers) => {
                for (job, answer) in batch.into_iter().zip(answers) {
                    // Who asked may have gone away; the change is stored all the same.
                    let _ = job.answer.send(Ok(answer));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for job in batch {
                    let operation = job.change.operation();
                    let source = Arc::clone(&error).into();
                    let _ = job.answer.send(Err(StoreError { operation, source }));
                }
            }
        }
    }

    /// Finds out what became of a batch whose connection was lost in its commit, by committing it again: what was
    /// stored is found by its record or its run. If that stays unknown, or cannot be told, this process takes no
    /// chances: it counts itself as dead, so that everything that it worked on is looked at anew.
    async fn settle(&self, batch: &[Job], mut error: QueryError) -> Result<Vec<Answer>, QueryError> {
        let epoch = self.lease.epoch();
        let can_be_told = |job: &Job| !matches!(job.change, Change::Workflow(_) | Change::Adopt { .. });
        let until = tokio::time::Instant::now() + self.lease.length();
        while batch.iter().all(can_be_told) && tokio::time::Instant::now() < until {
            tokio::time::sleep(SETTLE_AGAIN_AFTER).await;
            match self.commit(batch, true).await {
                Ok(answers) => return Ok(answers),
                Err(Failed::Undone(QueryError::LeaseLost)) => break,
                Err(Failed::Undone(next) | Failed::Unknown(next)) => error = next,
            }
        }
        self.lease.note_lost(epoch);
        Err(error)
    }

    /// Carries all changes of a batch out in one transaction; on an error none of them. `again`: some may have been
    /// stored before.
    async fn commit(&self, batch: &[Job], again: bool) -> Result<Vec<Answer>, Failed> {
        let client = self.pool.get().await.map_err(Failed::Undone)?;
        let result = self.commit_on(&client, batch, again).await;
        if result.is_err() {
            // Its transaction ends with the connection.
            drop(Object::take(client));
        }
        result
    }

    async fn commit_on(&self, client: &Client, batch: &[Job], again: bool) -> Result<Vec<Answer>, Failed> {
        let epoch = self.lease.epoch();
        let decided = self.answered(Box::pin(async {
            let locks = LockStatements::prepare(client).await?;
            let writes = WriteStatements::prepare(client).await?;
            Ok((self.decide(client, &locks, batch, epoch, again).await?, writes))
        }));
        let ((answers, decision), writes) = decided.await.map_err(Failed::Undone)?;
        match self.answered(Box::pin(decision.commit(client, &writes, epoch))).await {
            Ok(()) => Ok(answers),
            // The database has answered, so it has rolled back.
            Err(error @ QueryError::Refused(_)) => Err(Failed::Undone(error)),
            Err(error) => Err(Failed::Unknown(error)),
        }
    }

    /// Gives up what the database does not answer: a connection may be dead without being closed. In twice the time
    /// of a lease, the database itself has given up every wait for a lock.
    async fn answered<T>(&self, asked: impl Future<Output = Result<T, QueryError>>) -> Result<T, QueryError> {
        let silence = self.lease.length() * 2;
        let answer = tokio::time::timeout(silence, asked).await;
        answer.unwrap_or_else(|_| Err(QueryError::Disconnected(format!("no answer in {silence:?}"))))
    }

    /// Begins the transaction, carries out what has statements of its own, and decides about the rest.
    async fn decide<'a>(
        &self,
        client: &Client,
        statements: &LockStatements,
        batch: &'a [Job],
        epoch: i64,
        again: bool,
    ) -> Result<(Vec<Answer>, Writes<'a>), QueryError> {
        let mut wanted = Wanted::default();
        for job in batch {
            wanted.add(&job.change, again);
        }
        let rare = batch.iter().any(|job| job.change.is_rare());
        let mut answers: Vec<Option<Answer>> = vec![None; batch.len()];
        let queues = batch.iter().any(|job| job.change.touches_lane());
        let mut found = if rare || queues {
            statements.begin(client, epoch).await?;
            for index in in_locking_order(batch) {
                answers[index] = single::apply(client, &batch[index].change, epoch).await?;
            }
            if queues {
                places::lock(client, batch.iter().map(|job| &job.change)).await?;
            }
            wanted.lock(client, statements).await?
        } else {
            let (begun, found) =
                tokio::join! { biased; statements.begin(client, epoch), wanted.lock(client, statements) };
            begun?;
            found?
        };
        let mut writes = Writes::default();
        let mut decided = Vec::with_capacity(batch.len());
        let stored = if again { find_stored(client, statements, batch).await? } else { BTreeSet::new() };
        for (job, answer) in batch.iter().zip(answers) {
            let answer = answer.or_else(|| job.change.is_among(&stored).then_some(Answer::Done));
            let answer = answer.or_else(|| writes.add(&job.change, &mut found, epoch));
            decided.push(answer.unwrap_or(Answer::Refused));
        }
        settle_refused(client, statements, batch, &mut decided).await?;
        Ok((decided, writes))
    }
}

/// The rare changes, those of workflows last and in the order of their ids, so that two processes never wait for each
/// other.
fn in_locking_order(batch: &[Job]) -> Vec<usize> {
    let mut rare: Vec<usize> = (0..batch.len()).filter(|index| batch[*index].change.is_rare()).collect();
    rare.sort_by_key(|index| batch[*index].change.workflow().cloned());
    rare
}

/// The records of a batch that were stored before.
async fn find_stored<'a>(
    client: &Client,
    statements: &LockStatements,
    batch: impl IntoIterator<Item = &'a Job>,
) -> Result<BTreeSet<RecordId>, QueryError> {
    let records: Vec<RecordId> = batch.into_iter().filter_map(|job| job.change.record()).collect();
    if records.is_empty() { Ok(BTreeSet::new()) } else { statements.stored(client, &records).await }
}

/// A change that is refused, but whose record is in the journal, was stored before, and its answer was lost.
async fn settle_refused(
    client: &Client,
    statements: &LockStatements,
    batch: &[Job],
    answers: &mut [Answer],
) -> Result<(), QueryError> {
    let refused = batch.iter().zip(&*answers).filter(|(_, answer)| **answer == Answer::Refused);
    let stored = find_stored(client, statements, refused.map(|(job, _)| job)).await?;
    for (job, answer) in batch.iter().zip(answers) {
        if *answer == Answer::Refused && job.change.is_among(&stored) {
            *answer = Answer::Done;
        }
    }
    Ok(())
}

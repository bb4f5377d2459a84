//! The writer: one thread that takes whatever changes are queued, commits them together and answers each.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::change;
use crate::store::StoreError;
use crate::store::change::{Answer, Change};

/// How many changes share a commit at most: enough that the disk's latency is spread thin, few enough that the
/// first of them does not wait long for the last.
const LARGEST_BATCH: usize = 256;

/// What the writer carries out within its transaction.
enum Work {
    Change(Change),
    /// A change of the upkeep, with what is tried for error messages.
    Upkeep(&'static str, CarryOut),
}

/// Carries a change out, perhaps more than once until it is committed.
type CarryOut = Box<dyn Fn(&Connection) -> rusqlite::Result<Answer> + Send>;

impl Work {
    fn operation(&self) -> &'static str {
        match self {
            Self::Change(change) => change.operation(),
            Self::Upkeep(operation, _) => operation,
        }
    }

    fn apply(&self, connection: &Connection, epoch: i64) -> rusqlite::Result<Answer> {
        match self {
            Self::Change(change) => change::apply(change, connection, epoch),
            Self::Upkeep(_, carry_out) => carry_out(connection),
        }
    }
}

/// Work with whom to answer.
struct Job {
    work: Work,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

/// The writer's queue and thread. Dropping it ends the thread once the queue is empty.
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the writer's thread. `keep` lives as long as the thread.
    pub(super) fn start<K: Send + 'static>(
        connection: Connection,
        epoch: i64,
        keep: K,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            let _keep = keep;
            write(connection, epoch, &queue);
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
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
        let operation = work.operation();
        let stopped = || StoreError { operation, source: "the writer has stopped".into() };
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(Job { work, answer }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A writer that has panicked has already failed everybody who waited for it.
            let _ = thread.join();
        }
    }
}

fn write(mut connection: Connection, epoch: i64, queue: &Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        while batch.len() < LARGEST_BATCH {
            let Ok(next) = queue.try_recv() else { break };
            batch.push(next);
        }
        match commit(&mut connection, epoch, &batch) {
            Ok(answers) => {
                for (job, answer) in batch.into_iter().zip(answers) {
                    // Who asked may have gone away; the change is stored all the same.
                    let _ = job.answer.send(Ok(answer));
                }
            }
            // One of them may have been at fault for all: each gets a try of its own.
            Err(_) if batch.len() > 1 => {
                for job in batch {
                    let result = commit(&mut connection, epoch, std::slice::from_ref(&job));
                    answer_alone(job, result);
                }
            }
            Err(error) => {
                if let Some(job) = batch.pop() {
                    answer_alone(job, Err(error));
                }
            }
        }
    }
}

fn answer_alone(job: Job, result: rusqlite::Result<Vec<Answer>>) {
    let operation = job.work.operation();
    let result = match result {
        Ok(mut answers) => answers.pop().ok_or(rusqlite::Error::QueryReturnedNoRows),
        Err(error) => Err(error),
    };
    let _ = job.answer.send(result.map_err(|error| StoreError { operation, source: error.into() }));
}

/// Carries all changes of a batch out in one transaction; on an error none of them.
fn commit(connection: &mut Connection, epoch: i64, batch: &[Job]) -> rusqlite::Result<Vec<Answer>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let answers =
        batch.iter().map(|job| job.work.apply(&transaction, epoch)).collect::<Result<Vec<_>, _>>()?;
    transaction.commit()?;
    Ok(answers)
}

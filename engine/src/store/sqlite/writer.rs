//! The writer: one thread that takes whatever changes are queued, commits them together and answers each.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::activations::Activations;
use super::change;
use super::connection;
use super::disk::{self, Disk};
use crate::store::StoreError;
use crate::store::change::{Answer, Change};

/// How many changes share a commit at most: enough that the disk's latency is spread thin, few enough that the
/// first of them does not wait long for the last.
const LARGEST_BATCH: usize = 256;
/// How long to wait before a disk that fails is tried again, where nobody asks for a change meanwhile.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

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

    /// Whether it may change an activation.
    const fn touches_activations(&self) -> bool {
        matches!(self, Self::Change(Change::Workflow(_)) | Self::Upkeep(..))
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

/// Who writes.
pub(super) enum Writer {
    /// A thread. Dropping its queue ends it once that is empty.
    Thread(Queue),
    /// Whoever asks.
    Inline { connection: Mutex<Connection>, epoch: i64 },
}

/// The queue of the writer's thread.
pub(super) struct Queue {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    disk: Arc<Disk>,
}

impl Writer {
    /// Starts the writer's thread. `keep` lives as long as the thread.
    pub(super) fn start<K: Send + 'static>(
        connection: Connection,
        epoch: i64,
        activations: Arc<Activations>,
        keep: K,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = channel();
        let disk = Arc::new(Disk::default());
        let known = Arc::clone(&disk);
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            let _keep = keep;
            write(connection, epoch, &queue, (&known, &activations));
        })?;
        Ok(Self::Thread(Queue { jobs: Some(jobs), thread: Some(thread), disk }))
    }

    /// Writes where it is asked to.
    pub(super) const fn inline(connection: Connection, epoch: i64) -> Self {
        Self::Inline { connection: Mutex::new(connection), epoch }
    }

    /// Fails as the last commit did, if the disk was at fault.
    pub(super) fn check_disk(&self) -> Result<(), StoreError> {
        match self {
            Self::Thread(queue) => queue.disk.check(),
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
            Self::Thread(queue) => queue.commit(work).await,
            Self::Inline { connection, epoch } => {
                let mut connection = connection.lock().expect("no holder panics");
                let answers = commit(&mut connection, *epoch, std::iter::once(&work));
                alone(work.operation(), answers)
            }
        }
    }
}

impl Queue {
    async fn commit(&self, work: Work) -> Result<Answer, StoreError> {
        let operation = work.operation();
        let stopped = || StoreError { operation, source: "the writer has stopped".into() };
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(Job { work, answer }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A writer that has panicked has already failed everybody who waited for it.
            let _ = thread.join();
        }
    }
}

fn write(
    mut connection: Connection,
    epoch: i64,
    queue: &Receiver<Job>,
    (disk, activations): (&Disk, &Activations),
) {
    while let Some(first) = next(queue, &mut connection, disk) {
        let mut batch = vec![first];
        while batch.len() < LARGEST_BATCH {
            let Ok(next) = queue.try_recv() else { break };
            batch.push(next);
        }
        let committed = commit(&mut connection, epoch, batch.iter().map(|job| &job.work));
        disk.note(&connection, &committed);
        let touched = batch.iter().any(|job| job.work.touches_activations());
        if touched {
            activations.forget();
        }
        match committed {
            Ok(answers) => {
                for (job, answer) in batch.into_iter().zip(answers) {
                    // Who asked may have gone away; the change is stored all the same.
                    let _ = job.answer.send(Ok(answer));
                }
            }
            // One of them may have been at fault for all: each gets a try of its own.
            Err(_) if batch.len() > 1 => {
                for job in batch {
                    let answers = commit(&mut connection, epoch, std::iter::once(&job.work));
                    disk.note(&connection, &answers);
                    if touched {
                        activations.forget();
                    }
                    answer_alone(job, answers);
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

/// The next job; none when nobody can send one any more. While the disk fails it is tried again and again.
fn next(queue: &Receiver<Job>, connection: &mut Connection, disk: &Disk) -> Option<Job> {
    while disk.check().is_err() {
        match queue.recv_timeout(TRY_AGAIN_AFTER) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Timeout) => {
                let written = disk::try_to_write(connection);
                disk.note(connection, &written);
            }
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    queue.recv().ok()
}

fn answer_alone(job: Job, answers: rusqlite::Result<Vec<Answer>>) {
    let _ = job.answer.send(alone(job.work.operation(), answers));
}

/// The answer to work that was tried alone.
fn alone(operation: &'static str, answers: rusqlite::Result<Vec<Answer>>) -> Result<Answer, StoreError> {
    let answer = answers.and_then(|mut answers| answers.pop().ok_or(rusqlite::Error::QueryReturnedNoRows));
    answer.map_err(|error| StoreError { operation, source: error.into() })
}

/// Carries all work of a batch out in one transaction; on an error none of them. Once another process has come in,
/// this one commits nothing.
fn commit<'a>(
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

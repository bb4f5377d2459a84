//! The queue of changes: a thread commits together what has come since its last commit. While no more than one at a time
//! is asked for, whoever asks commits it where it is, which spares handing it to the thread and back.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::activations::Activations;
use super::disk::{self, Disk};
use super::pace::Pace;
use super::writer::{Work, alone, commit};
use crate::store::StoreError;
use crate::store::change::Answer;

/// How many changes share a commit at most: enough that the disk's latency is spread thin, few enough that the
/// first of them does not wait long for the last.
const LARGEST_BATCH: usize = 256;
/// After how many commits of one change each who asks for the next commits it: under load a thread that is not
/// interrupted brings more of them together.
const CALM: u32 = 8;
/// How long to wait before a disk that fails is tried again, where nobody asks for a change meanwhile.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Work with whom to answer.
struct Job {
    work: Work,
    answer: oneshot::Sender<Result<Answer, StoreError>>,
}

/// The queue with its thread. Dropping it ends the thread once the queue is empty.
pub(super) struct Queue {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    /// Told when the thread may have something to do.
    news: Condvar,
    disk: Disk,
    /// How long the commit of one change has taken of late.
    pace: Pace,
    activations: Arc<Activations>,
    epoch: i64,
}

/// What waits for the writer.
struct Waiting {
    jobs: VecDeque<Job>,
    /// The connection, while nobody writes.
    connection: Option<Connection>,
    /// How many of the last commits, one after the other, were of one change while nobody asked for another one.
    quiet: u32,
    is_closed: bool,
}

impl Queue {
    /// Starts the thread. `keep` lives as long as the thread.
    pub(super) fn start<K: Send + 'static>(
        connection: Connection,
        epoch: i64,
        activations: Arc<Activations>,
        keep: K,
    ) -> std::io::Result<Self> {
        let waiting =
            Waiting { jobs: VecDeque::new(), connection: Some(connection), quiet: 0, is_closed: false };
        let shared = Arc::new(Shared {
            waiting: Mutex::new(waiting),
            news: Condvar::new(),
            disk: Disk::default(),
            pace: Pace::default(),
            activations,
            epoch,
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            let _keep = keep;
            let _end = End(&of_thread);
            while let Some((held, batch)) = of_thread.next_batch() {
                of_thread.write(held, batch);
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Fails as the last commit did, if the disk was at fault.
    pub(super) fn check_disk(&self) -> Result<(), StoreError> {
        self.shared.disk.check()
    }

    pub(super) async fn commit(&self, work: Work) -> Result<Answer, StoreError> {
        let operation = work.operation();
        let stopped = || StoreError { operation, source: "the writer has stopped".into() };
        let (answer, answered) = oneshot::channel();
        if let Some((held, job)) = self.shared.ask(Job { work, answer }) {
            self.shared.write(held, vec![job]);
        }
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.waiting().is_closed = true;
        self.shared.news.notify_one();
        if let Some(thread) = self.thread.take() {
            // One that has panicked has already failed everybody who waited for it.
            let _ = thread.join();
        }
    }
}

/// Closes the queue when the thread ends, so that nobody waits for one that has panicked.
struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.is_closed = true;
        waiting.jobs.clear();
    }
}

/// The connection, in the hands of who writes.
struct Held<'a> {
    shared: &'a Shared,
    connection: Option<Connection>,
    /// Whether one change is written with it.
    is_single: bool,
}

impl Held<'_> {
    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("it is there until it is given back")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut waiting = self.shared.waiting();
        waiting.connection = self.connection.take();
        let is_quiet = self.is_single && waiting.jobs.is_empty();
        waiting.quiet = if is_quiet { waiting.quiet.saturating_add(1) } else { 0 };
        let is_awaited = !waiting.jobs.is_empty() || waiting.is_closed;
        drop(waiting);
        // A disk that fails is the thread's to try again.
        if is_awaited || self.shared.disk.check().is_err() {
            self.shared.news.notify_one();
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder panics")
    }

    fn held(&self, connection: Connection, is_single: bool) -> Held<'_> {
        Held { shared: self, connection: Some(connection), is_single }
    }

    /// Queues a job for the thread; or gives it back with the connection if it is best written at once.
    fn ask(&self, job: Job) -> Option<(Held<'_>, Job)> {
        let here = job.work.is_small() && self.pace.is_quick() && self.disk.check().is_ok();
        let mut waiting = self.waiting();
        if waiting.is_closed {
            return None;
        }
        if here
            && waiting.quiet >= CALM
            && let Some(connection) = waiting.connection.take()
        {
            return Some((self.held(connection, true), job));
        }
        waiting.jobs.push_back(job);
        let is_free = waiting.connection.is_some();
        drop(waiting);
        // Else who writes tells the thread.
        if is_free {
            self.news.notify_one();
        }
        None
    }

    /// The next jobs of the thread; none once the queue is closed and empty. While the disk fails it is tried again and
    /// again.
    fn next_batch(&self) -> Option<(Held<'_>, Vec<Job>)> {
        let mut waiting = self.waiting();
        loop {
            let several = waiting.jobs.len().min(LARGEST_BATCH);
            let has_to_do = several > 0 || waiting.is_closed;
            if has_to_do && let Some(connection) = waiting.connection.take() {
                let batch: Vec<Job> = waiting.jobs.drain(..several).collect();
                return (several > 0).then(|| (self.held(connection, several == 1), batch));
            }
            if self.disk.check().is_ok() {
                waiting = self.news.wait(waiting).expect("no holder panics");
                continue;
            }
            let (woken, timeout) =
                self.news.wait_timeout(waiting, TRY_AGAIN_AFTER).expect("no holder panics");
            waiting = woken;
            if timeout.timed_out()
                && let Some(connection) = waiting.connection.take()
            {
                drop(waiting);
                let mut held = self.held(connection, false);
                let written = disk::try_to_write(held.connection());
                self.disk.note(held.connection(), &written);
                drop(held);
                waiting = self.waiting();
            }
        }
    }

    /// Commits a batch, gives the connection back and answers each job. Who asked may have gone away; the change is
    /// stored all the same.
    fn write(&self, mut held: Held<'_>, mut batch: Vec<Job>) {
        let touches = batch.iter().any(|job| job.work.touches_activations());
        let begun = Instant::now();
        let committed = self.commit(held.connection(), batch.iter().map(|job| &job.work), touches);
        match committed {
            Ok(answers) => {
                if batch.len() == 1 {
                    self.pace.note(begun.elapsed());
                }
                drop(held);
                for (job, answer) in batch.into_iter().zip(answers) {
                    let _ = job.answer.send(Ok(answer));
                }
            }
            // One of them may have been at fault for all: each gets a try of its own.
            Err(_) if batch.len() > 1 => {
                for job in batch {
                    let answers = self.commit(held.connection(), std::iter::once(&job.work), touches);
                    let _ = job.answer.send(alone(job.work.operation(), answers));
                }
            }
            Err(error) => {
                drop(held);
                if let Some(job) = batch.pop() {
                    let _ = job.answer.send(alone(job.work.operation(), Err(error)));
                }
            }
        }
    }

    /// Commits work in one transaction, and notes how the disk took it.
    fn commit<'a>(
        &self,
        connection: &mut Connection,
        all: impl Iterator<Item = &'a Work>,
        touches_activations: bool,
    ) -> rusqlite::Result<Vec<Answer>> {
        let committed = commit(connection, self.epoch, all);
        self.disk.note(connection, &committed);
        if touches_activations {
            self.activations.forget();
        }
        committed
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::connection;
    use super::*;
    use crate::model::{ExecutionId, RunId};
    use crate::store::OnceValue;
    use crate::store::change::Change;

    fn queue(directory: &Path) -> Queue {
        let connection = connection::writer(&directory.join("stepwell.db")).unwrap();
        let (epoch, _) = connection::enter(&connection).unwrap();
        Queue::start(connection, epoch, Arc::default(), ()).unwrap()
    }

    /// A change of a few rows; it is refused, since there is no such run.
    fn small() -> Work {
        let execution = ExecutionId { run: RunId(uuid::Uuid::now_v7()), number: 1 };
        Work::Change(Change::Once(OnceValue { execution, name: "name".to_owned(), value: Vec::new() }))
    }

    fn job(work: Work) -> (Job, oneshot::Receiver<Result<Answer, StoreError>>) {
        let (answer, answered) = oneshot::channel();
        (Job { work, answer }, answered)
    }

    async fn calm(queue: &Queue) {
        for _ in 0..CALM {
            assert_eq!(queue.commit(small()).await.unwrap(), Answer::Refused);
        }
        // However slow the disk is that the test runs on.
        for _ in 0..100 {
            queue.shared.pace.note(Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn who_asks_commits_only_after_some_calm_and_only_what_is_small() {
        let directory = tempfile::tempdir().unwrap();
        let queue = queue(directory.path());
        let (first, answered) = job(small());
        assert!(queue.shared.ask(first).is_none(), "the thread takes the first");
        answered.await.unwrap().unwrap();
        calm(&queue).await;
        let (large, answered) = job(Work::Upkeep("tidying", Box::new(|_| Ok(Answer::Count(1)))));
        assert!(queue.shared.ask(large).is_none(), "the thread takes what may take long");
        assert_eq!(answered.await.unwrap().unwrap(), Answer::Count(1));

        let (alone, mut answered) = job(small());
        let (held, alone) = queue.shared.ask(alone).expect("it was calm for long enough");
        let (meanwhile, answered_later) = job(small());
        assert!(queue.shared.ask(meanwhile).is_none(), "somebody writes");
        queue.shared.write(held, vec![alone]);
        assert_eq!(answered.try_recv().unwrap().unwrap(), Answer::Refused);
        assert_eq!(answered_later.await.unwrap().unwrap(), Answer::Refused, "the thread has been told");
        let (next, answered) = job(small());
        assert!(queue.shared.ask(next).is_none(), "two at a time are no calm");
        answered.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_slow_disk_is_left_to_the_thread() {
        let directory = tempfile::tempdir().unwrap();
        let queue = queue(directory.path());
        calm(&queue).await;
        for _ in 0..100 {
            queue.shared.pace.note(Duration::from_millis(5));
        }
        let (slow, answered) = job(small());
        assert!(queue.shared.ask(slow).is_none());
        answered.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_panics_while_writing_gives_the_connection_back() {
        let directory = tempfile::tempdir().unwrap();
        let queue = queue(directory.path());
        calm(&queue).await;
        let (held, _) = queue.shared.ask(job(small()).0).expect("it was calm for long enough");
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _held = held;
            panic!("on purpose");
        }));
        assert!(panicked.is_err());
        assert_eq!(queue.commit(small()).await.unwrap(), Answer::Refused);
    }

    #[tokio::test]
    async fn nobody_waits_for_a_thread_that_has_panicked() {
        let directory = tempfile::tempdir().unwrap();
        let queue = queue(directory.path());
        let failed = queue.commit(Work::Upkeep("tidying", Box::new(|_| panic!("on purpose")))).await;
        assert!(failed.unwrap_err().source.to_string().contains("stopped"));
        let failed = queue.commit(small()).await;
        assert!(failed.unwrap_err().source.to_string().contains("stopped"));
    }

    #[tokio::test]
    async fn what_is_queued_is_committed_before_the_thread_ends() {
        let directory = tempfile::tempdir().unwrap();
        let queue = queue(directory.path());
        calm(&queue).await;
        let (held, first) = queue.shared.ask(job(small()).0).expect("it was calm for long enough");
        let (later, answered) = job(small());
        assert!(queue.shared.ask(later).is_none());
        queue.shared.write(held, vec![first]);
        drop(queue);
        assert_eq!(answered.await.unwrap().unwrap(), Answer::Refused);
    }
}

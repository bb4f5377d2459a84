//! A run under test.

use bytes::Bytes;
use http::Method;
use stepwell::outcome::{Outcome, Outcomes};
use stepwell::request::Request;
use stepwell::response::Response;

use super::TestEngine;
use super::process::Died;
use crate::model::{Entry, ExecutionId, ExecutionView, History, RunId, RunStatus, decode_entries};
use crate::store::RunRow;

/// A run under test.
#[derive(Clone)]
pub struct TestRun {
    engine: TestEngine,
    id: RunId,
}

impl TestRun {
    pub(super) const fn new(engine: TestEngine, id: RunId) -> Self {
        Self { engine, id }
    }

    /// The run's id.
    pub const fn id(&self) -> RunId {
        self.id
    }

    /// Whether the run is still kept.
    pub async fn exists(&self) -> bool {
        let id = self.id;
        self.engine.read(move |driver| async move { driver.store().run(id).await }).await.is_some()
    }

    /// Where the run stands.
    pub async fn status(&self) -> RunStatus {
        self.row().await.status
    }

    /// Everything that happened to the run.
    pub async fn history(&self) -> History {
        let id = self.id;
        self.engine.read(move |driver| async move { crate::http::history(&driver, id).await }).await
    }

    /// The runs that it has called, in the order of their calls.
    pub async fn children(&self) -> Vec<Self> {
        let executions = self.history().await.executions;
        let mut called: Vec<_> = executions.into_iter().flat_map(|execution| execution.children).collect();
        // Ids of runs are in the order of their starts.
        called.sort_by_key(|child| child.run_id);
        called.into_iter().map(|child| Self::new(self.engine.clone(), child.run_id)).collect()
    }

    /// The execution that came last.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn execution(&self) -> ExecutionView {
        self.history().await.executions.pop().expect("the run has come to a step")
    }

    /// The last execution's outcome, once it has one.
    pub async fn outcome(&self) -> Option<Outcome> {
        let execution = self.execution().await;
        let data = execution.data.unwrap_or_default();
        execution.outcome.map(|id| Outcome { id, data })
    }

    /// Checks the last execution's outcome.
    ///
    /// # Panics
    ///
    /// When it is another, or there is none; then the history is told.
    pub async fn has_outcome(&self, expected: impl Outcomes) {
        let expected = expected.into_outcome().expect("the outcome's data is JSON");
        let found = self.outcome().await;
        assert_eq!(found, Some(expected), "the history: {:#?}", self.history().await);
    }

    /// Why the run failed.
    pub async fn error(&self) -> Option<String> {
        self.history().await.error
    }

    /// Where the last execution is finished.
    pub async fn finish_callback_url(&self) -> String {
        let id = ExecutionId { run: self.id, number: self.execution().await.number };
        let url = move |driver: crate::driver::Driver| async move {
            Ok::<_, String>(driver.urls().finish_callback_url(id))
        };
        self.engine.read(url).await
    }

    /// Where one of the people answers whom the last execution asks, by number from 0.
    pub async fn finish_link(&self, person: u32) -> String {
        let id = ExecutionId { run: self.id, number: self.execution().await.number };
        let link = move |driver: crate::driver::Driver| async move {
            Ok::<_, String>(driver.urls().finish_link(id, person))
        };
        self.engine.read(link).await
    }

    /// Posts this body to the last execution's `finish_callback_url` and waits until the engine has dealt with it.
    /// 202 says that it was recorded, 410 that the execution was resolved before.
    pub async fn callback(&self, body: impl Into<Bytes>) -> Response {
        let response = self.post(body).await;
        self.engine.settle().await;
        response
    }

    /// As [`callback`](Self::callback), without waiting.
    pub async fn post(&self, body: impl Into<Bytes>) -> Response {
        self.request(Request::new(Method::POST, body)).await
    }

    /// Sends a request to the last execution's `finish_callback_url`, without waiting.
    pub async fn request(&self, request: Request) -> Response {
        self.engine.request(&self.finish_callback_url().await, request).await
    }

    /// Cancels the run and waits until that is carried out.
    ///
    /// # Errors
    ///
    /// When the run has ended.
    pub async fn cancel(&self) -> Result<(), String> {
        let id = self.id;
        loop {
            let asked = self.engine.call(|driver| async move { driver.cancel(id).await }).await;
            let status = self.status().await;
            match asked {
                Err(Died) if !matches!(status, RunStatus::Cancelling | RunStatus::Cancelled) => {}
                Ok(Err(refusal)) => return Err(refusal.to_string()),
                Ok(Ok(())) | Err(Died) => break,
            }
        }
        self.engine.settle().await;
        Ok(())
    }

    /// Goes on with a failed run from the steps that failed.
    ///
    /// # Errors
    ///
    /// When the run has not failed.
    pub async fn retry(&self) -> Result<(), String> {
        let id = self.id;
        loop {
            let asked = self.engine.call(|driver| async move { driver.retry(id).await }).await;
            match asked {
                Err(Died) if self.status().await == RunStatus::Failed => {}
                Ok(Err(refusal)) => return Err(refusal.to_string()),
                Ok(Ok(())) | Err(Died) => break,
            }
        }
        self.engine.settle().await;
        Ok(())
    }

    /// The entries of the run's journal, oldest first.
    ///
    /// # Panics
    ///
    /// When the journal cannot be read.
    pub async fn entries(&self) -> Vec<Entry> {
        let id = self.id;
        let journal = self.engine.read(move |driver| async move { driver.store().journal(id).await }).await;
        journal
            .iter()
            .flat_map(|record| decode_entries(&record.body).expect("this engine wrote it"))
            .collect()
    }

    async fn row(&self) -> RunRow {
        let id = self.id;
        let row = self.engine.read(move |driver| async move { driver.store().run(id).await }).await;
        row.expect("a run that was started exists")
    }
}

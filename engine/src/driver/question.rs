//! What waiting executions ask people.

use stepwell::question::Question;

use super::Driver;
use crate::core::run::RunState;
use crate::model::{AttemptResult, Entry, ExecutionId, RunId, ValueRef, decode_entries, decode_state};
use crate::store::StoreError;

/// What there is for somebody who follows an execution's URL as a link.
#[derive(Debug)]
pub enum Asked {
    /// It asks people this.
    Question(Question),
    /// It waits, and asks nobody.
    Nothing,
    /// It has not deferred yet.
    NotYet,
    /// It is resolved.
    Gone,
}

/// A question that is open.
#[derive(Debug)]
pub struct OpenQuestion {
    /// The execution that asks.
    pub execution: ExecutionId,
    /// Its step.
    pub step: String,
    /// What it asks.
    pub question: Question,
}

impl Driver {
    /// What an execution asks people. Changes nothing (d1).
    ///
    /// # Errors
    ///
    /// When the database fails, or what it holds cannot be read.
    pub async fn question(&self, id: ExecutionId) -> Result<Asked, StoreError> {
        // An authentic token whose run is not there any more was of one that has been (o6).
        let Some(state) = self.run_state(id.run).await? else { return Ok(Asked::Gone) };
        let execution = state.live.get(&id.number).filter(|_| state.accepts_callback(id.number));
        let Some(execution) = execution else { return Ok(Asked::Gone) };
        match (execution.question, &execution.deferred) {
            (Some(place), _) => Ok(self.question_at(place).await?.map_or(Asked::Gone, Asked::Question)),
            (None, Some(_)) => Ok(Asked::Nothing),
            (None, None) => Ok(Asked::NotYet),
        }
    }

    /// What the executions of a run ask people, in order; `None` if there is no such run.
    ///
    /// # Errors
    ///
    /// When the database fails, or what it holds cannot be read.
    pub async fn open_questions(&self, run: RunId) -> Result<Option<Vec<OpenQuestion>>, StoreError> {
        let Some(state) = self.run_state(run).await? else { return Ok(None) };
        let mut questions = Vec::new();
        for (number, execution) in &state.live {
            let asks = execution.question.filter(|_| state.accepts_callback(*number));
            let Some(place) = asks else { continue };
            if let Some(question) = self.question_at(place).await? {
                let execution_id = ExecutionId { run, number: *number };
                let step = execution.step.clone();
                questions.push(OpenQuestion { execution: execution_id, step, question });
            }
        }
        Ok(Some(questions))
    }

    async fn run_state(&self, run: RunId) -> Result<Option<RunState>, StoreError> {
        let row = self.inner.store.run(run).await?;
        row.map(|row| decode_state(&row.state))
            .transpose()
            .map_err(|error| StoreError { operation: "reading a run", source: error.into() })
    }

    /// The question that the end of an attempt has recorded; none if the run was removed meanwhile.
    async fn question_at(&self, place: ValueRef) -> Result<Option<Question>, StoreError> {
        let records = self.inner.store.records(&[place.record]).await?;
        let Some(record) = records.first() else { return Ok(None) };
        let entries = decode_entries(&record.body)
            .map_err(|error| StoreError { operation: "reading the journal", source: error.into() })?;
        Ok(match entries.into_iter().nth(usize::from(place.entry)) {
            Some(Entry::AttemptEnded { result: AttemptResult::Deferred { question, .. }, .. }) => {
                question.map(|question| *question)
            }
            _ => None,
        })
    }
}

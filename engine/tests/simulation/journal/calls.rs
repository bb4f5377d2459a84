//! The calls of other workflows (s14): what one journal may say of them, and what those of callers and called must
//! agree on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use stepwell_engine::model::{CallAnswer, Entry, ExecutionId, RecordId, RunId, RunStatus, decode_entries};
use stepwell_engine::store::{Record, RunRow};

use super::{Cause, Phase, Reading, live, step};
use crate::sim::short;

/// The block that calls.
pub(super) const CALL: &str = "core/call-workflow";

/// An execution that calls.
#[derive(Default)]
pub(super) struct Call {
    /// The run that was called last.
    run: Option<RunId>,
    /// What that run said at its end.
    answer: Option<CallAnswer>,
}

impl Reading<'_> {
    pub(super) fn workflow_called(&mut self, number: u32, run: RunId, at: Timestamp) -> Result<(), String> {
        let deadline = step(self.definition, self.live.get(&number))?.deadline;
        let execution = live(&mut self.live, number)?;
        let call = execution.call.as_mut().ok_or("s14: this block calls nothing")?;
        let again = matches!(call.answer, Some(CallAnswer::Failed { .. }));
        if call.run.is_some() && !again {
            return Err("s14: it has called before".into());
        }
        if execution.given_up.is_some() {
            return Err("d8: it was given up".into());
        }
        *call = Call { run: Some(run), answer: None };
        execution.phase = Phase::Waiting;
        execution.attempts += 1;
        if execution.attempts == 1 {
            execution.deadline_at = deadline.and_then(|deadline| at.checked_add(deadline).ok());
        }
        Ok(())
    }

    /// A run that was called has ended. Nobody may wait for it any more.
    pub(super) fn call_answered(&mut self, record: RecordId, number: u32, run: RunId, answer: &CallAnswer) {
        let waiting = self.live.get_mut(&number).and_then(|execution| execution.call.as_mut());
        match waiting.filter(|call| call.run == Some(run) && call.answer.is_none()) {
            Some(call) => call.answer = Some(answer.clone()),
            None => drop(self.messages.insert(record, number)),
        }
    }

    pub(super) fn call_completed(&mut self, number: u32, outcome: &str, data: &Value) -> Result<(), String> {
        let waits = step(self.definition, self.live.get(&number))?.config["wait"] != json!(false);
        let execution = live(&mut self.live, number)?;
        let Some(Call { run: Some(run), answer }) = &execution.call else {
            return Err("s14: it has called nothing".into());
        };
        if !matches!(execution.given_up, None | Some(Cause::RunFailed)) {
            return Err("d8: it was given up".into());
        }
        let expected = match answer {
            None if !waits => ("started", json!({ "run": run })),
            Some(CallAnswer::Completed { result }) if waits => {
                ("completed", json!({ "result": result, "run": run }))
            }
            _ => return Err(format!("s14: the answer was {answer:?}")),
        };
        if (outcome, data) != (expected.0, &expected.1) {
            return Err(format!("s14: it should have had {expected:?}"));
        }
        self.follow(number, outcome);
        Ok(())
    }

    /// Whether an execution that ends without an outcome leaves no run behind that it waited for.
    pub(super) fn leaves_no_run(&self, number: u32) -> Result<(), String> {
        let call = self.live.get(&number).and_then(|execution| execution.call.as_ref());
        match call {
            Some(Call { run: Some(run), answer: None }) => {
                Err(format!("d8: run {} that it called has not ended", short(run.0)))
            }
            _ => Ok(()),
        }
    }
}

/// What runs that call and runs that were called must agree on, at any moment.
pub(crate) fn compare(runs: &[(RunRow, Vec<Record>)]) -> Vec<String> {
    let mut broken = Vec::new();
    let mut said = |run: RunId, problem: String| broken.push(format!("run {}: s14: {problem}", short(run.0)));
    let mut called: BTreeMap<RunId, ExecutionId> = BTreeMap::new();
    let mut ends: BTreeMap<RunId, Vec<RunStatus>> = BTreeMap::new();
    let mut answers: Vec<(RunId, RunId, RunStatus)> = Vec::new();
    let mut callers: BTreeMap<RunId, ExecutionId> = BTreeMap::new();
    for (row, records) in runs {
        for entry in records.iter().flat_map(|record| decode_entries(&record.body).unwrap_or_default()) {
            match entry {
                Entry::RunStarted { caller: Some(by), .. } => drop(callers.insert(row.id, by)),
                Entry::RunEnded { status, .. } => ends.entry(row.id).or_default().push(status),
                Entry::WorkflowCalled { execution, run, .. } => {
                    let by = ExecutionId { run: row.id, number: execution };
                    if called.insert(run, by).is_some() {
                        said(row.id, format!("run {} was called twice", short(run.0)));
                    }
                }
                Entry::CallAnswered { run, answer, .. } => {
                    let status = match answer {
                        CallAnswer::Completed { .. } => RunStatus::Completed,
                        CallAnswer::Failed { .. } => RunStatus::Failed,
                        CallAnswer::Cancelled => RunStatus::Cancelled,
                    };
                    answers.push((row.id, run, status));
                }
                _ => {}
            }
        }
    }
    for (row, _) in runs {
        let known = (called.get(&row.id).copied(), callers.get(&row.id).copied(), row.parent);
        match known {
            (None, None, None) => {}
            (Some(by), Some(told), Some(parent)) if by == told && told.run == parent => {}
            known => said(row.id, format!("its caller, it and its row say {known:?}")),
        }
    }
    for (run, by) in &called {
        if !runs.iter().any(|(row, _)| row.id == *run) {
            said(by.run, format!("run {} was called and is not there", short(run.0)));
        }
    }
    for (caller, run, status) in answers {
        let ended = ends
            .get_mut(&run)
            .and_then(|ends| ends.iter().position(|end| *end == status).map(|at| ends.remove(at)));
        if ended.is_none() {
            said(caller, format!("run {} has not ended as {status} as often as it said so", short(run.0)));
        }
    }
    broken
}

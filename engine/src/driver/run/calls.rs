//! The calls that a decision makes.

use std::collections::HashMap;
use std::sync::Arc;

use stepwell::request::Request;

use super::super::call::StepCall;
use super::super::request;
use super::super::slots::Slot;
use super::super::stop::{Stop, patiently};
use super::attempts::Finished;
use super::{Arriving, RunTask};
use crate::core::run::{Attempt, Call};
use crate::model::{ExecutionId, RecordId};

impl RunTask {
    /// The requests of the callbacks that `finish` is to be called with.
    pub(super) async fn callbacks(&mut self, calls: &[Attempt]) -> Result<HashMap<RecordId, Request>, Stop> {
        let mut requests = HashMap::new();
        let mut ids: Vec<RecordId> = calls
            .iter()
            .filter_map(|attempt| match attempt.call {
                Call::Finish { callback } => Some(callback),
                Call::Execute | Call::Wake | Call::Cancel => None,
            })
            .collect();
        if let Some(Arriving { arrival, request }) = &mut self.arriving {
            ids.retain(|id| *id != arrival.record.id);
            requests.extend(request.take().map(|request| (arrival.record.id, request)));
        }
        if !ids.is_empty() {
            let records = patiently!(self.inner, &self.lease, self.inner.store.records(&ids).await);
            requests.extend(records.iter().filter_map(|record| Some((record.id, request::read(record)?))));
        }
        Ok(requests)
    }

    /// Makes the calls of a decision, each with a slot that is at hand.
    pub(super) fn make_calls(&mut self, calls: Vec<Attempt>, mut requests: HashMap<RecordId, Request>) {
        for attempt in calls {
            let step = self.version.plan.steps.get(&attempt.step).filter(|step| step.bounded);
            let slot = self.slots.start(step.map(|step| step.block.as_str()));
            let Slot { process: slot, block } =
                slot.expect("the core starts no more attempts than it has slots");
            let request = match attempt.call {
                Call::Finish { callback } => requests.remove(&callback),
                Call::Execute | Call::Wake | Call::Cancel => None,
            };
            let call = StepCall {
                inner: Arc::clone(&self.inner),
                version: Arc::clone(&self.version),
                execution: ExecutionId { run: self.id, number: attempt.execution },
                config: self.values.get(&attempt.config).cloned().unwrap_or_default(),
                attempt,
                request,
            };
            let (execution, limit) = (call.execution.number, call.time_limit());
            self.attempts.start(execution, limit, async move {
                let event = call.run().await;
                drop(block);
                Finished { event, slot }
            });
        }
    }
}

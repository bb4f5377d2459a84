//! Requests to triggers that started no run: counted, with a bounded sample, in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use jiff::Timestamp;
use serde::Serialize;

use super::answer::TriggerAnswer;
use crate::model::ActivationId;

/// How many requests of an activation are kept as a sample: enough to see a pattern.
const SAMPLE: usize = 20;
/// How long a kept message may be, in characters.
const LONGEST_MESSAGE: usize = 500;

/// What came to an activation's URL and started no run, since this process started.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Unstarted {
    /// How often the handler said that a request starts nothing.
    pub no_op: u64,
    /// How often it refused the request.
    pub rejected: u64,
    /// How often it failed, panicked or took too long.
    pub failed: u64,
    /// The latest that were refused or failed, oldest first, at most 20.
    pub sample: VecDeque<UnstartedRequest>,
}

/// A request that was refused or failed.
#[derive(Debug, Clone, Serialize)]
pub struct UnstartedRequest {
    /// When it came.
    pub at: Timestamp,
    /// The status that answered it.
    pub status: u16,
    /// Why.
    pub message: String,
}

/// The counts of all activations.
#[derive(Default)]
pub(super) struct UnstartedRequests(Mutex<HashMap<ActivationId, Unstarted>>);

impl UnstartedRequests {
    /// Counts an answer that started nothing.
    pub(super) fn count(&self, id: ActivationId, answer: &TriggerAnswer, at: Timestamp) {
        let (status, message) = match answer {
            TriggerAnswer::NoOp | TriggerAnswer::Respond(_) => {
                self.0.lock().expect("no holder panics").entry(id).or_default().no_op += 1;
                return;
            }
            TriggerAnswer::Rejected(rejected) => (rejected.status().as_u16(), rejected.message()),
            TriggerAnswer::Failed(message) => (500, message.as_str()),
            _ => return,
        };
        let mut all = self.0.lock().expect("no holder panics");
        let unstarted = all.entry(id).or_default();
        match answer {
            TriggerAnswer::Failed(_) => unstarted.failed += 1,
            _ => unstarted.rejected += 1,
        }
        if unstarted.sample.len() == SAMPLE {
            unstarted.sample.pop_front();
        }
        let message = message.chars().take(LONGEST_MESSAGE).collect();
        unstarted.sample.push_back(UnstartedRequest { at, status, message });
    }

    pub(super) fn of(&self, id: ActivationId) -> Unstarted {
        self.0.lock().expect("no holder panics").get(&id).cloned().unwrap_or_default()
    }
}

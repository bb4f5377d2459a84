//! The state of a workflow's activations: small, authoritative, and all that the machine remembers.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stepwell::block::Switch;

use super::{Call, Duty};
use crate::core::policy::RetryPolicy;
use crate::core::run::Sealed;
use crate::model::{ActivationId, ActivationStatus, Epoch, Format, StoredState, VersionId};

/// The newest form of a workflow's state.
const WORKFLOW_FORMAT: u32 = 1;

/// How a failing `deactivate` is repeated: for a day at least, since a provider may be away for hours.
const AGAIN: RetryPolicy =
    RetryPolicy { attempts: 300, first: Duration::from_secs(1), most: Duration::from_mins(10) };
/// How often `deactivate` fails before it counts as failed: a person is told, and the version that replaces this one is
/// activated all the same. It is tried on.
const FAILED_AFTER: u32 = 5;

/// The state of a workflow's activations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkflowState {
    /// The version of the form that it was read from.
    #[serde(default, skip_serializing)]
    pub format: Format<WORKFLOW_FORMAT>,
    /// How many versions there have been.
    pub versions: u32,
    /// The activations that are not over, oldest first.
    pub activations: Vec<Activation>,
    /// Who makes the calls that are running. An engine that does not know of it leaves it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<Caller>,
    /// Why the last enable failed.
    #[serde(default)]
    pub error: Option<String>,
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The call.
    pub call: Call,
    /// The process.
    pub epoch: Epoch,
}

/// An activation that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and they combine freely")]
pub struct Activation {
    /// Its id.
    pub id: ActivationId,
    /// Its version.
    pub version: VersionId,
    /// Whether the trigger has `activate` and `deactivate`.
    pub registers: bool,
    /// Whether its URL starts runs.
    pub accepts: bool,
    /// Until when it accepts while it is being replaced.
    #[serde(default)]
    pub drains_until: Option<Timestamp>,
    /// Somebody disabled the workflow while `activate` was running.
    #[serde(default)]
    pub unwanted: bool,
    /// What `activate` returned.
    #[serde(default)]
    pub registration: Option<Sealed>,
    /// How often the current call has failed.
    #[serde(default)]
    pub failures: u32,
    /// How often in a row the current call was interrupted.
    #[serde(default)]
    pub interruptions: u32,
    /// The last error.
    #[serde(default)]
    pub error: Option<String>,
    /// In which order it replaces the one before.
    #[serde(default)]
    pub switch: Switch,
    /// It was replaced by one that overlaps: it accepts until it is deactivated.
    #[serde(default)]
    pub overlapped: bool,
    /// When its registration expires.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// The next renewal of its registration.
    #[serde(default)]
    pub renewal: Option<Duty>,
    /// The next tick.
    #[serde(default)]
    pub tick: Option<Duty>,
    /// What it is doing.
    pub phase: Phase,
}

/// What an activation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Waits until the version that it replaces is deactivated.
    Pending,
    /// `activate` is running.
    Activating,
    /// Receives requests.
    Active,
    /// `deactivate` is to be called at a time.
    DeactivateAt(Timestamp),
    /// `deactivate` is running.
    Deactivating,
    /// `deactivate` was given up.
    DeactivationFailed,
    /// `activate` failed.
    ActivationFailed,
    /// Over.
    Deactivated,
}

impl StoredState for WorkflowState {
    const FORMAT: u32 = WORKFLOW_FORMAT;

    fn format(&self) -> u32 {
        WORKFLOW_FORMAT
    }
}

impl WorkflowState {
    /// Whether a version is on its way to be enabled.
    pub fn is_switching(&self) -> bool {
        self.activations
            .iter()
            .any(|activation| matches!(activation.phase, Phase::Pending | Phase::Activating))
    }

    /// The version that is enabled.
    pub fn enabled(&self) -> Option<VersionId> {
        self.activations
            .iter()
            .find(|activation| activation.phase == Phase::Active)
            .map(|activation| activation.version)
    }

    /// One activation that is not over.
    pub fn get(&self, id: ActivationId) -> Option<&Activation> {
        self.activations.iter().find(|activation| activation.id == id)
    }

    /// The calls that are running, and who makes them, if that is known.
    pub fn calls(&self) -> Vec<(Call, Option<Epoch>)> {
        let caller = |call| self.callers.iter().find(|caller| caller.call == call).map(|caller| caller.epoch);
        let calls = self.activations.iter().flat_map(Activation::calls);
        calls.map(|call| (call, caller(call))).collect()
    }

    /// Notes who makes the calls that begin, and forgets who made those that have ended.
    pub(super) fn note_callers(&mut self, begun: &[Call], epoch: Epoch) {
        let known = self.calls().into_iter().filter_map(|(call, caller)| {
            let epoch = if begun.contains(&call) { epoch } else { caller? };
            Some(Caller { call, epoch })
        });
        self.callers = known.collect();
    }

    pub(super) fn get_mut(&mut self, id: ActivationId) -> Option<&mut Activation> {
        self.activations.iter_mut().find(|activation| activation.id == id)
    }

    /// When [`Event::Tick`](super::Event::Tick) next has something to do.
    pub fn due_at(&self) -> Option<Timestamp> {
        let drains = self
            .activations
            .iter()
            .filter(|activation| activation.accepts && activation.phase != Phase::Active);
        let drains = drains.filter_map(|activation| activation.drains_until).chain(self.goes_on_at());
        let retries = self.activations.iter().filter_map(|activation| match activation.phase {
            Phase::DeactivateAt(at) if !activation.is_renewing() => Some(at),
            _ => None,
        });
        let duties = self.activations.iter().filter_map(Activation::duty_at);
        drains.chain(retries).chain(duties).min()
    }

    /// When a version that waits for its predecessors waits no longer.
    fn goes_on_at(&self) -> Option<Timestamp> {
        self.activations.iter().find(|activation| activation.phase == Phase::Pending)?;
        let holding = self.activations.iter().filter(|activation| activation.holds_up());
        holding.map(|activation| activation.drains_until).collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

impl Activation {
    /// The calls that are running.
    pub fn calls(&self) -> Vec<Call> {
        let phase = match self.phase {
            Phase::Activating => Some(Call::Activate(self.id)),
            Phase::Deactivating => Some(Call::Deactivate(self.id)),
            _ => None,
        };
        let renewal = self.renewal.filter(|renewal| renewal.running).map(|_| Call::Renew(self.id));
        let tick = self.tick.filter(|tick| tick.running).map(|tick| Call::Tick(self.id, tick.time));
        [phase, renewal, tick].into_iter().flatten().collect()
    }

    /// Whether `renew` is running. Until it has returned, nothing is deactivated: it may still leave something to
    /// remove.
    pub fn is_renewing(&self) -> bool {
        self.renewal.is_some_and(|renewal| renewal.running)
    }

    /// Whether a version that replaces it waits, until it no longer accepts at the latest.
    pub(super) fn holds_up(&self) -> bool {
        matches!(self.phase, Phase::DeactivateAt(_) | Phase::Deactivating) && self.failures < FAILED_AFTER
    }

    /// Has `deactivate` called at once, as if it had not failed before.
    pub(super) fn begin_anew(&mut self, now: Timestamp) {
        self.failures = 0;
        self.interruptions = 0;
        self.phase = Phase::DeactivateAt(now);
    }

    /// Arms the next call of a `deactivate` that failed, or gives it up until a person asks for it.
    pub(super) fn deactivate_again(&mut self, message: String, now: Timestamp, jitter: f64) {
        self.error = Some(message);
        self.failures += 1;
        let next = AGAIN.delay(self.failures, jitter, None);
        self.phase = match next.and_then(|delay| now.checked_add(delay).ok()) {
            Some(at) => Phase::DeactivateAt(at),
            None => Phase::DeactivationFailed,
        };
    }

    /// Where it stands.
    pub fn status(&self) -> ActivationStatus {
        match self.phase {
            Phase::Pending | Phase::Activating => ActivationStatus::Activating,
            Phase::Active => ActivationStatus::Active,
            Phase::DeactivateAt(_) | Phase::Deactivating if self.failures < FAILED_AFTER => {
                ActivationStatus::Deactivating
            }
            Phase::DeactivateAt(_) | Phase::Deactivating | Phase::DeactivationFailed => {
                ActivationStatus::DeactivationFailed
            }
            Phase::ActivationFailed => ActivationStatus::ActivationFailed,
            Phase::Deactivated => ActivationStatus::Deactivated,
        }
    }
}

//! The state machine of a workflow's activations: enable, replace, disable.
//!
//! With `switch = replace` the old version's trigger is deactivated, then the new one activated; with `overlap` the
//! other way round. The old URL keeps accepting meanwhile, at most [`LONGEST_DRAIN`] after the first attempt to
//! deactivate. An old version that cannot be deactivated does not hold the new one up for longer than that. While an activation is active, its registration is renewed before it expires, and its ticks are
//! taken one after the other.

mod duty;
mod state;
#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stepwell::block::Switch;
use stepwell::when::When;

pub use duty::Duty;
pub use state::{Activation, Caller, Phase, WorkflowState};

use super::IllegalEvent;
use super::policy::MOST_INTERRUPTIONS;
use super::run::Sealed;
use crate::model::{ActivationId, Epoch, VersionId};

/// How long the URL of a version that is being replaced accepts, from the first attempt to deactivate.
pub const LONGEST_DRAIN: Duration = Duration::from_mins(10);

/// Something that happened to a workflow.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Publish a version.
    Enable {
        /// The version.
        version: VersionId,
        /// The id of its activation.
        activation: ActivationId,
        /// Whether its trigger has `activate` and `deactivate`.
        registers: bool,
        /// In which order it replaces the one before.
        switch: Switch,
    },
    /// Make a version that is not enabled.
    Snapshot {
        /// The version.
        version: VersionId,
    },
    /// Stop accepting.
    Disable,
    /// Call `deactivate` again, at once, where it has failed.
    DeactivateAgain,
    /// `activate` has returned a registration, or an error.
    Activated(ActivationId, Result<Registered, String>),
    /// `renew` has returned the next registration, or an error.
    Renewed(ActivationId, Result<Registered, String>),
    /// `tick` has returned and what follows from it is durable; it names the next tick. Or an error.
    Ticked(ActivationId, Result<Option<When>, String>),
    /// `deactivate` has returned.
    Deactivated(ActivationId, Result<(), String>),
    /// The engine died or the time limit passed while a handler ran.
    Interrupted(Call, String),
    /// Time has passed.
    Tick,
}

/// What `activate` or `renew` has returned.
#[derive(Debug, Clone, PartialEq)]
pub struct Registered {
    /// The registration.
    pub registration: Sealed,
    /// When it expires unless it is renewed.
    pub expires: Option<When>,
    /// The next tick.
    pub tick: Option<When>,
}

/// A call to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `activate`.
    Activate(ActivationId),
    /// `renew`.
    Renew(ActivationId),
    /// `tick`, which was due at this time.
    Tick(ActivationId, Timestamp),
    /// `deactivate`.
    Deactivate(ActivationId),
}

/// What follows from an event: store it, then make the calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The next state.
    pub state: WorkflowState,
    /// Every activation as it now is, also those that this decision ended.
    pub activations: Vec<Activation>,
    /// The calls to make.
    pub calls: Vec<Call>,
}

/// Applies an event to a workflow. `jitter` in 0..1 is for back-off; `epoch` is that of the process which makes the calls.
///
/// # Errors
///
/// When the event does not fit the state.
pub fn apply(
    state: WorkflowState,
    event: Event,
    now: Timestamp,
    jitter: f64,
    epoch: Epoch,
) -> Result<Decision, IllegalEvent> {
    let mut transition = Transition { state, calls: Vec::new(), now, jitter, epoch };
    match event {
        Event::Enable { version, activation, registers, switch } => {
            transition.enable(version, activation, registers, switch)?;
        }
        Event::Snapshot { .. } => transition.state.versions += 1,
        Event::Disable => transition.disable()?,
        Event::DeactivateAgain => transition.deactivate_again()?,
        Event::Activated(id, result) => transition.activated(id, result)?,
        Event::Renewed(id, result) => transition.renewed(id, result)?,
        Event::Ticked(id, result) => transition.ticked(id, result)?,
        Event::Deactivated(id, result) => transition.deactivated(id, result)?,
        Event::Interrupted(call, message) => transition.interrupted(call, &message)?,
        Event::Tick => {}
    }
    Ok(transition.finish())
}

struct Transition {
    state: WorkflowState,
    calls: Vec<Call>,
    now: Timestamp,
    jitter: f64,
    epoch: Epoch,
}

impl Transition {
    fn enable(
        &mut self,
        version: VersionId,
        id: ActivationId,
        registers: bool,
        switch: Switch,
    ) -> Result<(), IllegalEvent> {
        if self.state.is_switching() {
            return Err(IllegalEvent(
                "another version is still being enabled; wait for it, or disable the workflow".into(),
            ));
        }
        self.state.versions += 1;
        self.state.error = None;
        for activation in &mut self.state.activations {
            if activation.phase == Phase::Active && switch == Switch::Replace {
                activation.phase = Phase::DeactivateAt(self.now);
            }
        }
        self.state.activations.push(Activation {
            id,
            version,
            registers,
            accepts: false,
            drains_until: None,
            unwanted: false,
            registration: None,
            failures: 0,
            interruptions: 0,
            error: None,
            switch,
            overlapped: false,
            expires_at: None,
            renewal: None,
            tick: None,
            phase: Phase::Pending,
        });
        Ok(())
    }

    fn disable(&mut self) -> Result<(), IllegalEvent> {
        if self.state.activations.is_empty() {
            return Err(IllegalEvent("the workflow is not enabled".into()));
        }
        for activation in &mut self.state.activations {
            activation.accepts = false;
            match activation.phase {
                Phase::Pending => {
                    activation.error = Some("the workflow was disabled before".into());
                    activation.phase = Phase::ActivationFailed;
                }
                Phase::Activating => activation.unwanted = true,
                Phase::Active => activation.phase = Phase::DeactivateAt(self.now),
                Phase::DeactivateAt(_) | Phase::DeactivationFailed => activation.begin_anew(self.now),
                Phase::Deactivating | Phase::ActivationFailed | Phase::Deactivated => {}
            }
        }
        Ok(())
    }

    /// Somebody asks to call `deactivate` again where it has failed.
    fn deactivate_again(&mut self) -> Result<(), IllegalEvent> {
        let failed = |activation: &&mut Activation| {
            let waits = matches!(activation.phase, Phase::DeactivateAt(_)) && activation.error.is_some();
            waits || activation.phase == Phase::DeactivationFailed
        };
        let mut none = true;
        for activation in self.state.activations.iter_mut().filter(failed) {
            activation.begin_anew(self.now);
            none = false;
        }
        if none { Err(IllegalEvent("no trigger waits to be deactivated again".into())) } else { Ok(()) }
    }

    fn activated(
        &mut self,
        id: ActivationId,
        result: Result<Registered, String>,
    ) -> Result<(), IllegalEvent> {
        let now = self.now;
        let activation = self.in_phase(id, Phase::Activating)?;
        activation.interruptions = 0;
        match result {
            Ok(registered) => {
                activation.register(registered, now);
                if activation.unwanted {
                    activation.phase = Phase::DeactivateAt(now);
                } else {
                    self.activate(id);
                }
            }
            Err(message) => self.activation_failed(id, message),
        }
        Ok(())
    }

    /// Lets an activation accept. One that overlapped with it goes now.
    fn activate(&mut self, id: ActivationId) {
        let now = self.now;
        for activation in &mut self.state.activations {
            if activation.id == id {
                activation.accepts = true;
                activation.phase = Phase::Active;
            } else if activation.phase == Phase::Active {
                activation.overlapped = true;
                activation.phase = Phase::DeactivateAt(now);
            }
        }
    }

    fn activation_failed(&mut self, id: ActivationId, message: String) {
        self.state.error = Some(message.clone());
        if let Some(activation) = self.state.get_mut(id) {
            activation.error = Some(message);
            activation.phase = Phase::ActivationFailed;
        }
    }

    fn deactivated(&mut self, id: ActivationId, result: Result<(), String>) -> Result<(), IllegalEvent> {
        let (now, jitter) = (self.now, self.jitter);
        let activation = self.in_phase(id, Phase::Deactivating)?;
        activation.interruptions = 0;
        match result {
            Ok(()) => {
                activation.error = None;
                activation.phase = Phase::Deactivated;
            }
            Err(message) => activation.deactivate_again(message, now, jitter),
        }
        Ok(())
    }

    fn interrupted(&mut self, call: Call, message: &str) -> Result<(), IllegalEvent> {
        let (now, jitter) = (self.now, self.jitter);
        let id = match call {
            Call::Renew(id) => {
                self.duty_interrupted(id, |activation| &mut activation.renewal);
                return Ok(());
            }
            Call::Tick(id, _) => {
                self.duty_interrupted(id, |activation| &mut activation.tick);
                return Ok(());
            }
            Call::Activate(id) | Call::Deactivate(id) => id,
        };
        let activation = self.state.get_mut(id).ok_or_else(|| unknown(id))?;
        activation.interruptions += 1;
        let at_once = activation.interruptions < MOST_INTERRUPTIONS;
        let message = format!("{message} ({} times in a row)", activation.interruptions);
        match (activation.phase, at_once) {
            (Phase::Activating, true) => self.calls.push(Call::Activate(id)),
            (Phase::Activating, false) => self.activation_failed(
                id,
                format!("{message}; it is not called again, so look outside for what it may have set up"),
            ),
            (Phase::Deactivating, true) => activation.phase = Phase::DeactivateAt(now),
            // What was set up outside would be left behind: it goes on as one that failed (t8).
            (Phase::Deactivating, false) => activation.deactivate_again(message, now, jitter),
            _ => return Err(unknown(id)),
        }
        Ok(())
    }

    fn in_phase(&mut self, id: ActivationId, phase: Phase) -> Result<&mut Activation, IllegalEvent> {
        self.state.get_mut(id).filter(|activation| activation.phase == phase).ok_or_else(|| unknown(id))
    }

    /// Moves on what can move on, and takes what is over out of the state.
    fn finish(mut self) -> Decision {
        let now = self.now;
        for activation in &mut self.state.activations {
            if !activation.is_renewing() && matches!(activation.phase, Phase::DeactivateAt(at) if at <= now) {
                activation.drains_until =
                    activation.drains_until.or_else(|| now.checked_add(LONGEST_DRAIN).ok());
                if activation.registers {
                    activation.phase = Phase::Deactivating;
                    self.calls.push(Call::Deactivate(activation.id));
                } else {
                    activation.phase = Phase::Deactivated;
                }
            }
        }
        self.activate_pending();
        self.call_duties();
        let switching = self.state.is_switching();
        for activation in &mut self.state.activations {
            let replaced = !switching && (!activation.overlapped || activation.phase == Phase::Deactivated);
            let drained = replaced || activation.drains_until.is_some_and(|until| until <= now);
            if drained && activation.phase != Phase::Active {
                activation.accepts = false;
            }
        }
        let activations = self.state.activations.clone();
        self.state.activations.retain(|activation| match activation.phase {
            Phase::ActivationFailed => false,
            Phase::Deactivated => activation.accepts,
            _ => true,
        });
        self.state.note_callers(&self.calls, self.epoch);
        Decision { state: self.state, activations, calls: self.calls }
    }
}

impl Transition {
    /// Activates what waits for the deactivation of its predecessor, or need not wait for it.
    fn activate_pending(&mut self) {
        let held_up = self.state.activations.iter().any(|activation| {
            activation.holds_up() && activation.drains_until.is_none_or(|until| until > self.now)
        });
        let pending: Vec<(ActivationId, bool)> = self
            .state
            .activations
            .iter()
            .filter(|activation| activation.phase == Phase::Pending)
            .filter(|activation| !held_up || activation.switch == Switch::Overlap)
            .map(|activation| (activation.id, activation.registers))
            .collect();
        for (id, registers) in pending {
            if !registers {
                self.activate(id);
            } else if let Some(activation) = self.state.get_mut(id) {
                activation.phase = Phase::Activating;
                self.calls.push(Call::Activate(id));
            }
        }
    }
}

pub(super) fn unknown(id: ActivationId) -> IllegalEvent {
    IllegalEvent(format!("activation {id} is not being called"))
}

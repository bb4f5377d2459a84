//! What an active activation does at a time: renew its registration, take a tick.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use stepwell::when::When;

use super::{Activation, Call, Phase, Registered, Transition, unknown};
use crate::core::IllegalEvent;
use crate::core::policy::{MOST_INTERRUPTIONS, RetryPolicy};
use crate::model::ActivationId;

/// How long before it expires a registration is renewed at the latest: a provider that is down for a while must
/// not cost it.
const LONGEST_MARGIN: SignedDuration = SignedDuration::from_hours(24);
/// The part of a registration's life that is left when it is renewed.
const MARGIN: i32 = 5;
/// How a failing renewal or tick is repeated: for ever, since nothing else would mend it.
const AGAIN: RetryPolicy =
    RetryPolicy { attempts: u32::MAX, first: Duration::from_secs(1), most: Duration::from_hours(1) };

/// Something to do at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// When it is due: the time that a tick is called with, however late.
    pub time: Timestamp,
    /// When it is tried next.
    pub at: Timestamp,
    /// Its handler is running.
    #[serde(default)]
    pub running: bool,
    /// How often it has failed.
    #[serde(default)]
    pub failures: u32,
}

impl Duty {
    const fn new(time: Timestamp) -> Self {
        Self { time, at: time, running: false, failures: 0 }
    }

    /// It is tried again: at once if the engine died, unless that happens again and again.
    fn interrupted(self, now: Timestamp, jitter: f64) -> Self {
        let failed = self.failed(now, jitter);
        if failed.failures < MOST_INTERRUPTIONS { Self { at: now, ..failed } } else { failed }
    }

    fn failed(self, now: Timestamp, jitter: f64) -> Self {
        let failures = self.failures.saturating_add(1);
        let delay = AGAIN.delay(failures, jitter, None).unwrap_or(AGAIN.most);
        let at = now.checked_add(delay).unwrap_or(Timestamp::MAX);
        Self { at, running: false, failures, ..self }
    }
}

impl Activation {
    /// Takes what `activate` or `renew` has returned.
    pub(super) fn register(&mut self, registered: Registered, now: Timestamp) {
        let Registered { registration, expires, tick } = registered;
        self.registration = Some(registration);
        self.expires_at = expires.map(|expires| expires.at(now));
        self.renewal = self.expires_at.map(|expires| Duty::new(renewal_time(now, expires)));
        if let Some(tick) = tick {
            self.tick = Some(Duty::new(tick.at(now)));
        }
    }

    /// When its next duty is due.
    pub(super) fn duty_at(&self) -> Option<Timestamp> {
        let duties = [self.renewal, self.tick].into_iter().flatten().filter(|duty| !duty.running);
        duties.map(|duty| duty.at).min().filter(|_| self.phase == Phase::Active)
    }
}

fn renewal_time(now: Timestamp, expires: Timestamp) -> Timestamp {
    let left = expires.duration_since(now);
    expires.checked_sub((left / MARGIN).min(LONGEST_MARGIN)).unwrap_or(expires)
}

impl Transition {
    /// Calls what is due.
    pub(super) fn call_duties(&mut self) {
        let now = self.now;
        let due = |duty: &Option<Duty>| duty.is_some_and(|duty| !duty.running && duty.at <= now);
        for activation in &mut self.state.activations {
            if activation.phase != Phase::Active {
                continue;
            }
            if due(&activation.renewal)
                && let Some(renewal) = &mut activation.renewal
            {
                renewal.running = true;
                self.calls.push(Call::Renew(activation.id));
            }
            if due(&activation.tick)
                && let Some(tick) = &mut activation.tick
            {
                tick.running = true;
                self.calls.push(Call::Tick(activation.id, tick.time));
            }
        }
    }

    /// The engine died while `renew` or `tick` ran.
    pub(super) fn duty_interrupted(
        &mut self,
        id: ActivationId,
        of: fn(&mut Activation) -> &mut Option<Duty>,
    ) {
        let (now, jitter) = (self.now, self.jitter);
        let Some(activation) = self.state.get_mut(id) else { return };
        if let Some(duty) = of(activation).as_mut().filter(|duty| duty.running) {
            *duty = duty.interrupted(now, jitter);
        }
    }

    /// `renew` has returned.
    pub(super) fn renewed(
        &mut self,
        id: ActivationId,
        result: Result<Registered, String>,
    ) -> Result<(), IllegalEvent> {
        let (now, jitter) = (self.now, self.jitter);
        let activation = self.state.get_mut(id).ok_or_else(|| unknown(id))?;
        let renewal = activation.renewal.filter(|renewal| renewal.running).ok_or_else(|| unknown(id))?;
        match result {
            Ok(registered) => {
                activation.error = None;
                let tick = activation.tick;
                activation.register(registered, now);
                // A tick that is running goes on; it will name the next one.
                if tick.is_some_and(|tick| tick.running) {
                    activation.tick = tick;
                }
            }
            Err(message) => {
                activation.error = Some(format!("the registration could not be renewed: {message}"));
                activation.renewal = Some(renewal.failed(now, jitter));
            }
        }
        Ok(())
    }

    /// `tick` has returned.
    pub(super) fn ticked(
        &mut self,
        id: ActivationId,
        result: Result<Option<When>, String>,
    ) -> Result<(), IllegalEvent> {
        let (now, jitter) = (self.now, self.jitter);
        // It may have been deactivated meanwhile; then nothing follows.
        let Some(activation) = self.state.get_mut(id) else { return Ok(()) };
        let tick = activation.tick.filter(|tick| tick.running).ok_or_else(|| unknown(id))?;
        activation.tick = match result {
            Ok(next) => {
                activation.error = None;
                next.map(|next| Duty::new(next.at(now)))
            }
            Err(message) => {
                activation.error = Some(format!("the tick of {} failed: {message}", tick.time));
                Some(tick.failed(now, jitter))
            }
        };
        Ok(())
    }
}

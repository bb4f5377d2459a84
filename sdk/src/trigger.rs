//! What the handlers of a trigger return.

use std::time::Duration;

use jiff::Timestamp;

use crate::data::Data;
use crate::outcome::Outcomes;
use crate::response::Response;
use crate::when::When;

/// The request of a trigger that takes none: its runs are started by its ticks, by other workflows or by hand.
///
/// There is no such value, so the function that is the trigger is never called. Its activations show no URL, and
/// requests to it are refused with 400.
///
/// ```
/// use stepwell::prelude::*;
///
/// /// Every hour
/// #[trigger(outcomes(due), activate = begin, deactivate = end, tick = tick)]
/// async fn hourly(request: NoRequest, _config: NoConfig, _cx: TriggerContext) -> Result<HourlyOutcome, TriggerError> {
///     match request {}
/// }
/// # async fn begin(_config: NoConfig, cx: ActivateContext) -> Result<Activated, ActivationError> {
/// #     Ok(Activated::new(()).tick_at(cx.now()))
/// # }
/// # async fn end(_config: NoConfig, _cx: DeactivateContext) -> Result<(), ActivationError> {
/// #     Ok(())
/// # }
/// # async fn tick(_config: NoConfig, _cx: TickContext) -> Result<Tick<HourlyOutcome>, TriggerError> {
/// #     Ok(Tick::outcome(HourlyOutcome::Due).next_in(std::time::Duration::from_hours(1)))
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub enum NoRequest {}

/// What `trigger` returns for one request: an outcome, which starts exactly one run, or a no-op.
///
/// `D` says whether outcomes carry a deduplication key: [`NoDedupe`] (none does) or [`Dedupe`] (all do).
#[derive(Debug)]
#[must_use]
pub enum Trigger<O, D = NoDedupe> {
    /// Starts one run, which follows the edges of this outcome.
    Outcome(Event<O, D>),
    /// The request is fine but starts nothing.
    NoOp,
    /// Starts nothing and answers the request with this response.
    Respond(Response),
}

impl<O, D> Trigger<O, D> {
    /// Starts nothing and answers the request with `response`.
    pub const fn respond(response: Response) -> Self {
        Self::Respond(response)
    }
}

/// An outcome of a trigger, with the answer to its request.
#[derive(Debug)]
pub struct Event<O, D = NoDedupe> {
    /// The outcome.
    pub outcome: O,
    /// The deduplication key, or [`NoDedupe`].
    pub dedupe: D,
    /// What answers the request once the run is durable; the engine's own answer (202) if `None`.
    pub response: Option<Response>,
}

/// No deduplication key: every outcome starts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoDedupe;

/// A deduplication key: of the events with one key, only the first starts a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedupe {
    key: String,
}

impl<O: Outcomes> From<O> for Trigger<O> {
    fn from(outcome: O) -> Self {
        Self::Outcome(Event { outcome, dedupe: NoDedupe, response: None })
    }
}

/// What an outcome needs to become the outcome of a trigger.
pub trait TriggerOutcome: Outcomes {
    /// Starts a run unless this workflow has had an event with the same key within the retention window; then
    /// the request is answered as the first one was.
    fn dedupe(self, key: impl Into<String>) -> Trigger<Self, Dedupe> {
        Trigger::Outcome(Event { outcome: self, dedupe: Dedupe { key: key.into() }, response: None })
    }

    /// Starts a run and answers the request with `response` once the run is durable.
    fn respond(self, response: Response) -> Trigger<Self> {
        Trigger::Outcome(Event { outcome: self, dedupe: NoDedupe, response: Some(response) })
    }
}

impl<O: Outcomes> TriggerOutcome for O {}

impl<O, D> Trigger<O, D> {
    /// Answers the request with `response` once the run is durable. Changes nothing unless this is an outcome.
    pub fn with_response(mut self, response: Response) -> Self {
        if let Self::Outcome(event) = &mut self {
            event.response = Some(response);
        }
        self
    }
}

/// What a `trigger` handler may return in `Result<…, TriggerError>`: an outcome, or a [`Trigger`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something that a trigger can return",
    label = "expected `Result<YourOutcomes, TriggerError>` or `Result<Trigger<YourOutcomes>, TriggerError>`"
)]
pub trait TriggerResult: Send + 'static {
    /// The block's outcomes.
    type Outcomes: Outcomes;
    /// [`NoDedupe`] or [`Dedupe`].
    type Deduplication: Deduplication;

    /// The full form of this result.
    fn into_trigger(self) -> Trigger<Self::Outcomes, Self::Deduplication>;
}

impl<O: Outcomes> TriggerResult for O {
    type Outcomes = O;
    type Deduplication = NoDedupe;

    fn into_trigger(self) -> Trigger<O> {
        self.into()
    }
}

impl<O: Outcomes, D: Deduplication> TriggerResult for Trigger<O, D> {
    type Outcomes = O;
    type Deduplication = D;

    fn into_trigger(self) -> Self {
        self
    }
}

/// What `tick` returns for one tick: an outcome, which starts exactly one run, or a no-op; each may name the next
/// tick. Without a next tick there is none.
///
/// `D` is as in [`Trigger`].
#[derive(Debug)]
#[must_use]
pub struct Tick<O, D = NoDedupe> {
    /// The outcome, with its deduplication key.
    pub outcome: Option<(O, D)>,
    /// The next tick.
    pub next: Option<When>,
}

impl<O: Outcomes> Tick<O> {
    /// Starts one run.
    pub const fn outcome(outcome: O) -> Self {
        Self { outcome: Some((outcome, NoDedupe)), next: None }
    }

    /// Starts no run if this workflow has had an event with the same key within the retention window. A tick that
    /// is repeated after a crash starts no second run anyway.
    pub fn dedupe(self, key: impl Into<String>) -> Tick<O, Dedupe> {
        let Self { outcome, next } = self;
        Tick { outcome: outcome.map(|(outcome, _)| (outcome, Dedupe { key: key.into() })), next }
    }
}

impl<O, D> Tick<O, D> {
    /// Starts nothing.
    pub const fn no_op() -> Self {
        Self { outcome: None, next: None }
    }

    /// Names the next tick: at this time.
    pub fn next_at(mut self, at: Timestamp) -> Self {
        self.next = Some(When::At(at));
        self
    }

    /// Names the next tick: after this while.
    pub fn next_in(mut self, delay: Duration) -> Self {
        self.next = Some(When::After(delay));
        self
    }
}

/// What `activate` and `renew` return when there is more to say than the registration: when it expires, when the
/// first tick is.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Activated<R = ()> {
    /// What `trigger`, `renew`, `tick` and `deactivate` receive.
    pub registration: R,
    /// When the registration ends unless `renew` is called before.
    pub expires: Option<When>,
    /// The next tick.
    pub tick: Option<When>,
}

impl<R> Activated<R> {
    /// A registration that does not expire, without a tick.
    pub const fn new(registration: R) -> Self {
        Self { registration, expires: None, tick: None }
    }

    /// The registration ends at this time; the engine calls `renew` before.
    pub fn expires_at(mut self, at: Timestamp) -> Self {
        self.expires = Some(When::At(at));
        self
    }

    /// The registration ends after this while; the engine calls `renew` before.
    pub fn expires_in(mut self, delay: Duration) -> Self {
        self.expires = Some(When::After(delay));
        self
    }

    /// Has `tick` called at this time. From `renew` it replaces the tick that is due; without it that one stays.
    pub fn tick_at(mut self, at: Timestamp) -> Self {
        self.tick = Some(When::At(at));
        self
    }

    /// Has `tick` called after this while. From `renew` it replaces the tick that is due; without it that one
    /// stays.
    pub fn tick_in(mut self, delay: Duration) -> Self {
        self.tick = Some(When::After(delay));
        self
    }
}

/// What `activate` and `renew` may return in `Result<…, ActivationError>`: a registration, or [`Activated`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored as a registration",
    label = "this type is not `#[data]`",
    note = "put `#[data]` on the type, or return `Activated<YourRegistration>`"
)]
pub trait ActivateResult: Send + 'static {
    /// What `activate` returns for the other handlers.
    type Registration: Data;

    /// The full form of this result.
    fn into_activated(self) -> Activated<Self::Registration>;
}

impl<R: Data> ActivateResult for R {
    type Registration = R;

    fn into_activated(self) -> Activated<R> {
        Activated::new(self)
    }
}

impl<R: Data> ActivateResult for Activated<R> {
    type Registration = R;

    fn into_activated(self) -> Self {
        self
    }
}

/// Whether outcomes carry a deduplication key.
pub trait Deduplication: sealed::Sealed + Send + 'static {
    /// The key, if the outcome has one.
    fn into_key(self) -> Option<String>;
}

impl Deduplication for NoDedupe {
    fn into_key(self) -> Option<String> {
        None
    }
}

impl Deduplication for Dedupe {
    fn into_key(self) -> Option<String> {
        Some(self.key)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::NoDedupe {}
    impl Sealed for super::Dedupe {}
}

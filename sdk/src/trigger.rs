//! What the handlers of a trigger return.

use crate::outcome::Outcomes;
use crate::response::Response;

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

//! What the handlers of a step return.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcomes;
use crate::question::Question;
use crate::when::When;

/// What `execute` returns: the step's outcome, an exit, or the wish to wait for a callback.
///
/// `S` is the state that a deferring step carries to its `finish` handler. It defaults to [`Never`], which has
/// no value: a step that returns `Execution<O>` cannot defer.
#[derive(Debug)]
#[must_use]
pub enum Execution<O, S = Never> {
    /// The step is done; the run follows the edges of this outcome.
    Outcome(O),
    /// The step is done and its path ends here, without an outcome.
    Exit,
    /// The step waits, holding no resource, until a callback comes or it is woken.
    Defer(Deferral<S>),
}

impl<O, S> Execution<O, S> {
    /// Waits for a callback at the execution's `finish_callback_url`.
    ///
    /// `state` is stored encrypted with the execution and handed to the `finish`, `wake` and `cancel` handlers.
    pub const fn defer(state: S) -> Self {
        Self::Defer(Deferral { state, waiting_for: None, wake: None, question: None })
    }

    /// Has `wake` called at this time, unless the execution was resolved before. The step needs a `wake` handler.
    ///
    /// Changes nothing unless the execution is a deferral.
    pub const fn wake_at(self, at: Timestamp) -> Self {
        self.wake(When::At(at))
    }

    /// Has `wake` called after this while, unless the execution was resolved before. The step needs a `wake`
    /// handler.
    ///
    /// Changes nothing unless the execution is a deferral.
    pub const fn wake_in(self, delay: Duration) -> Self {
        self.wake(When::After(delay))
    }

    const fn wake(mut self, when: When) -> Self {
        if let Self::Defer(deferral) = &mut self {
            deferral.wake = Some(when);
        }
        self
    }

    /// Says in words for a person what a deferred step waits for, such as "the provider's answer".
    ///
    /// Shown in the list of waiting steps. Changes nothing unless the execution is a deferral.
    pub fn waiting_for(mut self, what: impl Into<String>) -> Self {
        if let Self::Defer(deferral) = &mut self {
            deferral.waiting_for = Some(WaitingFor { text: what.into(), link: None });
        }
        self
    }

    /// Asks people a question while the step waits, on a page at its `finish_callback_url`; see [`Question`]. Unless the
    /// deferral has said what it waits for, that is the question. The step needs a `finish` handler.
    ///
    /// Changes nothing unless the execution is a deferral.
    pub fn asking(mut self, question: Question) -> Self {
        if let Self::Defer(deferral) = &mut self {
            let text = &question.text;
            deferral.waiting_for.get_or_insert_with(|| WaitingFor { text: text.clone(), link: None });
            deferral.question = Some(Box::new(question));
        }
        self
    }

    /// Adds a link to what [`waiting_for`](Self::waiting_for) says, for a person to follow.
    ///
    /// Changes nothing unless the execution is a deferral that says what it waits for.
    pub fn link(mut self, url: impl Into<String>) -> Self {
        if let Self::Defer(Deferral { waiting_for: Some(waiting_for), .. }) = &mut self {
            waiting_for.link = Some(url.into());
        }
        self
    }
}

impl<O: Outcomes, S> From<O> for Execution<O, S> {
    fn from(outcome: O) -> Self {
        Self::Outcome(outcome)
    }
}

/// A wait for a callback or a time: what [`Execution::defer`] makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Deferral<S> {
    /// What `finish`, `wake` and `cancel` will need to know.
    pub state: S,
    /// When `wake` is called.
    pub wake: Option<When>,
    /// What is waited for, in words for a person.
    pub waiting_for: Option<WaitingFor>,
    /// What people are asked meanwhile.
    pub question: Option<Box<Question>>,
}

/// What a deferred execution waits for, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingFor {
    /// A short text, such as "the provider's answer".
    pub text: String,
    /// Where a person can look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// What `finish` returns. It cannot defer again; [`Finish::NoOp`] and [`Finish::NextState`] go on waiting.
///
/// `S` is the state that the step defers with. It defaults to [`Never`]: a handler that returns `Finish<O>` leaves the
/// state as it is.
#[derive(Debug)]
#[must_use]
pub enum Finish<O, S = Never> {
    /// The step is done; the run follows the edges of this outcome.
    Outcome(O),
    /// The step is done and its path ends here, without an outcome.
    Exit,
    /// The callback was not the awaited one; the step goes on waiting.
    NoOp,
    /// The callback counts, but others are to come: the step goes on waiting, with this state.
    ///
    /// The state is stored in the transaction that says that the callback was dealt with: each callback changes it
    /// once, whatever crashes. The next call of `finish`, `wake` or `cancel` is given it.
    NextState(S),
}

impl<O: Outcomes, S> From<O> for Finish<O, S> {
    fn from(outcome: O) -> Self {
        Self::Outcome(outcome)
    }
}

/// What `wake` returns. It cannot defer again; [`Wake::no_op`] goes on waiting.
///
/// `S` is the state that the step defers with, where the handler replaces it; with [`Never`], the default, it stays as it
/// is.
///
/// ```
/// use std::time::Duration;
///
/// use stepwell::prelude::*;
///
/// # #[derive(Outcomes)]
/// # enum PayOutcome { Unpaid }
/// #[data]
/// struct Asked {
///     reminders: u32,
/// }
///
/// async fn remind(_config: NoConfig, cx: WakeContext<Asked>) -> Result<Wake<PayOutcome, Asked>, StepError> {
///     let reminders = cx.state().reminders + 1;
///     if reminders > 3 {
///         return Ok(PayOutcome::Unpaid.into());
///     }
///     Ok(Wake::again_in(Duration::from_hours(24)).with_state(Asked { reminders }))
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
#[must_use]
pub enum Wake<O, S = Never> {
    /// The step is done; the run follows the edges of this outcome.
    Outcome(O),
    /// The step is done and its path ends here, without an outcome.
    Exit,
    /// The step goes on waiting.
    NoOp {
        /// When `wake` is called again; if never, only a callback ends the wait.
        next: Option<When>,
    },
    /// The step goes on waiting, with this state.
    ///
    /// The state is stored in the transaction that says that `wake` was called. The next call of `finish`, `wake` or
    /// `cancel` is given it.
    NextState {
        /// The state.
        state: S,
        /// When `wake` is called again; if never, only a callback ends the wait.
        next: Option<When>,
    },
}

impl<O, S> Wake<O, S> {
    /// Goes on waiting for a callback; `wake` is not called again.
    pub const fn no_op() -> Self {
        Self::NoOp { next: None }
    }

    /// Goes on waiting; `wake` is called again at this time.
    pub const fn again_at(at: Timestamp) -> Self {
        Self::NoOp { next: Some(When::At(at)) }
    }

    /// Goes on waiting; `wake` is called again after this while.
    pub const fn again_in(delay: Duration) -> Self {
        Self::NoOp { next: Some(When::After(delay)) }
    }

    /// Goes on waiting with this state. A step that is done has none, and stays done.
    pub fn with_state(self, state: S) -> Self {
        match self {
            Self::NoOp { next } | Self::NextState { next, .. } => Self::NextState { state, next },
            done => done,
        }
    }
}

impl<O: Outcomes, S> From<O> for Wake<O, S> {
    fn from(outcome: O) -> Self {
        Self::Outcome(outcome)
    }
}

/// The state of a step that never defers. It has no value, so deferring is impossible to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {}

/// What an `execute` handler may return in `Result<…, StepError>`: an outcome, or an [`Execution`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something that a step can return",
    label = "expected `Result<YourOutcomes, StepError>` or `Result<Execution<YourOutcomes, State>, StepError>`"
)]
pub trait StepResult: Send + 'static {
    /// The block's outcomes.
    type Outcomes: Outcomes;
    /// What the step carries while it waits; [`Never`] if it does not.
    type State: Send + 'static;

    /// The full form of this result.
    fn into_execution(self) -> Execution<Self::Outcomes, Self::State>;
}

impl<O: Outcomes> StepResult for O {
    type Outcomes = O;
    type State = Never;

    fn into_execution(self) -> Execution<O> {
        Execution::Outcome(self)
    }
}

impl<O: Outcomes, S: Send + 'static> StepResult for Execution<O, S> {
    type Outcomes = O;
    type State = S;

    fn into_execution(self) -> Self {
        self
    }
}

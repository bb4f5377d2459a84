//! The errors that handlers return.

use std::fmt;
use std::time::Duration;

use crate::request::Rejected;

/// The failure of a step's handler.
///
/// `?` turns every `std::error::Error` into a `StepError` that is not retried. Say otherwise with
/// [`StepError::retryable`], or with [`or_retry`](OrRetry::or_retry) on a result.
#[derive(Debug)]
pub struct StepError {
    kind: StepErrorKind,
}

/// What a [`StepError`] means to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepErrorKind {
    /// The step fails at once.
    Permanent {
        /// What went wrong.
        message: String,
    },
    /// The handler is called again after a back-off.
    Retryable {
        /// What went wrong.
        message: String,
        /// The shortest time to wait; otherwise the step's back-off decides.
        retry_after: Option<Duration>,
    },
    /// The callback is refused and the execution goes on waiting. In `execute`, which has no request, this
    /// counts as a permanent failure.
    Rejected(Rejected),
}

impl StepError {
    /// A failure that trying again cannot mend.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self { kind: StepErrorKind::Permanent { message: message.into() } }
    }

    /// A failure that may pass: the handler is called again with exponential back-off.
    pub fn retryable(message: impl Into<String>) -> Self {
        Self { kind: StepErrorKind::Retryable { message: message.into(), retry_after: None } }
    }

    /// Waits at least this long before the next attempt, and makes the error retryable.
    #[must_use]
    pub fn retry_after(self, delay: impl Into<Duration>) -> Self {
        let message = self.to_string();
        Self { kind: StepErrorKind::Retryable { message, retry_after: Some(delay.into()) } }
    }

    /// Whether the handler will be called again.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, StepErrorKind::Retryable { .. })
    }

    /// What this error means to the engine.
    pub fn into_kind(self) -> StepErrorKind {
        self.kind
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StepErrorKind::Permanent { message } | StepErrorKind::Retryable { message, .. } => {
                formatter.write_str(message)
            }
            StepErrorKind::Rejected(rejected) => rejected.fmt(formatter),
        }
    }
}

// Like `Rejected`, the handler errors are not `std::error::Error`s, so that `?` can convert every error.
impl<E: std::error::Error> From<E> for StepError {
    fn from(error: E) -> Self {
        Self::permanent(with_sources(&error))
    }
}

impl From<Rejected> for StepError {
    fn from(rejected: Rejected) -> Self {
        Self { kind: StepErrorKind::Rejected(rejected) }
    }
}

/// Turns errors into retryable ones.
pub trait OrRetry<T> {
    /// The value, or a [`StepError`] for which the handler is called again.
    ///
    /// # Errors
    ///
    /// The same failure, made retryable.
    fn or_retry(self) -> Result<T, StepError>;
}

impl<T, E: std::error::Error> OrRetry<T> for Result<T, E> {
    fn or_retry(self) -> Result<T, StepError> {
        self.map_err(|error| StepError::retryable(with_sources(&error)))
    }
}

/// The failure of a trigger's handler for one request. It starts no run.
#[derive(Debug)]
pub struct TriggerError {
    kind: TriggerErrorKind,
}

/// What a [`TriggerError`] means to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerErrorKind {
    /// The handler failed; the request is answered with 500, so that its sender may deliver again.
    Failed {
        /// What went wrong.
        message: String,
    },
    /// The request is refused with its 4xx.
    Rejected(Rejected),
}

impl TriggerError {
    /// A failure of the handler, answered with 500.
    pub fn failed(message: impl Into<String>) -> Self {
        Self { kind: TriggerErrorKind::Failed { message: message.into() } }
    }

    /// What this error means to the engine.
    pub fn into_kind(self) -> TriggerErrorKind {
        self.kind
    }
}

impl fmt::Display for TriggerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TriggerErrorKind::Failed { message } => formatter.write_str(message),
            TriggerErrorKind::Rejected(rejected) => rejected.fmt(formatter),
        }
    }
}

impl<E: std::error::Error> From<E> for TriggerError {
    fn from(error: E) -> Self {
        Self::failed(with_sources(&error))
    }
}

impl From<Rejected> for TriggerError {
    fn from(rejected: Rejected) -> Self {
        Self { kind: TriggerErrorKind::Rejected(rejected) }
    }
}

/// The failure of `activate` or `deactivate`, and of `cancel`: a message for the person who reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationError {
    message: String,
}

impl ActivationError {
    /// A failure with a message for a person.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ActivationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl<E: std::error::Error> From<E> for ActivationError {
    fn from(error: E) -> Self {
        Self::new(with_sources(&error))
    }
}

/// An error's message followed by those of its sources.
pub(crate) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = error.source();
    }
    message
}

//! The state machines: what happens next, decided and not done.
//!
//! No clock, no randomness, no IO and no async: now, jitter and ids are given. A [`run`] is a set of live
//! executions; a [`workflow`] is a set of activations. Each takes a state and an event and returns a decision:
//! the next state, what to record, and the calls to make once that is durable. An event that does not fit the
//! state is an error, not a panic and not silence.

pub mod limits;
pub mod policy;
pub mod run;
pub mod workflow;

/// An event that does not fit the state. The state is unchanged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct IllegalEvent(pub String);

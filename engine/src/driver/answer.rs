//! What the driver answers to the rooms outside.

use stepwell::request::Rejected;
use stepwell::response::Response;

use crate::definition::Problem;
use crate::model::RunId;
use crate::store::StoreError;

/// Why a request of a person or a program was refused. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The definition or the data has problems.
    #[error("the definition has {} problem(s)", .0.len())]
    Problems(Vec<Problem>),
    /// It does not fit the state of things.
    #[error("{0}")]
    Conflict(String),
    /// The trigger's `activate` failed with this message.
    #[error("the trigger could not be activated: {0}")]
    ActivationFailed(String),
    /// The function that looks options up failed with this message.
    #[error("the options could not be looked up: {0}")]
    OptionsFailed(String),
    /// It has been begun and is not done yet.
    #[error("{0}")]
    Pending(String),
    /// As many runs are under way in this process as there may be; nothing was started.
    #[error("as many runs are under way as there may be; try again later")]
    Busy,
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
}

/// What became of a request to a trigger's URL.
#[derive(Debug)]
pub enum TriggerAnswer {
    /// It started this run, with the handler's own response if it made one.
    Started(RunId, Option<Response>),
    /// An event with the same key had started this run before.
    Duplicate(RunId, Option<Response>),
    /// It starts nothing and the handler answers itself.
    Respond(Response),
    /// It starts nothing.
    NoOp,
    /// The activation accepts no requests any more.
    Gone,
    /// The handler refused the request.
    Rejected(Rejected),
    /// The handler failed, panicked or took too long.
    Failed(String),
    /// The activation has not completed yet; try again later.
    NotReady,
    /// As many runs are under way in this process as there may be. No handler was called.
    Busy,
    /// This binary lacks the trigger's block, or it no longer accepts what is stored; try again later.
    Unfit,
    /// The database failed; nothing was started.
    Unavailable(String),
}

/// What became of a callback.
#[derive(Debug)]
pub enum CallbackAnswer {
    /// It is durable and will be handed to `finish`.
    Recorded,
    /// The execution is resolved.
    Gone,
    /// The database failed; nothing was recorded.
    Unavailable(String),
}

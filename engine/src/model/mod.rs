//! Ids and the wire forms of what is stored.

mod format;
mod history;
mod ids;
mod journal;
mod status;

pub use format::{Format, READS, RUN_FORMAT, StoredState, UnreadableState, decode_state, encode_state};
pub use history::{
    ArrivalView, AttemptView, CallbackFate, CallbackView, ChildView, ExecutionStatus, ExecutionView, History,
    RoundView, TriggerView,
};
pub use ids::{
    ActivationId, Epoch, ExecutionId, OperationId, RecordId, RunId, UnknownId, ValueRef, VersionId,
    WorkflowId,
};
pub use journal::{
    AttemptResult, CallAnswer, CallbackRequest, Entry, HandlerName, JOURNAL_FORMAT, Origin, UnreadableRecord,
    Unused, decode_entries, encode_entries,
};
pub use status::{ActivationStatus, RunStatus};

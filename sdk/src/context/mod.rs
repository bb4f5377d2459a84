//! What a handler is told and given besides its config and request.
//!
//! Every context dereferences to its metadata, so that `cx.workflow_title()` reads as one would expect.

mod metadata;
mod step;
mod trigger;

pub use metadata::{StepMetadata, TriggerMetadata};
pub(crate) use step::StepCall;
pub use step::{CancelContext, ExecuteContext, FinishContext, WakeContext};
pub(crate) use trigger::TriggerCall;
pub use trigger::{
    ActivateContext, DeactivateContext, HandshakeContext, RenewContext, TickContext, TickTime, TriggerContext,
};

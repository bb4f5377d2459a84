//! What a file with blocks needs: `use stepwell::prelude::*;`.

pub use crate::config::NoConfig;
pub use crate::connection::NoConnection;
pub use crate::context::{
    ActivateContext, CancelContext, DeactivateContext, ExecuteContext, FinishContext, HandshakeContext,
    RenewContext, TickContext, TriggerContext, WakeContext,
};
pub use crate::error::{ActivationError, OrRetry as _, StepError, TriggerError};
pub use crate::options::{Choice, OptionsContext, OptionsQuery};
pub use crate::outcome::{Named, Outcomes};
pub use crate::question::{Answer, Question};
pub use crate::request::{Rejected, Request};
pub use crate::response::Response;
pub use crate::signature;
pub use crate::step::{Execution, Finish, Wake};
pub use crate::trigger::{Activated, Dedupe, NoRequest, Tick, Trigger, TriggerOutcome as _};
pub use crate::types::{
    Date, Domain, Duration, EmailAddress, Location, Money, PersonName, PhoneNumber, RichText, Secret,
    Timestamp, Url,
};
pub use serde_json::json;
pub use stepwell_macros::{Outcomes, config, connection, data, options, step, trigger};

//! Linear: hear of issues and comments, and create issues.

mod create_issue;
mod event_received;

pub use create_issue::{CreateIssue, CreateIssueOutcome, Priority, create_issue};
pub use event_received::{EventKind, EventReceived, EventReceivedOutcome, event_received};

use stepwell::prelude::*;

const API: &str = "https://api.linear.app";

/// Linear
#[connection(oauth2(
    authorize_url = "https://linear.app/oauth/authorize",
    token_url = "https://api.linear.app/oauth/token",
    scopes = ["read", "write"],
))]
pub struct Linear {
    /// Access token
    pub access_token: Secret,
}

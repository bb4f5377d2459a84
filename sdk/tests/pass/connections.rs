//! Every way in which a connection is used.

#![deny(warnings)]

use stepwell::prelude::*;

/// Lemlist
///
/// The key is under Settings, Integrations.
#[connection(bearer = api_key)]
pub struct Lemlist {
    /// API key
    pub api_key: Secret,
}

/// Jira
#[connection(basic(email, token), id = "jira-cloud", title = "Jira Cloud")]
pub struct Jira {
    /// Site
    pub site: Url,
    /// Email
    pub email: String,
    /// API token
    pub token: Secret,
}

/// Linear
#[connection(header("Authorization" = key))]
pub struct Linear {
    /// Key
    pub key: Secret,
}

/// GitHub
#[connection(oauth2(
    authorize_url = "https://github.com/login/oauth/authorize",
    token_url = "https://github.com/login/oauth/access_token",
    scopes = ["repo", "read:org"],
))]
pub struct GitHub {
    access_token: Secret,
}

/// A database
#[connection]
pub struct Database {
    /// Host
    pub host: String,
}

/// Look around
#[step(outcomes(done))]
async fn look(_config: NoConfig, cx: ExecuteContext<Jira>) -> Result<LookOutcome, StepError> {
    cx.http().get(cx.connection().site.as_str()).authorize(cx.connection()).send().await?;
    Ok(LookOutcome::Done)
}

fn main() {
    assert_eq!(<Jira as stepwell::connection::Connection>::ID.map(|id| id.ends_with("/jira-cloud")), Some(true));
}

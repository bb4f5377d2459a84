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

/// A relay
#[connection(app = "mail")]
pub struct Relay {
    /// Host
    pub host: String,
}

/// What was asked.
#[data]
struct Asked(String);

/// Ask
#[step(outcomes(answered), finish = receive, wake = remind, cancel = forget)]
async fn ask(_config: NoConfig, cx: ExecuteContext<Option<Jira>>) -> Result<Execution<AskOutcome, Asked>, StepError> {
    let site = cx.connection().as_ref().map_or("nowhere", |jira| jira.site.as_str());
    cx.http().get(site).authorize(cx.connection()).send().await?;
    Ok(Execution::defer(Asked(site.to_owned())))
}

async fn receive(
    _request: Request,
    _config: NoConfig,
    _cx: FinishContext<Asked, Option<Jira>>,
) -> Result<Finish<AskOutcome>, StepError> {
    Ok(AskOutcome::Answered.into())
}

async fn remind(_config: NoConfig, _cx: WakeContext<Asked, Option<Jira>>) -> Result<Wake<AskOutcome>, StepError> {
    Ok(AskOutcome::Answered.into())
}

async fn forget(_config: NoConfig, _cx: CancelContext<Asked, Option<Jira>>) -> Result<(), StepError> {
    Ok(())
}

/// Listen
#[trigger(outcomes(heard), activate = plug_in, deactivate = pull_out)]
async fn listen(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext<(), Option<Jira>>,
) -> Result<ListenOutcome, TriggerError> {
    Ok(ListenOutcome::Heard)
}

async fn plug_in(_config: NoConfig, _cx: ActivateContext<Option<Jira>>) -> Result<(), ActivationError> {
    Ok(())
}

async fn pull_out(_config: NoConfig, _cx: DeactivateContext<(), Option<Jira>>) -> Result<(), ActivationError> {
    Ok(())
}

/// The manifest of a block.
fn manifest(name: &str) -> stepwell::manifest::BlockManifest {
    let blocks = stepwell::block::registered();
    blocks.into_iter().find(|block| block.name == name).expect("it is registered").manifest()
}

fn main() {
    assert_eq!(<Relay as stepwell::connection::Connection>::ID, Some("mail/relay"));
    assert!(stepwell::connection::registered().iter().any(|connection| connection.id() == "mail/relay"));
    for (block, optional) in [("look", false), ("ask", true), ("listen", true)] {
        let manifest = manifest(block);
        assert!(manifest.connection.is_some_and(|id| id.ends_with("/jira-cloud")), "{block}");
        assert_eq!(manifest.connection_optional, optional, "{block}");
    }
    assert_eq!(<Jira as stepwell::connection::Connection>::ID.map(|id| id.ends_with("/jira-cloud")), Some(true));
}

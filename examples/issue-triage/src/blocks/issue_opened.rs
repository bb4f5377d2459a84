//! The trigger `issue-opened`: registers a webhook with the repository and accepts its signed deliveries.

use serde::Deserialize;
use serde_json::json;
use stepwell::prelude::*;

use crate::hex;

/// Which repository to watch.
#[config]
pub struct Repository {
    /// Address of the API
    #[field(placeholder = "https://api.github.com")]
    api_url: String,
    /// Repository
    ///
    /// Its owner and name, such as `octocat/hello-world`.
    #[field(placeholder = "owner/name")]
    repository: String,
}

/// The webhook that was registered with the provider.
#[data]
pub struct Webhook {
    /// What the provider knows it by.
    pub hook_id: u64,
    /// What the provider signs its deliveries with.
    pub secret: String,
}

/// Issue opened
///
/// Starts a run for each issue that is opened in the repository.
#[trigger(
    outcomes(
        /// Opened
        opened {
            /// Number
            number: u64,
            /// Title
            title: String,
            /// Text
            ///
            /// Empty if the author wrote none.
            body: String,
            /// Author
            author: String,
            /// Address of the issue
            url: String,
            /// Repository
            repository: String,
        },
    ),
    activate = add_webhook,
    deactivate = remove_webhook,
    handshake = answer_ping,
)]
pub async fn issue_opened(
    request: Request,
    _config: Repository,
    cx: TriggerContext<Webhook>,
) -> Result<Trigger<IssueOpenedOutcome, Dedupe>, TriggerError> {
    request.verify(&signature::github(&cx.registration().secret))?;
    if request.header(EVENT_HEADER)? != "issues" {
        return Ok(Trigger::NoOp);
    }
    let event: IssuesEvent = request.json()?;
    if event.action != "opened" {
        return Ok(Trigger::NoOp);
    }
    let delivery = request.header("X-GitHub-Delivery")?;
    let IssuesEvent { issue, repository, .. } = event;
    let opened = IssueOpenedOutcome::Opened {
        number: issue.number,
        title: issue.title,
        body: issue.body.unwrap_or_default(),
        author: issue.user.login,
        url: issue.html_url,
        repository: repository.full_name,
    };
    Ok(opened.dedupe(delivery))
}

/// Registers the callback URL. The provider never shows a secret again, so a webhook that an interrupted call
/// has left behind is given a new one.
pub async fn add_webhook(config: Repository, cx: ActivateContext) -> Result<Webhook, ActivationError> {
    let url = hooks_url(&config)?;
    let secret = new_secret()?;
    let body = json!({
        "name": "web",
        "active": true,
        "events": ["issues"],
        "config": { "url": cx.trigger_callback_url(), "content_type": "json", "secret": secret },
    });
    let hooks: Vec<Hook> = cx.http().get(&url).send().await?.error_for_status()?.json()?;
    let left_behind = hooks.into_iter().find(|hook| hook.config.url == cx.trigger_callback_url());
    let request = match left_behind {
        Some(hook) => cx.http().patch(format!("{url}/{}", hook.id)),
        None => cx.http().post(&url),
    };
    let hook: Hook = request.json(&body).send().await?.error_for_status()?.json()?;
    Ok(Webhook { hook_id: hook.id, secret })
}

/// Removes the webhook. One that is already gone counts as removed.
pub async fn remove_webhook(
    config: Repository,
    cx: DeactivateContext<Webhook>,
) -> Result<(), ActivationError> {
    let url = format!("{}/{}", hooks_url(&config)?, cx.registration().hook_id);
    let response = cx.http().delete(url).send().await?;
    if response.status != http::StatusCode::NOT_FOUND {
        response.error_for_status()?;
    }
    Ok(())
}

/// Answers the ping that the provider sends while the webhook is being registered. Anything else is to be
/// delivered again once the activation has completed.
pub async fn answer_ping(
    request: Request,
    _config: Repository,
    _cx: HandshakeContext,
) -> Result<Response, TriggerError> {
    if request.header(EVENT_HEADER)? == "ping" {
        return Ok(Response::text("pong"));
    }
    Ok(Response::new(http::StatusCode::SERVICE_UNAVAILABLE)
        .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("10")))
}

const EVENT_HEADER: &str = "X-GitHub-Event";

/// The parts of an `issues` event that the outcome needs.
#[derive(Deserialize)]
struct IssuesEvent {
    action: String,
    issue: Issue,
    repository: RepositoryName,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    title: String,
    body: Option<String>,
    html_url: String,
    user: User,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct RepositoryName {
    full_name: String,
}

/// A webhook as the provider's API shows it.
#[derive(Deserialize)]
struct Hook {
    id: u64,
    config: HookConfig,
}

#[derive(Deserialize)]
struct HookConfig {
    url: String,
}

fn hooks_url(config: &Repository) -> Result<String, ActivationError> {
    match config.repository.split_once('/') {
        Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok(format!("{}/repos/{owner}/{name}/hooks", config.api_url.trim_end_matches('/')))
        }
        _ => Err(ActivationError::new(format!(
            "`{}` is not a repository; write its owner and name, as in `octocat/hello-world`",
            config.repository
        ))),
    }
}

/// 256 random bits in hexadecimal.
fn new_secret() -> Result<String, ActivationError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(&bytes))
}

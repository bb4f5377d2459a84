//! Lemlist: find the email address of a person.

use stepwell::http_client::HttpClient;
use stepwell::prelude::*;

const API: &str = "https://api.lemlist.com/api";

/// Lemlist
///
/// The API key is under Settings, Integrations.
#[connection(basic(user, api_key))]
pub struct Lemlist {
    /// User
    ///
    /// Leave it empty.
    #[serde(default)]
    pub user: String,
    /// API key
    pub api_key: Secret,
}

/// Who to look for.
#[config]
pub struct FindEmail {
    /// First name
    pub first_name: String,
    /// Last name
    pub last_name: String,
    /// Company
    #[field(placeholder = "Analytical Engines Ltd")]
    pub company: Option<String>,
    /// Which campaign to credit
    #[field(options = campaigns, show_if = "company")]
    pub campaign_id: Option<String>,
}

/// What the provider knows our request by.
#[data]
pub struct Pending {
    webhook: String,
    request: String,
}

/// Something that the provider has made.
#[data]
struct Made {
    #[serde(rename = "_id")]
    id: String,
}

/// Find an email address
///
/// Asks the provider and waits for its answer.
#[step(
    outcomes(
        /// Address found
        found { email: EmailAddress },
        /// Nothing found
        not_found,
    ),
    finish = receive_answer,
    cancel = forget_request,
)]
pub async fn find_email(
    config: FindEmail,
    cx: ExecuteContext<Lemlist>,
) -> Result<Execution<FindEmailOutcome, Pending>, StepError> {
    let webhook = cx
        .once("webhook", async |key| {
            let request = cx.http().post(format!("{API}/hooks")).authorize(cx.connection());
            let body = json!({ "target_url": cx.finish_callback_url() });
            let response = request.header("Idempotency-Key", &key).json(&body).send().await?;
            response.error_for_status()?.json::<Made>()
        })
        .await?;
    let request = cx
        .once("request", async |key| {
            let request = cx.http().post(format!("{API}/enrich")).authorize(cx.connection());
            let response = request.header("Idempotency-Key", &key).json(&config).send().await?;
            response.error_for_status()?.json::<Made>()
        })
        .await?;
    let pending = Pending { webhook: webhook.id, request: request.id };
    Ok(Execution::defer(pending).waiting_for("the provider's answer"))
}

/// The provider's answer.
#[data]
struct Answer {
    #[serde(rename = "enrichmentId")]
    request: String,
    email: Option<EmailAddress>,
}

async fn receive_answer(
    request: Request,
    _config: FindEmail,
    cx: FinishContext<Pending, Lemlist>,
) -> Result<Finish<FindEmailOutcome>, StepError> {
    let answer: Answer = request.json()?;
    if answer.request != cx.state().request {
        return Ok(Finish::NoOp);
    }
    remove_webhook(cx.http(), cx.connection(), cx.state()).await?;
    Ok(match answer.email {
        Some(email) => FindEmailOutcome::Found { email }.into(),
        None => FindEmailOutcome::NotFound.into(),
    })
}

async fn forget_request(_config: FindEmail, cx: CancelContext<Pending, Lemlist>) -> Result<(), StepError> {
    remove_webhook(cx.http(), cx.connection(), cx.state()).await
}

async fn remove_webhook(http: HttpClient, lemlist: &Lemlist, pending: &Pending) -> Result<(), StepError> {
    let request = http.delete(format!("{API}/hooks/{}", pending.webhook)).authorize(lemlist);
    request.send().await?.error_for_status()?;
    Ok(())
}

#[options]
async fn campaigns(query: OptionsQuery, cx: OptionsContext<Lemlist>) -> Result<Vec<Choice>, StepError> {
    #[data]
    struct Campaign {
        #[serde(rename = "_id")]
        id: String,
        name: String,
    }
    let request = cx.http().get(format!("{API}/campaigns")).authorize(cx.connection());
    let campaigns: Vec<Campaign> = request.send().await?.error_for_status()?.json()?;
    let wanted = campaigns.into_iter().filter(|campaign| campaign.name.contains(&query.text));
    Ok(wanted.map(|campaign| Choice::new(campaign.id, campaign.name)).collect())
}

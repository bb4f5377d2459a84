//! A step whose options depend on each other.

use stepwell::http_client::RequestBuilder;
use stepwell::prelude::*;

use super::{API, Linear};

/// What the issue says.
#[config]
pub struct CreateIssue {
    /// Team
    #[field(options = teams, variables = "never")]
    pub team_id: String,
    /// Project
    ///
    /// One of the team's.
    #[field(options = projects, depends_on("team_id"))]
    pub project_id: Option<String>,
    /// Title
    pub title: String,
    /// Description
    #[field(multiline)]
    pub description: Option<RichText>,
    /// Priority
    #[field(group = "Planning")]
    pub priority: Option<Priority>,
    /// Due
    #[field(group = "Planning", show_if = "priority")]
    pub due: Option<Date>,
}

/// How urgent an issue is.
#[data]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// At once
    Urgent,
    /// Soon
    High,
    /// Some day
    Low,
}

/// Create an issue
#[step(outcomes(
    /// Created
    created { id: String, url: Url },
))]
pub async fn create_issue(
    config: CreateIssue,
    cx: ExecuteContext<Linear>,
) -> Result<CreateIssueOutcome, StepError> {
    #[data]
    struct Created {
        id: String,
        url: Url,
    }
    let request = cx.http().post(format!("{API}/issues")).authorize(cx.connection());
    let response = request.header("Idempotency-Key", cx.unique_execution_id()).json(&config).send().await?;
    let Created { id, url } = response.error_for_status()?.json()?;
    Ok(CreateIssueOutcome::Created { id, url })
}

/// A team or a project.
#[data]
struct Named {
    id: String,
    name: String,
}

#[options]
async fn teams(_query: OptionsQuery, cx: OptionsContext<Linear>) -> Result<Vec<Choice>, StepError> {
    choices(cx.http().get(format!("{API}/teams")).authorize(cx.connection())).await
}

#[options]
async fn projects(query: OptionsQuery, cx: OptionsContext<Linear>) -> Result<Vec<Choice>, StepError> {
    let Some(team) = query.field::<String>("team_id")? else { return Ok(Vec::new()) };
    choices(cx.http().get(format!("{API}/teams/{team}/projects")).authorize(cx.connection())).await
}

async fn choices(request: RequestBuilder) -> Result<Vec<Choice>, StepError> {
    let named: Vec<Named> = request.send().await?.error_for_status()?.json()?;
    Ok(named.into_iter().map(|one| Choice::new(one.id, one.name)).collect())
}

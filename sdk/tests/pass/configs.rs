//! Every form of what a config can say.

use std::collections::BTreeMap;

use stepwell::prelude::*;

#[config]
struct Everything {
    /// Kind
    #[field(options = [("issue", "Issue"), "pull_request"], default = "issue")]
    kind: String,
    #[field(options = [1, (-2, "Minus two")])]
    level: i8,
    #[field(options = ["a", "b"])]
    several: Option<Vec<String>>,
    #[field(label = "Workspace", help = "Where the campaigns are.", group = "Campaign")]
    workspace: Option<String>,
    #[field(options = campaigns, depends_on("workspace", kind))]
    campaign: String,
    #[field(options = self::nested::teams, depends_on = ["workspace"], show_if = "workspace")]
    team: Option<String>,
    #[field(show_if(kind = "issue" | "pull_request", workspace, level = 1 | -2), default = 7)]
    number: u32,
    #[field(variables = "never", widget = "color_picker", multiline, placeholder = "x")]
    color: String,
    cases: Vec<Case>,
    by_name: BTreeMap<String, Limits>,
    parts: Option<Box<Limits>>,
    children: Vec<Everything>,
}

#[config]
struct Case {
    name: String,
    #[field(show_if(name = "other"))]
    note: Option<String>,
}

#[data]
struct Limits {
    lowest: u8,
}

#[options]
async fn campaigns(query: OptionsQuery, _cx: OptionsContext) -> Result<Vec<Choice>, StepError> {
    let workspace: Option<String> = query.field("workspace")?;
    Ok(workspace.into_iter().map(|name| Choice::new(7, name).with_help(&query.text)).collect())
}

mod nested {
    use stepwell::prelude::*;

    #[connection(bearer = key)]
    pub struct Service {
        key: Secret<String>,
    }

    #[options]
    pub async fn teams(_: OptionsQuery, cx: OptionsContext<Service>) -> Result<Vec<Choice>, StepError> {
        let _ = (cx.now(), cx.http(), cx.connection());
        Ok(Vec::new())
    }
}

#[step(outcomes(
    /// Opened
    #[outcome(when(kind = "issue", workspace))]
    opened { number: u32 },
    #[outcome(each = "cases")]
    case(Named),
    #[outcome(when(kind = "pull_request"), each = "by_name")]
    limited(Named<Limits>),
    otherwise,
))]
async fn watch(config: Everything, _cx: ExecuteContext) -> Result<WatchOutcome, StepError> {
    match config.cases.first() {
        Some(case) => Ok(WatchOutcome::Case(Named::new(&case.name))),
        None => Ok(WatchOutcome::Limited(Named::new("x").with(Limits { lowest: 1 }))),
    }
}

#[derive(Outcomes)]
enum Shared {
    #[outcome(id = "was_opened", when(kind = "issue"))]
    Opened,
    #[outcome(each = "cases")]
    Case(Named<Limits>),
}

#[step]
async fn share(_config: Everything, _cx: ExecuteContext) -> Result<Shared, StepError> {
    Ok(Shared::Opened)
}

fn main() {
    let _ = Shared::Case(Named::new("x").with(Limits { lowest: 1 }));
}

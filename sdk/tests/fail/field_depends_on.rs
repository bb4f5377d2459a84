use stepwell::prelude::*;

#[options]
async fn campaigns(_query: OptionsQuery, _cx: OptionsContext) -> Result<Vec<Choice>, StepError> {
    Ok(Vec::new())
}

#[config]
struct Find {
    workspace: String,
    #[field(options = campaigns, depends_on("wrokspace", "campaign"))]
    campaign: String,
    #[field(options = campaigns, depends_on = ["workspace", "workspace"])]
    twice: String,
    #[field(options = campaigns, depends_on())]
    nothing: String,
    #[field(options = campaigns, depends_on = workspace)]
    bare: String,
    #[field(depends_on("workspace"))]
    without_options: String,
}

fn main() {}

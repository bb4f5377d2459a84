use stepwell::prelude::*;

#[data]
struct Repository {
    name: String,
}

#[trigger(outcomes(opened))]
async fn issue(_request: Request, _config: Repository, _cx: TriggerContext) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

fn main() {}

use stepwell::prelude::*;

#[trigger(outcomes(opened))]
async fn issue(_config: NoConfig, _request: Request, _cx: TriggerContext) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

fn main() {}

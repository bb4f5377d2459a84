use stepwell::prelude::*;

#[trigger(outcomes(opened))]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext) -> Result<IssueOutcome, StepError> {
    Ok(IssueOutcome::Opened)
}

fn main() {}

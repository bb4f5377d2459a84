use stepwell::prelude::*;

#[trigger(outcomes(opened))]
async fn issue(_request: Request, _config: NoConfig, _cx: ExecuteContext) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

fn main() {}

use stepwell::prelude::*;

#[trigger(outcomes(opened), concurrency = 2)]
async fn issue_opened(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<IssueOpenedOutcome, TriggerError> {
    Ok(IssueOpenedOutcome::Opened)
}

fn main() {}

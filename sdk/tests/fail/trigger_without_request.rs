use stepwell::prelude::*;

#[trigger(outcomes(opened))]
async fn issue(_request: String, _config: NoConfig, _cx: TriggerContext) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

fn main() {}

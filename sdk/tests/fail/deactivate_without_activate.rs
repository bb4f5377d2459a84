use stepwell::prelude::*;

#[trigger(outcomes(opened), deactivate = remove)]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext<String>) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

async fn remove(_config: NoConfig, _cx: DeactivateContext<String>) -> Result<(), ActivationError> {
    Ok(())
}

fn main() {}

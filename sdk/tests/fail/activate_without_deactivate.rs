use stepwell::prelude::*;

#[trigger(outcomes(opened), activate = add)]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext<String>) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<String, ActivationError> {
    Ok(String::new())
}

fn main() {}

use stepwell::prelude::*;

struct Webhook(String);

#[trigger(outcomes(opened), activate = add, deactivate = remove)]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext<Webhook>) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<Webhook, ActivationError> {
    Ok(Webhook(String::new()))
}

async fn remove(_config: NoConfig, _cx: DeactivateContext<Webhook>) -> Result<(), ActivationError> {
    Ok(())
}

fn main() {}

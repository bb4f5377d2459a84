use stepwell::prelude::*;

#[connection(bearer = token)]
struct Provider {
    token: Secret,
}

#[trigger(outcomes(opened), activate = add, deactivate = remove)]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext<u64, Provider>) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<u64, ActivationError> {
    Ok(1)
}

async fn remove(_config: NoConfig, _cx: DeactivateContext<u64, Provider>) -> Result<(), ActivationError> {
    Ok(())
}

fn main() {}

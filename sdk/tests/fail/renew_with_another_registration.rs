use stepwell::prelude::*;

#[trigger(outcomes(opened), activate = add, deactivate = remove, renew = extend)]
async fn issue_opened(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext<u64>,
) -> Result<IssueOpenedOutcome, TriggerError> {
    Ok(IssueOpenedOutcome::Opened)
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<Activated<u64>, ActivationError> {
    Ok(Activated::new(1))
}

async fn extend(_config: NoConfig, _cx: RenewContext<u64>) -> Result<Activated<String>, ActivationError> {
    Ok(Activated::new(String::new()))
}

async fn remove(_config: NoConfig, _cx: DeactivateContext<u64>) -> Result<(), ActivationError> {
    Ok(())
}

fn main() {}

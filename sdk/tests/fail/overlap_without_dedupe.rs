use stepwell::prelude::*;

#[trigger(outcomes(opened), activate = add, deactivate = remove, switch = overlap)]
async fn issue_opened(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<Trigger<IssueOpenedOutcome>, TriggerError> {
    Ok(IssueOpenedOutcome::Opened.into())
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<(), ActivationError> {
    Ok(())
}

async fn remove(_config: NoConfig, _cx: DeactivateContext) -> Result<(), ActivationError> {
    Ok(())
}

fn main() {}

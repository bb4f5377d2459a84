use stepwell::prelude::*;

#[trigger(outcomes(opened), activate = add, deactivate = remove, tick = poll, switch = overlap)]
async fn issue_opened(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<Trigger<IssueOpenedOutcome, Dedupe>, TriggerError> {
    Ok(Trigger::NoOp)
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<(), ActivationError> {
    Ok(())
}

async fn poll(_config: NoConfig, _cx: TickContext) -> Result<Tick<IssueOpenedOutcome>, TriggerError> {
    Ok(Tick::outcome(IssueOpenedOutcome::Opened))
}

async fn remove(_config: NoConfig, _cx: DeactivateContext) -> Result<(), ActivationError> {
    Ok(())
}

fn main() {}

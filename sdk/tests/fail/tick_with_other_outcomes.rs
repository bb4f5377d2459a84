use stepwell::prelude::*;

#[trigger(outcomes(opened), activate = add, deactivate = remove, tick = poll)]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext<u64>) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<u64, ActivationError> {
    Ok(1)
}

async fn remove(_config: NoConfig, _cx: DeactivateContext<u64>) -> Result<(), ActivationError> {
    Ok(())
}

#[derive(Outcomes)]
enum Other {
    Done,
}

async fn poll(_config: NoConfig, _cx: TickContext<u64>) -> Result<Tick<Other>, TriggerError> {
    Ok(Tick::outcome(Other::Done))
}

fn main() {}

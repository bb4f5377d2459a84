use stepwell::prelude::*;

#[trigger(outcomes(opened), activate = add, deactivate = remove, handshake = greet)]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext<u64>) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<u64, ActivationError> {
    Ok(1)
}

async fn remove(_config: NoConfig, _cx: DeactivateContext<u64>) -> Result<(), ActivationError> {
    Ok(())
}

fn greet(_request: Request, _config: NoConfig, _cx: HandshakeContext) -> Result<Response, TriggerError> {
    Ok(Response::text("hello"))
}

fn main() {}

use stepwell::prelude::*;

#[config]
struct Other {}

#[trigger(outcomes(opened), handshake = greet)]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

async fn greet(_request: Request, _config: Other, _cx: HandshakeContext) -> Result<Response, TriggerError> {
    Err(TriggerError::failed("nobody to greet"))
}

fn main() {}

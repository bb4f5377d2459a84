use stepwell::prelude::*;

/// What the tokens show is reported together; the handlers' types are looked at once they are right.
#[trigger(outcomes(opened, opened), activate = add, renw = extend, switch = overlapping, id = "Issue Opened")]
async fn issue(_config: NoConfig, _request: Request, _cx: TriggerContext<u64>) -> IssueOutcome {
    IssueOutcome::Opened
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<u64, ActivationError> {
    Ok(1)
}

fn main() {}

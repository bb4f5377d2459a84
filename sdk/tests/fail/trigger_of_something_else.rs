use stepwell::prelude::*;

#[trigger(outcomes(opened))]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext) -> Result<Execution<IssueOutcome>, TriggerError> {
    Ok(Execution::Exit)
}

fn main() {}

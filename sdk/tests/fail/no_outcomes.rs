use stepwell::prelude::*;

#[step(outcomes())]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Err(StepError::permanent("no way to end"))
}

fn main() {}

use stepwell::prelude::*;

#[step(outcomes(done), concurrency = 0)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Done)
}

fn main() {}

use stepwell::prelude::*;

#[step(outcomes(done), concurrency = 10_001)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Done)
}

fn main() {}

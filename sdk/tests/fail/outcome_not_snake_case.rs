use stepwell::prelude::*;

#[step(outcomes(found, NotFound))]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::NotFound)
}

fn main() {}

use stepwell::prelude::*;

#[step(outcomes(found(String, String), not_found))]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::NotFound)
}

fn main() {}

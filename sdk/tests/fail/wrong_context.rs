use stepwell::prelude::*;

#[step(outcomes(found))]
async fn find(_config: NoConfig, _cx: ActivateContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found)
}

fn main() {}

use stepwell::prelude::*;

#[step(outcomes(found))]
async fn find(_cx: ExecuteContext, _config: NoConfig) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found)
}

fn main() {}

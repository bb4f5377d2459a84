use stepwell::prelude::*;

#[step(outcomes(found))]
async fn find(_request: Request, _config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found)
}

fn main() {}

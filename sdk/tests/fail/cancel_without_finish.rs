use stepwell::prelude::*;

#[step(outcomes(found), cancel = forget)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found)
}

async fn forget(_config: NoConfig, _cx: CancelContext<()>) -> Result<(), StepError> {
    Ok(())
}

fn main() {}

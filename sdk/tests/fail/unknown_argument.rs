use stepwell::prelude::*;

#[step(outcomes(found), finsh = receive)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found)
}

fn main() {}

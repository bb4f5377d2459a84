use stepwell::prelude::*;

#[step(outcomes(found))]
async fn find_email(_config: NoConfig, _cx: ExecuteContext) -> Result<FindEmailOutcome, StepError> {
    Ok(FindEmailOutcome::Found)
}

#[step(outcomes(found), id = "find-email")]
async fn find_address(_config: NoConfig, _cx: ExecuteContext) -> Result<FindAddressOutcome, StepError> {
    Ok(FindAddressOutcome::Found)
}

fn main() {}

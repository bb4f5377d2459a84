use stepwell::prelude::*;

#[step(outcomes(done), if_interrupted = fails, time_limit = 10, deprecated(old), replaced_by = "Find Person")]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Done)
}

fn main() {}

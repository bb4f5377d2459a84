use stepwell::prelude::*;

#[step(outcomes(found))]
async fn find<T>(_config: NoConfig, _cx: ExecuteContext<T>) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found)
}

fn main() {}

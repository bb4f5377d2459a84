use stepwell::prelude::*;

#[step(outcomes(done), wake = wake_up)]
async fn sleep(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<SleepOutcome, u32>, StepError> {
    Ok(Execution::defer(1))
}

async fn wake_up(_config: NoConfig, _cx: WakeContext<u32>) -> Result<Finish<SleepOutcome>, StepError> {
    Ok(Finish::NoOp)
}

fn main() {}

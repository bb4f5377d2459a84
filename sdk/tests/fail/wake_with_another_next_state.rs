use stepwell::prelude::*;

#[data]
struct Pending(String);

#[step(outcomes(done), wake = wake_up)]
async fn sleep(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<SleepOutcome, Pending>, StepError> {
    Ok(SleepOutcome::Done.into())
}

async fn wake_up(_config: NoConfig, _cx: WakeContext<Pending>) -> Result<Wake<SleepOutcome, u64>, StepError> {
    Ok(Wake::no_op().with_state(1))
}

fn main() {}

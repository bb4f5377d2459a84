use stepwell::prelude::*;

#[data]
struct Nap {
    rounds: u32,
}

#[step(outcomes(done), wake = wake_up)]
async fn sleep(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<SleepOutcome, Nap>, StepError> {
    Ok(Execution::defer(Nap { rounds: 1 }))
}

async fn wake_up(_config: NoConfig, _cx: WakeContext<String>) -> Result<Wake<SleepOutcome>, StepError> {
    Ok(Wake::no_op())
}

fn main() {}

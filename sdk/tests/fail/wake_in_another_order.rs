use stepwell::prelude::*;

#[data]
struct Pending(String);

#[step(outcomes(found), wake = wake_up)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

async fn wake_up(_cx: WakeContext<Pending>, _config: NoConfig) -> Result<Wake<FindOutcome>, StepError> {
    Ok(Wake::no_op())
}

fn main() {}

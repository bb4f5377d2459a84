use stepwell::prelude::*;

#[data]
struct Pending;

#[step(outcomes(found), finish = Pending)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

fn main() {}

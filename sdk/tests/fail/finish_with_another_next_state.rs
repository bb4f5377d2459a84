use stepwell::prelude::*;

#[data]
struct Pending(String);

#[step(outcomes(found), finish = receive)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

async fn receive(_request: Request, _config: NoConfig, _cx: FinishContext<Pending>) -> Result<Finish<FindOutcome, u64>, StepError> {
    Ok(Finish::NextState(1))
}

fn main() {}

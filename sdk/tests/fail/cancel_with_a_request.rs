use stepwell::prelude::*;

#[data]
struct Pending(String);

#[step(outcomes(found), finish = receive, cancel = forget)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

async fn receive(_request: Request, _config: NoConfig, _cx: FinishContext<Pending>) -> Result<Finish<FindOutcome>, StepError> {
    Ok(Finish::NoOp)
}

async fn forget(_request: Request, _config: NoConfig, _cx: CancelContext<Pending>) -> Result<(), StepError> {
    Ok(())
}

fn main() {}

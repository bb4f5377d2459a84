use stepwell::prelude::*;

#[data]
struct Pending(String);

/// Each wrong handler is reported, each once.
#[step(outcomes(found), finish = receive, wake = wake_up, cancel = forget)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

async fn receive(_config: NoConfig, _request: Request, _cx: FinishContext<Pending>) -> Result<Finish<FindOutcome>, StepError> {
    Ok(Finish::NoOp)
}

fn wake_up(_config: NoConfig, _cx: WakeContext<Pending>) -> Result<Wake<FindOutcome>, StepError> {
    Ok(Wake::no_op())
}

async fn forget(_config: NoConfig, _cx: CancelContext<u64>) -> Result<(), StepError> {
    Ok(())
}

fn main() {}

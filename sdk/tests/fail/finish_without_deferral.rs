use stepwell::prelude::*;

#[data]
struct Pending {
    request: String,
}

#[step(outcomes(found), finish = receive)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found)
}

async fn receive(
    _request: Request,
    _config: NoConfig,
    _cx: FinishContext<Pending>,
) -> Result<Finish<FindOutcome>, StepError> {
    Ok(Finish::NoOp)
}

fn main() {}

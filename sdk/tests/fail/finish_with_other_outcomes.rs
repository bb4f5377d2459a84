use stepwell::prelude::*;

#[data]
struct Pending(String);

#[derive(Outcomes)]
enum Other {
    Done,
}

#[step(outcomes(found), finish = receive)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

async fn receive(_request: Request, _config: NoConfig, _cx: FinishContext<Pending>) -> Result<Finish<Other>, StepError> {
    Ok(Other::Done.into())
}

fn main() {}

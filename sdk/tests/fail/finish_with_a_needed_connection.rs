use stepwell::prelude::*;

#[data]
struct Pending(String);

#[connection(bearer = token)]
struct Provider {
    token: Secret,
}

#[step(outcomes(found), finish = receive)]
async fn find(_config: NoConfig, _cx: ExecuteContext<Option<Provider>>) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

async fn receive(_request: Request, _config: NoConfig, _cx: FinishContext<Pending, Provider>) -> Result<Finish<FindOutcome>, StepError> {
    Ok(Finish::NoOp)
}

fn main() {}

use stepwell::prelude::*;

use stepwell::connection::Connection;

#[data]
struct Pending(String);

struct Provider;

impl Connection for Provider {
    const ID: Option<&'static str> = Some("provider");

    fn from_credentials(_: stepwell::__private::serde_json::Value) -> Result<Self, stepwell::__private::serde_json::Error> {
        Ok(Self)
    }
}

#[step(outcomes(found), finish = receive)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

async fn receive(_request: Request, _config: NoConfig, _cx: FinishContext<Pending, Provider>) -> Result<Finish<FindOutcome>, StepError> {
    Ok(Finish::NoOp)
}

fn main() {}

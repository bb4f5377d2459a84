use std::rc::Rc;

use stepwell::prelude::*;

#[data]
struct Pending(String);

#[step(outcomes(found), finish = receive)]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(FindOutcome::Found.into())
}

async fn receive(_request: Request, _config: NoConfig, cx: FinishContext<Pending>) -> Result<Finish<FindOutcome>, StepError> {
    let name = Rc::new("request");
    let _: String = cx.once(&name, |key| async move { Ok::<_, StepError>(key) }).await?;
    Ok(Finish::NoOp)
}

fn main() {}

use stepwell::prelude::*;

use std::rc::Rc;

#[step(outcomes(found))]
async fn find(_config: NoConfig, cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    let name = Rc::new("request");
    let _: String = cx.once(&name, |key| async move { Ok::<_, StepError>(key) }).await?;
    Ok(FindOutcome::Found)
}

fn main() {}

use stepwell::prelude::*;

struct Lemlist;

#[step(outcomes(done))]
async fn find(_config: NoConfig, _cx: ExecuteContext<Option<Lemlist>>) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Done)
}

fn main() {}

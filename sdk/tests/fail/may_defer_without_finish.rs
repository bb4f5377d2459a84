use stepwell::prelude::*;

#[data]
struct Pending {
    request: String,
}

#[step(outcomes(found))]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<FindOutcome, Pending>, StepError> {
    Ok(Execution::defer(Pending { request: String::new() }))
}

fn main() {}

use stepwell::prelude::*;

struct Settings {
    name: String,
}

#[step(outcomes(found))]
async fn find(_config: Settings, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found)
}

fn main() {}

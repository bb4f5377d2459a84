use stepwell::prelude::*;

#[step(outcomes(found, not_found, found { email: String }))]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::NotFound)
}

fn main() {}

use stepwell::prelude::*;

#[step(outcomes(found))]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, String> {
    Ok(FindOutcome::Found)
}

fn main() {}

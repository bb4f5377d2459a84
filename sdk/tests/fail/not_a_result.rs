use stepwell::prelude::*;

#[step(outcomes(found))]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> FindOutcome {
    FindOutcome::Found
}

fn main() {}

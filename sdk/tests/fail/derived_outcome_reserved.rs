use stepwell::prelude::*;

#[derive(Outcomes)]
enum Shared {
    Done,
    Error,
}

#[step]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<Shared, StepError> {
    Ok(Shared::Done)
}

fn main() {}

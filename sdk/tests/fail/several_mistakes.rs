use stepwell::prelude::*;

/// Several mistakes of one block are reported together, and nothing that follows from them.
#[step(
    outcomes(found { email: String }, NotFound, error),
    cancel = forget,
    titel = "Find",
    id = "Find",
)]
fn find<T>(_config: NoConfig) -> FindOutcome {
    FindOutcome::Found { email: String::new() }
}

async fn forget(_config: NoConfig, _cx: CancelContext<()>) -> Result<(), StepError> {
    let _: Finish<FindOutcome> = FindOutcome::NotFound.into();
    Ok(())
}

fn main() {}

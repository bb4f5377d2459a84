use stepwell::prelude::*;

struct Email(String);

#[step(outcomes(found { email: Email }))]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    Ok(FindOutcome::Found { email: Email(String::new()) })
}

fn main() {}

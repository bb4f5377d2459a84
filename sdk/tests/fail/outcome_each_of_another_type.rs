use stepwell::prelude::*;

#[config]
struct Watch {
    cases: Vec<String>,
}

#[step(outcomes(
    #[outcome(each = "cases")]
    case(String),
))]
async fn watch(_config: Watch, _cx: ExecuteContext) -> Result<WatchOutcome, StepError> {
    Ok(WatchOutcome::Case("x".to_owned()))
}

fn main() {}

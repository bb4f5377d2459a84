use stepwell::prelude::*;

#[config]
struct Watch {
    kind: String,
}

#[step(outcomes(
    #[outcome(when(knid = "issue"))]
    opened,
    #[outcome(each = "cases")]
    case(Named),
))]
async fn watch(_config: Watch, _cx: ExecuteContext) -> Result<WatchOutcome, StepError> {
    Ok(WatchOutcome::Opened)
}

fn main() {}

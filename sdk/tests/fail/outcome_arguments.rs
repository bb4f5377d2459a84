use stepwell::prelude::*;

#[config]
struct Watch {
    kind: String,
    cases: Vec<String>,
}

#[step(outcomes(
    #[outcome(wehn(kind = "issue"))]
    near_miss,
    #[outcome(when = "kind")]
    not_conditions,
    #[outcome(when(kind = issue))]
    not_a_value,
    #[outcome(each = "cases")]
    without_name,
    #[outcome(each = "cases")]
    with_fields { name: String },
    without_each(Named<String>),
    #[outcome(each = cases)]
    without_quotes(Named),
))]
async fn watch(_config: Watch, _cx: ExecuteContext) -> Result<WatchOutcome, StepError> {
    Ok(WatchOutcome::NearMiss)
}

#[derive(Debug, Outcomes)]
enum Derived {
    #[outcome(whn(kind = "issue"))]
    Opened,
    #[outcome(each = "cases")]
    Case { name: String },
}

fn main() {}

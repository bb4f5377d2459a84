use stepwell::prelude::*;

struct Company {
    name: String,
}

#[config]
struct Find {
    company: Company,
    others: Option<Vec<Company>>,
}

#[step(outcomes(found))]
async fn find(config: Find, _cx: ExecuteContext) -> Result<FindOutcome, StepError> {
    drop(config.company.name);
    Ok(FindOutcome::Found)
}

fn main() {}

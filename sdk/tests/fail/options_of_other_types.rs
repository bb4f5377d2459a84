use stepwell::prelude::*;

#[options]
async fn query(_query: String, _cx: OptionsContext) -> Result<Vec<Choice>, StepError> {
    Ok(Vec::new())
}

#[options]
async fn context(_query: OptionsQuery, _cx: ExecuteContext) -> Result<Vec<Choice>, StepError> {
    Ok(Vec::new())
}

#[options]
async fn choices(_query: OptionsQuery, _cx: OptionsContext) -> Result<Vec<String>, StepError> {
    Ok(Vec::new())
}

fn main() {}

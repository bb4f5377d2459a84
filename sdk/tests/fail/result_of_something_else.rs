use stepwell::prelude::*;

#[step]
async fn find(_config: NoConfig, _cx: ExecuteContext) -> Result<String, StepError> {
    Ok(String::new())
}

fn main() {}

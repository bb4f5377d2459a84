use stepwell::prelude::*;

struct Finder;

impl Finder {
    #[step]
    async fn find(&self, _config: NoConfig, _cx: ExecuteContext) -> Result<(), StepError> {
        Ok(())
    }
}

fn main() {}

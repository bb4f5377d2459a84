//! Handlers may be in another module, and destructure what they take.

use stepwell::prelude::*;

mod handlers {
    use stepwell::prelude::*;

    #[data]
    pub struct Pending(pub String);

    pub async fn finish(
        _: Request,
        NoConfig {}: NoConfig,
        _: FinishContext<Pending>,
    ) -> Result<Finish<super::AskOutcome>, StepError> {
        Ok(Finish::NoOp)
    }
}

#[step(outcomes(answered), finish = handlers::finish)]
async fn ask(NoConfig {}: NoConfig, _: ExecuteContext) -> Result<Execution<AskOutcome, handlers::Pending>, StepError> {
    Ok(Execution::defer(handlers::Pending("request".to_owned())))
}

fn main() {}

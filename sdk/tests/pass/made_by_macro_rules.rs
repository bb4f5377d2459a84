//! Blocks that a `macro_rules!` makes, their names and handlers given to it.

#![deny(warnings)]

use stepwell::prelude::*;

macro_rules! blocks {
    ($step:ident, $outcome:ident, $state:ty, $finish:ident, $trigger:ident, $event:ident, $activate:ident, $id:literal) => {
        /// Ask
        #[step(outcomes(answered { text: String }), finish = $finish, id = $id)]
        async fn $step(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<$outcome, $state>, StepError> {
            Ok(Execution::defer(Default::default()))
        }

        async fn $finish(
            request: Request,
            _config: NoConfig,
            _cx: FinishContext<$state>,
        ) -> Result<Finish<$outcome>, StepError> {
            Ok($outcome::Answered { text: request.text()?.to_owned() }.into())
        }

        /// Event
        #[trigger(outcomes(came), activate = $activate, deactivate = deactivate)]
        async fn $trigger(_request: Request, _config: NoConfig, _cx: TriggerContext) -> Result<$event, TriggerError> {
            Ok($event::Came)
        }

        async fn $activate(_config: NoConfig, _cx: ActivateContext) -> Result<(), ActivationError> {
            Ok(())
        }
    };
}

async fn deactivate(_config: NoConfig, _cx: DeactivateContext) -> Result<(), ActivationError> {
    Ok(())
}

blocks!(ask, AskOutcome, String, answer, knock, KnockOutcome, listen, "ask-anybody");

fn main() {
    let _ = (ask, knock);
}

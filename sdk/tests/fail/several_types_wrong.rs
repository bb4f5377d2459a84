use stepwell::prelude::*;

struct Settings;

struct Pending(String);

/// What only the types show is reported together, too.
#[step(outcomes(found), finish = receive)]
async fn find(_config: Settings, _cx: TriggerContext) -> Result<Execution<FindOutcome, Pending>, String> {
    Ok(FindOutcome::Found.into())
}

async fn receive(_request: Request, _config: Settings, _cx: FinishContext<Pending>) -> Result<(), StepError> {
    Ok(())
}

fn main() {}

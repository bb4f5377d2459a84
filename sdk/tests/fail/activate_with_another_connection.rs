use stepwell::prelude::*;

use stepwell::connection::Connection;

struct Provider;

impl Connection for Provider {
    const ID: Option<&'static str> = Some("provider");

    fn from_credentials(_: stepwell::__private::serde_json::Value) -> Result<Self, stepwell::__private::serde_json::Error> {
        Ok(Self)
    }
}

#[trigger(outcomes(opened), activate = add, deactivate = remove)]
async fn issue(_request: Request, _config: NoConfig, _cx: TriggerContext<u64, Provider>) -> Result<IssueOutcome, TriggerError> {
    Ok(IssueOutcome::Opened)
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<u64, ActivationError> {
    Ok(1)
}

async fn remove(_config: NoConfig, _cx: DeactivateContext<u64, Provider>) -> Result<(), ActivationError> {
    Ok(())
}

fn main() {}

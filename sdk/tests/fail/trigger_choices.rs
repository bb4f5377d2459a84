use stepwell::prelude::*;

#[trigger(outcomes(opened), renew = extend, tick = poll, switch = overlapping, time_limit = "10")]
async fn issue_opened(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<IssueOpenedOutcome, TriggerError> {
    Ok(IssueOpenedOutcome::Opened)
}

#[trigger(outcomes(closed), missed_ticks = all, switch = overlpa, time_limit = "48h")]
async fn issue_closed(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<IssueClosedOutcome, TriggerError> {
    Ok(IssueClosedOutcome::Closed)
}

fn main() {}

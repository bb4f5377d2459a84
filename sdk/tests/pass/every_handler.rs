//! A trigger and a step with every handler and every argument.

#![deny(warnings)]

use std::time::Duration;

use stepwell::prelude::*;

#[data]
struct Webhook {
    id: u64,
}

/// Issue opened
#[trigger(
    outcomes(opened { number: u64 }),
    activate = add,
    deactivate = remove,
    handshake = greet,
    renew = extend,
    tick = poll,
    switch = overlap,
    missed_ticks = skip,
    time_limit = "500ms",
    deprecated = "use the other",
    replaced_by = "issue-changed",
)]
async fn issue_opened(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext<Webhook>,
) -> Result<Trigger<IssueOpenedOutcome, Dedupe>, TriggerError> {
    Ok(IssueOpenedOutcome::Opened { number: 1 }.dedupe("1"))
}

async fn add(_config: NoConfig, _cx: ActivateContext) -> Result<Activated<Webhook>, ActivationError> {
    Ok(Activated::new(Webhook { id: 1 }).expires_in(Duration::from_hours(1)).tick_in(Duration::from_mins(1)))
}

async fn greet(request: Request, _config: NoConfig, _cx: HandshakeContext) -> Result<Response, TriggerError> {
    Ok(Response::text(request.query()))
}

async fn extend(_config: NoConfig, cx: RenewContext<Webhook>) -> Result<Webhook, ActivationError> {
    Ok(cx.registration().clone())
}

async fn poll(
    _config: NoConfig,
    cx: TickContext<Webhook>,
) -> Result<Tick<IssueOpenedOutcome, Dedupe>, TriggerError> {
    let tick = Tick::outcome(IssueOpenedOutcome::Opened { number: cx.registration().id });
    Ok(tick.dedupe(cx.time().to_string()).next_at(cx.following()))
}

async fn remove(_config: NoConfig, _cx: DeactivateContext<Webhook>) -> Result<(), ActivationError> {
    Ok(())
}

/// Ask somebody
#[step(
    outcomes(answered),
    finish = answer,
    wake = remind,
    cancel = forget,
    time_limit = "10m",
    concurrency = 4,
    if_interrupted = fail,
    deprecated = "nobody asks any more",
)]
async fn ask(_config: NoConfig, cx: ExecuteContext) -> Result<Execution<AskOutcome, u32>, StepError> {
    Ok(Execution::defer(0).wake_at(cx.now()).waiting_for("somebody").link(cx.run_url()))
}

async fn answer(
    _request: Request,
    _config: NoConfig,
    cx: FinishContext<u32>,
) -> Result<Finish<AskOutcome, u32>, StepError> {
    Ok(if *cx.state() == 0 { Finish::NextState(1) } else { AskOutcome::Answered.into() })
}

async fn remind(_config: NoConfig, cx: WakeContext<u32>) -> Result<Wake<AskOutcome>, StepError> {
    Ok(if *cx.state() == 0 { Wake::again_in(Duration::from_hours(1)) } else { AskOutcome::Answered.into() })
}

async fn forget(_config: NoConfig, _cx: CancelContext<u32>) -> Result<(), StepError> {
    Ok(())
}

/// Sleep
#[step(outcomes(slept), wake = wake_up)]
async fn sleep(_config: NoConfig, _cx: ExecuteContext) -> Result<Execution<SleepOutcome, ()>, StepError> {
    Ok(Execution::defer(()).wake_in(Duration::from_hours(1)))
}

async fn wake_up(_config: NoConfig, _cx: WakeContext<()>) -> Result<Wake<SleepOutcome>, StepError> {
    Ok(SleepOutcome::Slept.into())
}

fn main() {}

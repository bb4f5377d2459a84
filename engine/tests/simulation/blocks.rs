//! The blocks of the worlds: each does what chance says, and tells the ledger.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use stepwell::prelude::{
    ActivateContext, Activated, ActivationError, CancelContext, DeactivateContext, Dedupe, ExecuteContext,
    Execution, Finish, FinishContext, Rejected, RenewContext, Request, StepError, Tick, TickContext, Trigger,
    TriggerContext, TriggerError, Wake, WakeContext, config, data, step, trigger,
};
use stepwell::trigger::TriggerOutcome as _;
use stepwell_engine::model::{ActivationId, ExecutionId, HandlerName};
use tokio::time::sleep;

use crate::check::EARLIEST_TICK;
use crate::client;
use crate::ledger::{Call, End};
use crate::mutants::Mutant;
use crate::sim::{Late, Sim, short};

/// What a handler that is told to panic says.
pub(crate) const TOLD_TO_PANIC: &str = "told to panic";

/// What a step receives.
#[config]
pub(crate) struct Task {
    /// Number
    pub(crate) number: i64,
}

/// What a step waits with.
#[data]
pub(crate) struct Ticket {
    pub(crate) number: i64,
}

/// What a step's handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Done,
    Other,
    Exit,
    Fail,
    Retry,
    Panic,
    Hang,
    Defer,
    DeferAndWake,
    NoOp,
    NoOpAndWake,
    NextState,
    Reject,
}

/// Who is called.
struct Called {
    handler: HandlerName,
    id: ExecutionId,
    attempt: u32,
    callback: Option<usize>,
}

impl Called {
    /// Tells the ledger of a call.
    fn note(handler: HandlerName, id: &str, attempt: u32, callback: Option<usize>) -> Self {
        let sim = Sim::current();
        let id = execution(id);
        let process = sim.process();
        let mut ledger = sim.ledger();
        let call = Call { handler, process, callback, end: None };
        let twice = ledger.calls.insert((id, attempt), call).is_some();
        if handler == HandlerName::Execute && !ledger.executions.contains(&id) {
            ledger.executions.push(id);
        }
        drop(ledger);
        sim.trace(format!("{handler:?} of {} is called, attempt {attempt}", name(id)));
        if twice {
            sim.broken(format!("{}: attempt {attempt} was called twice", name(id)));
        }
        Self { handler, id, attempt, callback }
    }

    /// Tells the ledger how it ends.
    fn end(&self, end: End) {
        let sim = Sim::current();
        sim.trace(format!("{:?} of {} returns {end:?}", self.handler, name(self.id)));
        if let Some(call) = sim.ledger().calls.get_mut(&(self.id, self.attempt)) {
            call.end = Some(end);
        }
    }

    /// Takes its time, and fails if that is what it does.
    async fn act(&self, doing: Doing) -> Result<(), StepError> {
        let sim = Sim::current();
        if !sim.is_calm() && sim.happens(0.5) {
            sleep(sim.millis(0..3000)).await;
        }
        match doing {
            Doing::Hang => std::future::pending().await,
            Doing::Panic => {
                self.end(End::Error { retryable: false });
                if sim.mutant() == Some(Mutant::PanicInterrupts) {
                    std::future::pending::<()>().await;
                }
                panic!("{TOLD_TO_PANIC}");
            }
            Doing::Fail => {
                self.end(End::Error { retryable: false });
                Err(StepError::permanent("told to fail"))
            }
            Doing::Retry => {
                self.end(End::Error { retryable: true });
                Err(StepError::retryable("told to retry"))
            }
            _ => Ok(()),
        }
    }
}

/// The execution whose handler is called with this id.
fn execution(id: &str) -> ExecutionId {
    let (run, number) = id.split_once('.').expect("an execution's id is that of its run and a number");
    ExecutionId {
        run: run.parse().expect("it begins with a run's id"),
        number: number.parse().expect("it ends with a number"),
    }
}

/// An execution as the trace names it.
pub(crate) fn name(id: ExecutionId) -> String {
    format!("run {}.{}", short(id.run.0), id.number)
}

/// What `execute` does.
fn to_execute(defers: bool, finishes: bool, wakes: bool) -> Doing {
    let sim = Sim::current();
    if sim.is_calm() {
        return Doing::Done;
    }
    let on = |weight: u32, when: bool| if when { weight } else { 0 };
    sim.choose(&[
        (10, Doing::Done),
        (2, Doing::Other),
        (1, Doing::Exit),
        (2, Doing::Fail),
        (4, Doing::Retry),
        (1, Doing::Panic),
        (2, Doing::Hang),
        (on(20, defers && finishes), Doing::Defer),
        (on(10, defers && wakes), Doing::DeferAndWake),
    ])
}

/// An effect that happens once, if chance wants one.
async fn effect(called: &Called, cx: &ExecuteContext) -> Result<(), StepError> {
    let sim = Sim::current();
    if sim.is_calm() || !sim.happens(0.4) {
        return Ok(());
    }
    let key = (called.id, "effect".to_owned());
    let value = cx
        .once("effect", async |_key| {
            let sim = Sim::current();
            sim.trace(format!("an effect of {} happens", name(called.id)));
            let mut ledger = sim.ledger();
            let effect = ledger.effects.entry((called.id, "effect".to_owned())).or_default();
            effect.happened += 1;
            let again = effect.recorded.is_some();
            let happened = effect.happened;
            drop(ledger);
            if again && sim.holds_lease() {
                sim.broken(format!("s11: an effect of {} that was recorded happened again", name(called.id)));
            }
            Ok::<_, StepError>(happened)
        })
        .await;
    match value {
        Ok(value) => {
            let mut ledger = sim.ledger();
            let before = ledger.effects.entry(key).or_default().recorded.replace(value);
            drop(ledger);
            if before.is_some_and(|before| before != value) {
                sim.broken(format!("s11: `once` of {} returned another value", name(called.id)));
            }
            Ok(())
        }
        Err(error) => {
            called.end(End::Error { retryable: error.is_retryable() });
            Err(error)
        }
    }
}

/// Callbacks that come while `execute` runs, as from a provider that is faster than its answer.
fn early_callbacks(called: &Called) {
    let sim = Sim::current();
    if sim.is_calm() || !sim.happens(0.25) {
        return;
    }
    for _ in 0..sim.choose(&[(3, 1), (1, 2)]) {
        let Some(driver) = sim.driver() else { continue };
        let (execution, delay, doing) = (called.id, sim.millis(0..500), client::a_callback(&sim));
        if sim.is_one_of_several() && sim.happens(0.5) {
            sim.elsewhere().push(Late { execution, doing, delay });
        } else {
            tokio::spawn(client::call_back(driver, execution, doing, delay));
        }
    }
}

macro_rules! step_outcomes {
    ($doing:expr, $outcome:ident, $number:expr, $called:expr) => {
        match $doing {
            Doing::Other => {
                $called.end(End::Outcome("other"));
                $outcome::Other { number: $number }
            }
            _ => {
                $called.end(End::Outcome("done"));
                $outcome::Done { number: $number }
            }
        }
    };
}

pub(crate) mod gather;

/// Work
#[step(outcomes(done { number: i64 }, other { number: i64 }))]
async fn work(config: Task, cx: ExecuteContext) -> Result<Execution<WorkOutcome>, StepError> {
    let called = Called::note(HandlerName::Execute, cx.unique_execution_id(), cx.attempt(), None);
    effect(&called, &cx).await?;
    let doing = to_execute(false, false, false);
    called.act(doing).await?;
    if doing == Doing::Exit {
        called.end(End::Exit);
        return Ok(Execution::Exit);
    }
    Ok(step_outcomes!(doing, WorkOutcome, config.number, called).into())
}

/// Work that must not be repeated
#[step(outcomes(done { number: i64 }, other { number: i64 }), if_interrupted = fail)]
async fn careful(config: Task, cx: ExecuteContext) -> Result<Execution<CarefulOutcome>, StepError> {
    let called = Called::note(HandlerName::Execute, cx.unique_execution_id(), cx.attempt(), None);
    let doing = to_execute(false, false, false);
    called.act(doing).await?;
    if doing == Doing::Exit {
        called.end(End::Exit);
        return Ok(Execution::Exit);
    }
    Ok(step_outcomes!(doing, CarefulOutcome, config.number, called).into())
}

/// Ask somebody
#[step(outcomes(done { number: i64 }, other { number: i64 }), finish = finish_ask, wake = wake_ask, cancel = cancel_ask)]
async fn ask(config: Task, cx: ExecuteContext) -> Result<Execution<AskOutcome, Ticket>, StepError> {
    let called = Called::note(HandlerName::Execute, cx.unique_execution_id(), cx.attempt(), None);
    effect(&called, &cx).await?;
    early_callbacks(&called);
    let doing = to_execute(true, true, true);
    called.act(doing).await?;
    let ticket = Ticket { number: config.number };
    Ok(match doing {
        Doing::Defer => {
            called.end(End::Deferred { wakes: false });
            Execution::defer(ticket)
        }
        Doing::DeferAndWake => {
            called.end(End::Deferred { wakes: true });
            Execution::defer(ticket).wake_in(Sim::current().millis(0..60_000))
        }
        Doing::Exit => {
            called.end(End::Exit);
            Execution::Exit
        }
        doing => step_outcomes!(doing, AskOutcome, config.number, called).into(),
    })
}

/// What a callback says.
#[data]
struct Body {
    callback: usize,
    doing: String,
}

/// What `finish` does with a request.
fn to_finish(body: &Body, attempt_of_callback: usize) -> Doing {
    let first = attempt_of_callback == 1;
    let calm = Sim::current().is_calm();
    match body.doing.as_str() {
        "no_op" => Doing::NoOp,
        "next_state" => Doing::NextState,
        "reject" => Doing::Reject,
        "other" => Doing::Other,
        "exit" => Doing::Exit,
        "fail" => Doing::Fail,
        "panic" => Doing::Panic,
        "retry" if !calm && attempt_of_callback < 3 => Doing::Retry,
        "retry_for_ever" if !calm => Doing::Retry,
        "hang" if first && !calm => Doing::Hang,
        _ => Doing::Done,
    }
}

/// Notes the call of a `finish`, and acts.
async fn finishing(request: &Request, id: &str, attempt: u32) -> Result<(Called, Doing), StepError> {
    let body: Body = request.json()?;
    let called = Called::note(HandlerName::Finish, id, attempt, Some(body.callback));
    let sim = Sim::current();
    let attempts = sim.ledger().calls.values().filter(|call| call.callback == Some(body.callback)).count();
    sim.trace(format!("it finishes with callback {}, {}", body.callback, body.doing));
    let doing = to_finish(&body, attempts);
    called.act(doing).await?;
    match doing {
        Doing::NoOp => called.end(End::NoOp { wakes: false }),
        Doing::Exit => called.end(End::Exit),
        Doing::Reject => {
            called.end(End::Rejected);
            return Err(Rejected::bad_request("told to reject").into());
        }
        _ => {}
    }
    Ok((called, doing))
}

async fn finish_ask(
    request: Request,
    config: Task,
    cx: FinishContext<Ticket>,
) -> Result<Finish<AskOutcome>, StepError> {
    assert_eq!(cx.state().number, config.number);
    let (called, doing) = finishing(&request, cx.unique_execution_id(), cx.attempt()).await?;
    Ok(match doing {
        Doing::NoOp => Finish::NoOp,
        Doing::Exit => Finish::Exit,
        doing => step_outcomes!(doing, AskOutcome, config.number, called).into(),
    })
}

/// What `wake` does.
fn to_wake() -> Doing {
    let sim = Sim::current();
    if sim.is_calm() {
        return Doing::Done;
    }
    sim.choose(&[
        (6, Doing::Done),
        (2, Doing::Other),
        (1, Doing::Exit),
        (1, Doing::Fail),
        (2, Doing::Retry),
        (1, Doing::Panic),
        (1, Doing::Hang),
        (4, Doing::NoOpAndWake),
        (4, Doing::NoOp),
    ])
}

async fn wake_ask(config: Task, cx: WakeContext<Ticket>) -> Result<Wake<AskOutcome>, StepError> {
    let called = Called::note(HandlerName::Wake, cx.unique_execution_id(), cx.attempt(), None);
    let doing = to_wake();
    called.act(doing).await?;
    Ok(match doing {
        Doing::NoOp => {
            called.end(End::NoOp { wakes: false });
            Wake::no_op()
        }
        Doing::NoOpAndWake => {
            called.end(End::NoOp { wakes: true });
            Wake::again_in(Sim::current().millis(0..60_000))
        }
        Doing::Exit => {
            called.end(End::Exit);
            Wake::Exit
        }
        doing => step_outcomes!(doing, AskOutcome, config.number, called).into(),
    })
}

/// Notes the call of a `cancel`, and acts.
async fn cancelling(id: &str, attempt: u32) -> Result<(), StepError> {
    let called = Called::note(HandlerName::Cancel, id, attempt, None);
    let sim = Sim::current();
    let doing = if sim.is_calm() {
        Doing::Done
    } else {
        sim.choose(&[
            (8, Doing::Done),
            (3, Doing::Retry),
            (1, Doing::Fail),
            (1, Doing::Hang),
            (1, Doing::Panic),
        ])
    };
    called.act(doing).await?;
    called.end(End::Cancelled);
    Ok(())
}

async fn cancel_ask(_config: Task, cx: CancelContext<Ticket>) -> Result<(), StepError> {
    cancelling(cx.unique_execution_id(), cx.attempt()).await
}

/// Wait for somebody
#[step(outcomes(done { number: i64 }, other { number: i64 }), finish = finish_listen)]
async fn listen(config: Task, cx: ExecuteContext) -> Result<Execution<ListenOutcome, Ticket>, StepError> {
    let called = Called::note(HandlerName::Execute, cx.unique_execution_id(), cx.attempt(), None);
    early_callbacks(&called);
    let doing = to_execute(true, true, false);
    called.act(doing).await?;
    Ok(match doing {
        Doing::Defer => {
            called.end(End::Deferred { wakes: false });
            Execution::defer(Ticket { number: config.number })
        }
        Doing::Exit => {
            called.end(End::Exit);
            Execution::Exit
        }
        doing => step_outcomes!(doing, ListenOutcome, config.number, called).into(),
    })
}

async fn finish_listen(
    request: Request,
    config: Task,
    cx: FinishContext<Ticket>,
) -> Result<Finish<ListenOutcome>, StepError> {
    let (called, doing) = finishing(&request, cx.unique_execution_id(), cx.attempt()).await?;
    Ok(match doing {
        Doing::NoOp => Finish::NoOp,
        Doing::Exit => Finish::Exit,
        doing => step_outcomes!(doing, ListenOutcome, config.number, called).into(),
    })
}

/// Wait for a time
#[step(outcomes(done { number: i64 }, other { number: i64 }), wake = wake_doze, cancel = cancel_doze)]
async fn doze(config: Task, cx: ExecuteContext) -> Result<Execution<DozeOutcome, Ticket>, StepError> {
    let called = Called::note(HandlerName::Execute, cx.unique_execution_id(), cx.attempt(), None);
    early_callbacks(&called);
    let doing = to_execute(true, false, true);
    called.act(doing).await?;
    Ok(match doing {
        Doing::DeferAndWake => {
            called.end(End::Deferred { wakes: true });
            Execution::defer(Ticket { number: config.number }).wake_in(Sim::current().millis(0..60_000))
        }
        Doing::Exit => {
            called.end(End::Exit);
            Execution::Exit
        }
        doing => step_outcomes!(doing, DozeOutcome, config.number, called).into(),
    })
}

async fn wake_doze(config: Task, cx: WakeContext<Ticket>) -> Result<Wake<DozeOutcome>, StepError> {
    let called = Called::note(HandlerName::Wake, cx.unique_execution_id(), cx.attempt(), None);
    // Nothing else would end the wait.
    let doing = match to_wake() {
        Doing::NoOp => Doing::NoOpAndWake,
        doing => doing,
    };
    called.act(doing).await?;
    Ok(match doing {
        Doing::NoOpAndWake => {
            called.end(End::NoOp { wakes: true });
            Wake::again_in(Sim::current().millis(0..60_000))
        }
        Doing::Exit => {
            called.end(End::Exit);
            Wake::Exit
        }
        doing => step_outcomes!(doing, DozeOutcome, config.number, called).into(),
    })
}

async fn cancel_doze(_config: Task, cx: CancelContext<Ticket>) -> Result<(), StepError> {
    cancelling(cx.unique_execution_id(), cx.attempt()).await
}

/// What `activate` leaves.
#[data]
struct Registration {
    renewed: u32,
}

/// A trigger has no config.
#[config]
pub(crate) struct NoTask {}

/// What a request to a trigger says.
#[data]
struct Sent {
    event: usize,
    key: String,
    doing: String,
}

/// Judges a request to a trigger: whether it starts a run.
async fn judge(request: &Request) -> Result<Option<Sent>, TriggerError> {
    let sim = Sim::current();
    if request.method() != Method::POST {
        return Err(Rejected::bad_request("send a POST").into());
    }
    let sent: Sent = request.json()?;
    if sim.happens(0.3) {
        sleep(sim.millis(0..500)).await;
    }
    match sent.doing.as_str() {
        "ignore" => Ok(None),
        "reject" => Err(Rejected::unauthorized("told to reject").into()),
        "fail" => Err(TriggerError::failed("told to fail")),
        "panic" => panic!("{TOLD_TO_PANIC}"),
        "hang" => std::future::pending().await,
        _ => Ok(Some(sent)),
    }
}

fn event_number(number: usize) -> i64 {
    i64::try_from(number).expect("there are not so many events")
}

/// Something happened, and nobody knows whether twice; with a tick
#[trigger(
    outcomes(happened { event: i64 }),
    activate = activate, deactivate = deactivate, tick = tick_hook,
)]
async fn hook(
    request: Request,
    _config: NoTask,
    _cx: TriggerContext<Registration>,
) -> Result<Trigger<HookOutcome>, TriggerError> {
    Ok(match judge(&request).await? {
        None => Trigger::NoOp,
        Some(sent) => HookOutcome::Happened { event: event_number(sent.event) }.into(),
    })
}

/// Something happened, with a key and without a registration
#[trigger(outcomes(happened { event: i64 }))]
async fn plain(
    request: Request,
    _config: NoTask,
    _cx: TriggerContext,
) -> Result<Trigger<PlainOutcome, Dedupe>, TriggerError> {
    Ok(match judge(&request).await? {
        None => Trigger::NoOp,
        Some(sent) => PlainOutcome::Happened { event: event_number(sent.event) }.dedupe(sent.key),
    })
}

/// Something happened, with a key, a renewal and a tick
#[trigger(
    outcomes(happened { event: i64 }),
    activate = activate_lasting, deactivate = deactivate, renew = renew, tick = tick, switch = overlap,
)]
async fn lasting(
    request: Request,
    _config: NoTask,
    _cx: TriggerContext<Registration>,
) -> Result<Trigger<LastingOutcome, Dedupe>, TriggerError> {
    Ok(match judge(&request).await? {
        None => Trigger::NoOp,
        Some(sent) => LastingOutcome::Happened { event: event_number(sent.event) }.dedupe(sent.key),
    })
}

/// How a call of a trigger's handler goes: whether it succeeds, in its time.
async fn provider(handler: &'static str, id: &str, fails: u32) -> Result<ActivationId, ActivationError> {
    let sim = Sim::current();
    let id: ActivationId = id.parse().expect("it is an activation's id");
    sim.trace(format!("{handler} of activation {} is called", short(id.0)));
    let _calling = Calling::begin(&sim, id, handler);
    if !sim.is_calm() {
        if sim.happens(0.4) {
            sleep(sim.millis(0..2000)).await;
        }
        let hangs = u32::from(fails > 0);
        if sim.choose(&[(12, false), (hangs, true)]) {
            std::future::pending::<()>().await;
        }
        if sim.choose(&[(12, false), (fails, true)]) {
            sim.trace(format!("{handler} of activation {} fails", short(id.0)));
            return Err(ActivationError::new("told to fail"));
        }
    }
    sim.trace(format!("{handler} of activation {} succeeds", short(id.0)));
    Ok(id)
}

/// A call of a trigger's handler, until it is dropped.
struct Calling {
    sim: Arc<Sim>,
    call: (u32, ActivationId, &'static str),
}

impl Calling {
    fn begin(sim: &Arc<Sim>, id: ActivationId, handler: &'static str) -> Self {
        let call = (sim.process(), id, handler);
        let alone = sim.ledger().calling.insert(call);
        if !alone {
            sim.broken(format!("t2: {handler} of activation {} is called while it runs", short(id.0)));
        }
        Self { sim: Arc::clone(sim), call }
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        self.sim.ledger().calling.remove(&self.call);
    }
}

/// Notes that `activate` has succeeded.
fn activated(id: ActivationId, url: &str) {
    let sim = Sim::current();
    let process = sim.process();
    let mut ledger = sim.ledger();
    let activation = ledger.activations.entry(id).or_default();
    let again = activation.activated.contains(&process);
    let other = activation.url.get_or_insert_with(|| url.to_owned()) != url;
    activation.activated.push(process);
    let over = !activation.deactivated.is_empty();
    drop(ledger);
    if again {
        sim.broken(format!("t2: activation {} was activated twice by one process", short(id.0)));
    }
    if other {
        sim.broken(format!("t2: activation {} has got another URL", short(id.0)));
    }
    if over && sim.holds_lease() {
        sim.broken(format!("t2: activation {} was activated after it was deactivated", short(id.0)));
    }
}

async fn activate(_config: NoTask, cx: ActivateContext) -> Result<Activated<Registration>, ActivationError> {
    let id = provider("activate", cx.unique_activation_id(), 3).await?;
    activated(id, cx.trigger_callback_url());
    let tick = Sim::current().millis(500..30_000);
    Ok(Activated::new(Registration { renewed: 0 }).tick_in(tick))
}

async fn activate_lasting(
    _config: NoTask,
    cx: ActivateContext,
) -> Result<Activated<Registration>, ActivationError> {
    let id = provider("activate", cx.unique_activation_id(), 3).await?;
    activated(id, cx.trigger_callback_url());
    let sim = Sim::current();
    Ok(Activated::new(Registration { renewed: 0 })
        .expires_in(Duration::from_mins(1) + sim.millis(0..60_000))
        .tick_in(sim.millis(500..30_000)))
}

async fn deactivate(_config: NoTask, cx: DeactivateContext<Registration>) -> Result<(), ActivationError> {
    let id = provider("deactivate", cx.unique_activation_id(), 6).await?;
    let sim = Sim::current();
    let process = sim.process();
    let mut ledger = sim.ledger();
    let activation = ledger.activations.entry(id).or_default();
    let again = activation.deactivated.contains(&process);
    activation.deactivated.push(process);
    let never = activation.activated.is_empty();
    drop(ledger);
    if again {
        sim.broken(format!("t2: activation {} was deactivated twice by one process", short(id.0)));
    }
    if never {
        sim.broken(format!("t3: activation {} was deactivated and never activated", short(id.0)));
    }
    Ok(())
}

async fn renew(
    _config: NoTask,
    cx: RenewContext<Registration>,
) -> Result<Activated<Registration>, ActivationError> {
    let id = provider("renew", cx.unique_activation_id(), 3).await?;
    let sim = Sim::current();
    if sim.ledger().activations.get(&id).is_none_or(|activation| activation.activated.is_empty()) {
        sim.broken(format!("t12: activation {} was renewed and never activated", short(id.0)));
    }
    Ok(Activated::new(Registration { renewed: cx.registration().renewed + 1 })
        .expires_in(Duration::from_mins(1) + sim.millis(0..60_000)))
}

/// The event that a tick of this time is.
pub(crate) fn tick_event(time: Timestamp) -> i64 {
    -time.as_millisecond()
}

/// Whether this data is that of a tick.
pub(crate) fn is_tick(data: &serde_json::Value) -> bool {
    data["event"].as_i64().is_some_and(|event| event < EARLIEST_TICK)
}

/// Takes a tick: the event that it is, and when the next one is.
async fn ticked(id: &str, time: Timestamp) -> Result<(i64, Duration), TriggerError> {
    let called = provider("tick", id, 3).await;
    let id = called.map_err(|error| TriggerError::failed(error.to_string()))?;
    let sim = Sim::current();
    sim.ledger().activations.entry(id).or_default().ticks.insert(time);
    let next = if sim.is_calm() { sim.millis(60_000..120_000) } else { sim.millis(500..30_000) };
    Ok((tick_event(time), next))
}

async fn tick_hook(
    _config: NoTask,
    cx: TickContext<Registration>,
) -> Result<Tick<HookOutcome>, TriggerError> {
    let (event, next) = ticked(cx.unique_activation_id(), cx.time()).await?;
    Ok(Tick::outcome(HookOutcome::Happened { event }).next_in(next))
}

async fn tick(
    _config: NoTask,
    cx: TickContext<Registration>,
) -> Result<Tick<LastingOutcome, Dedupe>, TriggerError> {
    let (event, next) = ticked(cx.unique_activation_id(), cx.time()).await?;
    let key = format!("tick {} {}", cx.unique_activation_id(), cx.time());
    Ok(Tick::outcome(LastingOutcome::Happened { event }).dedupe(key).next_in(next))
}

//! The blocks of the worlds: each does what chance says, and tells the ledger.

use stepwell::prelude::{
    CancelContext, ExecuteContext, Execution, Finish, FinishContext, Rejected, Request, StepError, Wake,
    WakeContext, config, data, step,
};
use stepwell_engine::model::{ExecutionId, HandlerName};
use tokio::time::sleep;

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

    /// Notes the call of an `execute`.
    fn begin(cx: &ExecuteContext) -> Self {
        Self::note(HandlerName::Execute, cx.unique_execution_id(), cx.attempt(), None)
    }

    /// Acts as an `execute` does.
    async fn execute(&self, waits: Waits) -> Result<Doing, StepError> {
        if waits != Waits::Nothing {
            early_callbacks(self);
        }
        let doing = to_execute(waits);
        self.act(doing).await?;
        match doing {
            Doing::Defer => self.end(End::Deferred { wakes: false }),
            Doing::DeferAndWake => self.end(End::Deferred { wakes: true }),
            Doing::Exit => self.end(End::Exit),
            _ => {}
        }
        Ok(doing)
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

/// For what a block's `execute` may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Waits {
    Nothing,
    Callbacks,
    Time,
    Both,
}

/// What `execute` does.
fn to_execute(waits: Waits) -> Doing {
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
        (on(20, matches!(waits, Waits::Callbacks | Waits::Both)), Doing::Defer),
        (on(10, matches!(waits, Waits::Time | Waits::Both)), Doing::DeferAndWake),
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
        if sim.shared().is_some() && sim.happens(0.5) {
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
mod triggers;

pub(crate) use triggers::{is_tick, tick_event};

/// Work
#[step(outcomes(done { number: i64 }, other { number: i64 }))]
async fn work(config: Task, cx: ExecuteContext) -> Result<Execution<WorkOutcome>, StepError> {
    let called = Called::begin(&cx);
    effect(&called, &cx).await?;
    let doing = called.execute(Waits::Nothing).await?;
    if doing == Doing::Exit {
        return Ok(Execution::Exit);
    }
    Ok(step_outcomes!(doing, WorkOutcome, config.number, called).into())
}

/// Work that must not be repeated
#[step(outcomes(done { number: i64 }, other { number: i64 }), if_interrupted = fail)]
async fn careful(config: Task, cx: ExecuteContext) -> Result<Execution<CarefulOutcome>, StepError> {
    let called = Called::begin(&cx);
    let doing = called.execute(Waits::Nothing).await?;
    if doing == Doing::Exit {
        return Ok(Execution::Exit);
    }
    Ok(step_outcomes!(doing, CarefulOutcome, config.number, called).into())
}

/// Ask somebody
#[step(outcomes(done { number: i64 }, other { number: i64 }), finish = finish_ask, wake = wake_ask, cancel = cancel_ask)]
async fn ask(config: Task, cx: ExecuteContext) -> Result<Execution<AskOutcome, Ticket>, StepError> {
    let called = Called::begin(&cx);
    effect(&called, &cx).await?;
    let doing = called.execute(Waits::Both).await?;
    let ticket = Ticket { number: config.number };
    Ok(match doing {
        Doing::Defer => Execution::defer(ticket),
        Doing::DeferAndWake => Execution::defer(ticket).wake_in(Sim::current().millis(0..60_000)),
        Doing::Exit => Execution::Exit,
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
    let called = Called::begin(&cx);
    let doing = called.execute(Waits::Callbacks).await?;
    Ok(match doing {
        Doing::Defer => Execution::defer(Ticket { number: config.number }),
        Doing::Exit => Execution::Exit,
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
    let called = Called::begin(&cx);
    let doing = called.execute(Waits::Time).await?;
    Ok(match doing {
        Doing::DeferAndWake => {
            Execution::defer(Ticket { number: config.number }).wake_in(Sim::current().millis(0..60_000))
        }
        Doing::Exit => Execution::Exit,
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

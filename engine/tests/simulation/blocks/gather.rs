//! A block that asks people and gathers what they say, until one of them has it done.

use stepwell::prelude::{
    CancelContext, ExecuteContext, Execution, Finish, FinishContext, Question, Request, StepError, data, step,
};

use super::{Called, Doing, Task, Waits, cancelling, finishing, name};
use crate::ledger::End;
use crate::mutants::Mutant;
use crate::sim::Sim;

/// What was said so far.
#[data]
pub(crate) struct Said {
    /// The callbacks that counted, in their order.
    callbacks: Vec<usize>,
}

/// What the page of an execution asks.
pub(crate) fn question(id: &str) -> String {
    format!("What of {id}?")
}

/// Ask people
#[step(outcomes(done { number: i64 }, other { number: i64 }), finish = finish_gather, cancel = cancel_gather)]
async fn gather(config: Task, cx: ExecuteContext) -> Result<Execution<GatherOutcome, Said>, StepError> {
    let called = Called::begin(&cx);
    let doing = called.execute(Waits::Callbacks).await?;
    Ok(match doing {
        Doing::Defer => {
            let question = Question::new(question(cx.unique_execution_id())).button("done", "Done");
            Execution::defer(Said { callbacks: Vec::new() }).asking(question)
        }
        Doing::Exit => Execution::Exit,
        doing => step_outcomes!(doing, GatherOutcome, config.number, called).into(),
    })
}

async fn finish_gather(
    request: Request,
    config: Task,
    cx: FinishContext<Said>,
) -> Result<Finish<GatherOutcome, Said>, StepError> {
    compare(cx.unique_execution_id(), cx.state());
    let (called, doing) = finishing(&request, cx.unique_execution_id(), cx.attempt()).await?;
    Ok(match doing {
        Doing::NextState if Sim::current().mutant() == Some(Mutant::StateKept) => {
            called.end(End::NextState);
            Finish::NoOp
        }
        Doing::NextState => {
            called.end(End::NextState);
            let mut said = cx.state().clone();
            said.callbacks.extend(called.callback);
            Finish::NextState(said)
        }
        Doing::NoOp => Finish::NoOp,
        Doing::Exit => Finish::Exit,
        doing => step_outcomes!(doing, GatherOutcome, config.number, called).into(),
    })
}

async fn cancel_gather(_config: Task, cx: CancelContext<Said>) -> Result<(), StepError> {
    compare(cx.unique_execution_id(), cx.state());
    cancelling(cx.unique_execution_id(), cx.attempt()).await
}

/// Each callback that was recorded as one that counts has changed the state, once.
fn compare(id: &str, said: &Said) {
    let sim = Sim::current();
    let id = super::execution(id);
    let counted = sim.ledger().counted.get(&id).cloned().unwrap_or_default();
    if said.callbacks != counted && sim.holds_lease() {
        sim.broken(format!(
            "d4: the callbacks {counted:?} of {} counted, and its state has {:?}",
            name(id),
            said.callbacks
        ));
    }
}

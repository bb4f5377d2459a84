//! The triggers of the worlds.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use stepwell::prelude::{
    ActivateContext, Activated, ActivationError, DeactivateContext, Dedupe, Rejected, RenewContext, Request,
    Tick, TickContext, Trigger, TriggerContext, TriggerError, config, data, trigger,
};
use stepwell::trigger::TriggerOutcome as _;
use stepwell_engine::model::{ActivationId, Epoch};
use stepwell_engine::store::Store as _;
use tokio::time::sleep;

use super::TOLD_TO_PANIC;
use crate::check::EARLIEST_TICK;
use crate::ledger::TriggerCall;
use crate::sim::{Sim, short};

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
        // Now and then for so long that a process dies and others take over what it has left.
        let longest = sim.choose(&[(6, 0), (3, 2000), (1, 20_000)]);
        if longest > 0 {
            sleep(sim.millis(0..longest)).await;
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
    call: TriggerCall,
}

impl Calling {
    fn begin(sim: &Arc<Sim>, id: ActivationId, handler: &'static str) -> Self {
        let (process, shared) = (sim.process(), sim.shared());
        let epoch = shared.as_ref().map(|store| store.epoch());
        let call = TriggerCall { activation: id, handler, process, epoch };
        let lives = |epoch: Option<Epoch>| {
            shared.as_ref().zip(epoch).is_some_and(|(store, epoch)| store.holds_lease(epoch))
        };
        let same = |other: &TriggerCall| (other.activation, other.handler) == (id, handler);
        let running: Vec<TriggerCall> = sim.ledger().calling.iter().copied().filter(same).collect();
        if running.iter().any(|other| other.process == process || lives(epoch) && lives(other.epoch)) {
            sim.broken(format!("t2: {handler} of activation {} is called while it runs", short(id.0)));
        }
        sim.ledger().calling.insert(call);
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

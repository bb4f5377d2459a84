//! Blocks that do as they are told and note every call.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use stepwell::prelude::*;
use tokio::sync::Notify;

/// A call that a handler has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) handler: &'static str,
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) attempt: u32,
}

static SEEN: LazyLock<Mutex<HashMap<String, Vec<Seen>>>> = LazyLock::new(Mutex::default);
static GATES: LazyLock<Mutex<HashMap<String, &'static Notify>>> = LazyLock::new(Mutex::default);
static FAILING: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

fn note(key: &str, handler: &'static str, id: &str, url: &str, attempt: u32) {
    let seen = Seen { handler, id: id.to_owned(), url: url.to_owned(), attempt };
    SEEN.lock().unwrap().entry(key.to_owned()).or_default().push(seen);
}

/// The calls under a key, in order.
pub(crate) fn seen(key: &str) -> Vec<Seen> {
    SEEN.lock().unwrap().get(key).cloned().unwrap_or_default()
}

/// The handlers that were called under a key, in order.
pub(crate) fn handlers(key: &str) -> Vec<&'static str> {
    seen(key).iter().map(|seen| seen.handler).collect()
}

/// What a handler waits at that is told to `gate`.
pub(crate) fn gate(key: &str) -> &'static Notify {
    GATES.lock().unwrap().entry(key.to_owned()).or_insert_with(|| Box::leak(Box::new(Notify::new())))
}

/// Makes a handler of the trigger fail from now on; an empty message mends it.
pub(crate) fn fail(key: &str, handler: &str, message: &str) {
    FAILING.lock().unwrap().insert(format!("{key}/{handler}"), message.to_owned());
}

fn failing(key: &str, handler: &str) -> Result<(), ActivationError> {
    let message = FAILING.lock().unwrap().get(&format!("{key}/{handler}")).cloned().unwrap_or_default();
    if message.is_empty() { Ok(()) } else { Err(ActivationError::new(message)) }
}

/// Whom to note the calls under.
#[config]
pub(crate) struct Event {
    /// Key
    pub(crate) key: String,
}

/// What `activate` leaves.
#[data]
pub(crate) struct Registration {
    pub(crate) secret: String,
}

/// Something happened
#[trigger(
    outcomes(
        /// It happened
        happened { value: i64 },
    ),
    activate = activate,
    deactivate = deactivate,
)]
async fn event(
    request: Request,
    config: Event,
    cx: TriggerContext<Registration>,
) -> Result<Trigger<EventOutcome>, TriggerError> {
    #[data]
    struct Body {
        value: i64,
    }
    note(&config.key, "trigger", cx.unique_activation_id(), cx.trigger_callback_url(), 1);
    if request.header("x-secret")? != cx.registration().secret {
        return Err(Rejected::unauthorized("wrong secret").into());
    }
    match request.json::<Body>()?.value {
        0 => Ok(Trigger::NoOp),
        -1 => panic!("told to panic"),
        -2 => Err(TriggerError::failed("told to fail")),
        value => Ok(EventOutcome::Happened { value }.into()),
    }
}

async fn activate(config: Event, cx: ActivateContext) -> Result<Registration, ActivationError> {
    note(&config.key, "activate", cx.unique_activation_id(), cx.trigger_callback_url(), 1);
    if config.key.ends_with("-gated") {
        gate(&config.key).notified().await;
    }
    failing(&config.key, "activate")?;
    Ok(Registration { secret: "s3cret".to_owned() })
}

async fn deactivate(config: Event, cx: DeactivateContext<Registration>) -> Result<(), ActivationError> {
    note(&config.key, "deactivate", cx.unique_activation_id(), "", 1);
    assert_eq!(cx.registration().secret, "s3cret");
    failing(&config.key, "deactivate")
}

/// What to do.
#[config]
pub(crate) struct Act {
    /// Key
    pub(crate) key: String,
    /// What each attempt does; the last holds for all that follow.
    pub(crate) doing: Vec<String>,
}

/// What `act` waits with.
#[data]
pub(crate) struct Ticket {
    pub(crate) number: u32,
}

/// Do as you are told
#[step(
    outcomes(
        /// Done
        done { by: String },
    ),
    finish = finish_act,
    cancel = cancel_act,
)]
async fn act(config: Act, cx: ExecuteContext) -> Result<Execution<ActOutcome, Ticket>, StepError> {
    note(&config.key, "execute", cx.unique_execution_id(), cx.finish_callback_url(), cx.attempt());
    let index = (cx.attempt() as usize).min(config.doing.len()) - 1;
    for word in config.doing[index].split(' ') {
        match word {
            "done" => return Ok(ActOutcome::Done { by: "execute".into() }.into()),
            "exit" => return Ok(Execution::Exit),
            "defer" => return Ok(Execution::defer(Ticket { number: 7 }).waiting_for("the answer")),
            "retry" => {
                return Err(StepError::retryable("told to retry").retry_after(Duration::from_millis(1)));
            }
            "fail" => return Err(StepError::permanent("told to fail")),
            "panic" => panic!("told to panic"),
            "gate" => gate(&config.key).notified().await,
            "hang" => std::future::pending().await,
            "once" => {
                let number = cx
                    .once("number", async |key: String| {
                        note(&config.key, "once", &key, "", cx.attempt());
                        Ok::<_, StepError>(41)
                    })
                    .await?;
                assert_eq!(number, 41);
            }
            other => return Err(StepError::permanent(format!("`{other}` is not known"))),
        }
    }
    Ok(Execution::Exit)
}

/// What to choose from.
#[config]
pub(crate) struct Choose {
    /// Workspace
    pub(crate) workspace: Option<String>,
    /// Campaign
    #[field(options = campaigns, depends_on("workspace"))]
    pub(crate) campaign: Option<String>,
    /// More of them
    #[field(default = Vec::new())]
    pub(crate) more: Vec<More>,
}

/// A part with a field of its own.
#[config]
pub(crate) struct More {
    /// Campaign
    #[field(options = campaigns)]
    pub(crate) campaign: String,
}

/// Choose
#[step(outcomes(chosen))]
async fn choose(_config: Choose, _cx: ExecuteContext) -> Result<ChooseOutcome, StepError> {
    Ok(ChooseOutcome::Chosen)
}

#[options]
async fn campaigns(query: OptionsQuery, _cx: OptionsContext) -> Result<Vec<Choice>, StepError> {
    match query.text.as_str() {
        "fail" => return Err(StepError::retryable("told to fail")),
        "panic" => panic!("told to panic"),
        _ => {}
    }
    let workspace: String = query.field("workspace")?.unwrap_or_default();
    Ok(vec![Choice::new("c1", format!("{workspace}/{} of {}", query.text, query.fields.len()))])
}

async fn finish_act(
    request: Request,
    config: Act,
    cx: FinishContext<Ticket>,
) -> Result<Finish<ActOutcome>, StepError> {
    #[data]
    struct Body {
        doing: String,
    }
    note(&config.key, "finish", cx.unique_execution_id(), cx.finish_callback_url(), cx.attempt());
    assert_eq!(cx.state().number, 7);
    match request.json::<Body>()?.doing.as_str() {
        "no_op" => Ok(Finish::NoOp),
        "exit" => Ok(Finish::Exit),
        "hang" => std::future::pending().await,
        "fail" => Err(StepError::permanent("told to fail")),
        by => Ok(ActOutcome::Done { by: by.to_owned() }.into()),
    }
}

async fn cancel_act(config: Act, cx: CancelContext<Ticket>) -> Result<(), StepError> {
    note(&config.key, "cancel", cx.unique_execution_id(), "", cx.attempt());
    assert_eq!(cx.state().number, 7);
    failing(&config.key, "cancel").map_err(|error| StepError::retryable(error.to_string()))
}

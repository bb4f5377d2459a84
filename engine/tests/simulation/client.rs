//! Who sends requests from outside, and notes what is answered.

use std::time::Duration;

use http::Method;
use serde_json::json;
use stepwell::request::Request;
use stepwell_engine::driver::{Asked, CallbackAnswer, Driver, TriggerAnswer};
use stepwell_engine::model::{ActivationId, ExecutionId};

use crate::blocks::{gather, name};
use crate::check::Checker;
use crate::ledger::{Answer, Callback, EventAnswer};
use crate::sim::{Sim, short};

/// What a callback has `finish` do, by weight.
pub(crate) const CALLBACKS: &[(u32, &str)] = &[
    (8, "done"),
    (2, "other"),
    (6, "no_op"),
    (6, "next_state"),
    (4, "reject"),
    (4, "retry"),
    (1, "retry_for_ever"),
    (1, "exit"),
    (1, "fail"),
    (1, "panic"),
    (2, "hang"),
];

/// What a callback has `finish` do, as chance says.
pub(crate) fn a_callback(sim: &Sim) -> &'static str {
    sim.choose(CALLBACKS)
}

/// Sends a callback.
pub(crate) async fn call_back(driver: Driver, execution: ExecutionId, doing: &'static str, delay: Duration) {
    tokio::time::sleep(delay).await;
    let sim = Sim::current();
    let number = {
        let mut ledger = sim.ledger();
        ledger.callbacks.push(Callback { execution, answer: None });
        ledger.callbacks.len() - 1
    };
    sim.trace(format!("callback {number} ({doing}) is sent to {}", name(execution)));
    let body = json!({ "callback": number, "doing": doing }).to_string();
    let answer = match driver.callback(execution, Request::new(Method::POST, body)).await {
        CallbackAnswer::Recorded => Answer::Recorded,
        CallbackAnswer::Gone => {
            // No world lasts until its runs are removed.
            if let Ok(None) = driver.store().run(execution.run).await {
                sim.broken(format!("d1: the URL of {} is unknown", name(execution)));
            }
            Answer::Gone
        }
        CallbackAnswer::Unavailable(_) => Answer::Unavailable,
    };
    sim.trace(format!("callback {number} is answered {answer:?}"));
    sim.ledger().callbacks[number].answer = Some(answer);
}

/// Follows the URL of an execution as a link (d1).
pub(crate) async fn look(driver: Driver, execution: ExecutionId) {
    let sim = Sim::current();
    let asks = sim.ledger().asking.contains(&execution);
    let Ok(asked) = driver.question(execution).await else { return };
    sim.trace(format!("who follows the link of {} finds {asked:?}", name(execution)));
    let right = match asked {
        Asked::Question(question) => question.text == gather::question(&execution.to_string()),
        Asked::Nothing | Asked::NotYet => !asks,
        Asked::Gone => match driver.store().run(execution.run).await {
            Ok(Some(row)) => !Checker::run_state(&row).accepts_callback(execution.number),
            Ok(None) => false,
            Err(_) => true,
        },
    };
    if !right {
        sim.broken(format!("d1: that is not what {} asks", name(execution)));
    }
}

/// Sends an event, again up to `again` times while it is not accepted.
pub(crate) async fn send(
    driver: Driver,
    activation: ActivationId,
    event: usize,
    doing: &'static str,
    again: u32,
) {
    let sim = Sim::current();
    for _ in 0..=again {
        let (key, stopped) = {
            let mut ledger = sim.ledger();
            let stopped = ledger.activations.get(&activation).is_some_and(|known| known.stopped.is_some());
            let event = &mut ledger.events[event];
            event.sent += 1;
            (event.key.clone(), stopped)
        };
        sim.trace(format!(
            "event {event} ({doing}, key {key:?}) is sent to activation {}",
            short(activation.0)
        ));
        let body = json!({ "event": event, "key": key.clone().unwrap_or_default(), "doing": doing });
        let answer = match driver.trigger(activation, Request::new(Method::POST, body.to_string())).await {
            TriggerAnswer::Started(run, _) => EventAnswer::Started(run),
            TriggerAnswer::Duplicate(run, _) => EventAnswer::Duplicate(run),
            TriggerAnswer::NoOp | TriggerAnswer::Respond(_) => EventAnswer::NoOp,
            TriggerAnswer::Gone => {
                if let Ok(None) = driver.store().activation(activation).await {
                    sim.broken(format!("t1: the URL of activation {} is unknown", short(activation.0)));
                }
                EventAnswer::Gone
            }
            TriggerAnswer::Rejected { .. } | TriggerAnswer::Failed(_) | TriggerAnswer::NotReady => {
                EventAnswer::Refused
            }
            TriggerAnswer::Unavailable(_) | TriggerAnswer::Busy => EventAnswer::Unavailable,
            TriggerAnswer::Unfit => {
                sim.broken(format!("o8: the block of activation {} is missing", short(activation.0)));
                return;
            }
        };
        sim.trace(format!("event {event} is answered {}", answer.name()));
        if stopped && matches!(answer, EventAnswer::Started(_) | EventAnswer::NoOp) {
            sim.broken(format!(
                "t5: activation {} was stopped and has accepted an event",
                short(activation.0)
            ));
        }
        sim.ledger().events[event].answers.push(answer);
        if !matches!(answer, EventAnswer::Refused | EventAnswer::Unavailable) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

impl EventAnswer {
    fn name(self) -> String {
        match self {
            Self::Started(run) => format!("Started(run {})", short(run.0)),
            Self::Duplicate(run) => format!("Duplicate(run {})", short(run.0)),
            answer => format!("{answer:?}"),
        }
    }
}

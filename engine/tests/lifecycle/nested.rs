//! The rules of configs within a block's config, from end to end.

use serde_json::{Value, json};
use stepwell::prelude::*;
use stepwell_engine::model::RunStatus;

use crate::database::engine;

/// Book seats
#[config]
struct Book {
    parties: Vec<Party>,
    payment: Option<Payment>,
}

#[config]
struct Party {
    name: String,
    #[field(check = fit(most))]
    seats: u32,
    #[field(default = 4)]
    most: u32,
}

#[data]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Payment {
    Card(Card),
    Cash,
}

#[config]
struct Card {
    #[field(check = of_digits)]
    number: Secret,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a check is given its fields by reference")]
fn fit(seats: &u32, most: &u32) -> Result<(), &'static str> {
    if seats <= most { Ok(()) } else { Err("There are fewer seats; ask for less, or raise `most`") }
}

fn of_digits(number: &Secret) -> Result<(), &'static str> {
    let is_number = number.expose().bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok(()) } else { Err("It is no number; leave out what is no digit") }
}

#[step(outcomes(booked))]
async fn book(_config: Book, _cx: ExecuteContext) -> Result<BookOutcome, StepError> {
    Ok(BookOutcome::Booked)
}

fn booking(config: &Value) -> Value {
    json!({
        "title": "Book",
        "trigger": { "block": "testing/start", "on": { "started": "step" } },
        "steps": { "step": { "block": "stepwell-engine/book", "config": config } },
    })
}

#[tokio::test]
async fn s9_a_config_within_a_config_is_judged_by_its_own_rules_on_enabling() {
    let engine = engine().await;
    for (config, path, message) in [
        (
            json!({ "parties": [{ "name": "Ada", "seats": 2 }, { "name": "Bob", "seats": 5 }] }),
            "parties.1.seats",
            "raise",
        ),
        // What an expression gives is not known yet; what stands beside it is.
        (
            json!({ "parties": [{ "name": "{{ trigger.name }}", "seats": 3, "most": 2 }] }),
            "parties.0.seats",
            "raise",
        ),
        // A secret is sealed by then, and is opened to be judged.
        (
            json!({ "parties": [], "payment": { "kind": "card", "number": "12x4" } }),
            "payment.number",
            "no number",
        ),
    ] {
        let refused = engine.enable("book", &booking(&config)).await.unwrap_err();
        let path = format!("steps.step.config.{path}\"");
        assert!(refused.contains(&path) && refused.contains(message), "{config}: {refused}");
        assert!(!refused.contains("12x4"), "{refused}");
    }
}

#[tokio::test]
async fn s9_a_config_within_a_config_is_judged_by_its_own_rules_before_the_block_is_called() {
    let engine = engine().await;
    let config = json!({ "parties": [{ "name": "Ada", "seats": 2 }, { "name": "Bob", "seats": "{{ trigger.seats }}" }] });
    engine.enable("book", &booking(&config)).await.unwrap();
    for (seats, status, attempts) in [(5, RunStatus::Failed, 0), (4, RunStatus::Completed, 1)] {
        let run = engine.start_workflow("book", json!({ "seats": seats })).await;
        engine.settle().await;
        assert_eq!((run.status().await, run.execution().await.attempts.len()), (status, attempts));
        if status == RunStatus::Failed {
            let error = run.error().await.unwrap();
            assert!(error.contains("config.parties.1.seats: There are fewer seats"), "{error}");
        }
    }
}

#[tokio::test]
async fn s8_a_secret_that_cannot_be_opened_is_named_on_enabling() {
    let engine = engine().await;
    let elsewhere = json!({ "$secret": "c2VhbGVkIGVsc2V3aGVyZQ==" });
    let config = json!({ "parties": [], "payment": { "kind": "card", "number": elsewhere } });
    let refused = engine.enable("book", &booking(&config)).await.unwrap_err();
    assert!(refused.contains("steps.step.config.payment.number\""), "{refused}");
    assert!(refused.contains("write the secret again"), "{refused}");
}

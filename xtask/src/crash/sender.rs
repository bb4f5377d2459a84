//! The senders: each sends events, and does with their runs what is planned, until that is acknowledged.

use std::fmt::Write as _;
use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::task::JoinSet;

use super::api::{Api, answer, until};
use super::ledger::{Ledger, Plan, copies, plan};
use super::provider::{Hook, Provider};
use super::workflow::{EVENT_HEADER, REPOSITORY};
use crate::failure::Failure;

/// Sends events until the ledger is stopped.
pub(super) async fn send(ledger: Arc<Ledger>, api: Api, provider: Arc<Provider>) -> Result<(), Failure> {
    while let Some(n) = ledger.next_event() {
        let sender =
            Sender { ledger: Arc::clone(&ledger), api: api.clone(), provider: Arc::clone(&provider), n };
        // Copies of one event, which is known by its delivery, start one run.
        let runs = at_once((0..copies(n)).map(|_| sender.clone().deliver())).await?;
        match plan(n) {
            Plan::Leave => {}
            Plan::Cancel => sender.cancel(runs[0].clone()).await?,
            Plan::Answer(callbacks) => {
                at_once((0..callbacks).map(|callback| sender.clone().answer(runs[0].clone(), callback)))
                    .await?;
            }
        }
    }
    Ok(())
}

/// What all of these give, done at once.
async fn at_once<T: 'static>(
    attempts: impl Iterator<Item = impl Future<Output = Result<T, Failure>> + 'static>,
) -> Result<Vec<T>, Failure> {
    let mut tasks = JoinSet::new();
    for attempt in attempts {
        tasks.spawn_local(attempt);
    }
    tasks.join_all().await.into_iter().collect()
}

/// Sends one event.
#[derive(Clone)]
struct Sender {
    ledger: Arc<Ledger>,
    api: Api,
    provider: Arc<Provider>,
    n: u64,
}

impl Sender {
    /// Delivers the event to one of the webhooks until it is acknowledged with its run.
    async fn deliver(self) -> Result<String, Failure> {
        let n = self.n;
        let body = json!({
            "action": "opened",
            "issue": {
                "number": n,
                "title": n.to_string(),
                "html_url": "http://provider.test",
                "user": { "login": "crash" },
            },
            "repository": { "full_name": REPOSITORY },
        });
        let body = body.to_string();
        until(&format!("event {n}"), async || {
            let hooks = self.provider.hooks();
            let Hook { url, secret } = hooks.last()?;
            let request = self.api.post(url).header(EVENT_HEADER, "issues").header("X-GitHub-Delivery", n);
            let signed = request.header("X-Hub-Signature-256", signature(secret, &body));
            let answer = answer(signed.body(body.clone())).await?;
            let run = answer.body["run_id"].as_str().filter(|_| answer.status == StatusCode::ACCEPTED)?;
            self.ledger.note_event(n, run);
            Some(run.to_owned())
        })
        .await
    }

    /// Posts one callback to where the question says, until it is recorded or comes too late.
    async fn answer(self, run: String, callback: u64) -> Result<(), Failure> {
        let n = self.n;
        let mut attempt = 0;
        until(&format!("the answer to event {n}"), async || {
            let Some(question) = self.provider.questions(n).into_iter().next() else {
                return has_ended(&self.run(&run).await?).then_some(());
            };
            attempt += 1;
            // Each attempt is a callback of its own: what became of one without an answer is not known.
            let id = format!("{n}.{callback}.{attempt}");
            let body = json!({ "approved": !n.is_multiple_of(3), "by": id });
            let url = format!("{}?id={id}", question.answer_url);
            let answer = answer(self.api.post(&url).json(&body)).await?;
            if answer.status == StatusCode::ACCEPTED {
                self.ledger.note_callback(n, id);
            }
            matches!(answer.status, StatusCode::ACCEPTED | StatusCode::GONE).then_some(())
        })
        .await
    }

    /// Cancels the run once it waits for the question's answer, until that is acknowledged or seen.
    async fn cancel(self, run: String) -> Result<(), Failure> {
        until(&format!("the cancellation of run {run}"), async || {
            let seen = self.run(&run).await?;
            if has_ended(&seen) || seen["status"] == "cancelling" {
                return Some(());
            }
            let mut executions = seen["executions"].as_array()?.iter();
            executions.find(|execution| execution["step"] == "ask" && execution["status"] == "waiting")?;
            let answer = answer(self.api.post(&format!("/api/v1/runs/{run}/cancel"))).await?;
            (answer.status == StatusCode::ACCEPTED).then_some(())
        })
        .await
    }

    async fn run(&self, run: &str) -> Option<Value> {
        self.api.get(&format!("/api/v1/runs/{run}")).await.ok()
    }
}

fn has_ended(run: &Value) -> bool {
    run["finished_at"].is_string()
}

/// The signature of a delivery, as GitHub makes it.
fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key has any length");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

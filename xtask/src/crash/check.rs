//! What must hold after the last fault.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::api::{Api, until};
use super::ledger::{Ledger, Plan, plan};
use super::provider::Provider;
use super::workflow::{CALLED, EFFECTS, ID, ROUNDS};
use crate::failure::Failure;

/// How many mistakes are told.
const TOLD: usize = 10;
/// How many mistakes are told with the history of their run.
const TOLD_WITH_HISTORY: usize = 2;

/// One run in how many, at most, may have failed since an attempt was interrupted three times in a row: such a run is
/// looked at less closely.
const INTERRUPTED_AT_MOST: usize = 20;

/// Compares the runs with the ledger and what has happened outside.
pub(super) async fn check(api: &Api, ledger: &Ledger, provider: &Provider) -> Result<String, Failure> {
    settled(api).await?;
    let mut by_event: BTreeMap<u64, Vec<String>> = BTreeMap::new();
    let mut mistakes = Vec::new();
    let (mut runs, mut interrupted) = (0_usize, 0_usize);
    for id in all(api, &format!("workflow={ID}")).await? {
        let run = api.get(&format!("/api/v1/runs/{id}")).await?;
        runs += 1;
        let Some(n) = run["trigger"]["data"]["number"].as_u64() else {
            mistakes.push((format!("run {id} does not know its event"), run));
            continue;
        };
        by_event.entry(n).or_default().push(id.clone());
        let found = if is_interrupted(&run) {
            interrupted += 1;
            callbacks(&run, ledger, n)
        } else {
            mistakes_of(&run, n, ledger, provider)
        };
        mistakes.extend(
            found.into_iter().map(|mistake| (format!("run {id} of event {n}: {mistake}"), run.clone())),
        );
    }
    for (n, acknowledged) in ledger.events() {
        let found: BTreeSet<String> = by_event.get(&n).into_iter().flatten().cloned().collect();
        if found.len() != 1 || found != acknowledged {
            let text = format!("event {n} was acknowledged with {acknowledged:?} and has the runs {found:?}");
            mistakes.push((text, Value::Null));
        }
    }
    mistakes.extend(calls(api, &by_event).await?.into_iter().map(|mistake| (mistake, Value::Null)));
    if !mistakes.is_empty() {
        return Err(told(&mistakes));
    }
    if interrupted * INTERRUPTED_AT_MOST > runs {
        let text =
            format!("{interrupted} of {runs} runs were interrupted too often, so that too few are checked");
        return Err(Failure::new(text));
    }
    no_hook_is_forgotten(api, provider).await?;
    Ok(format!(
        "{ledger}; {runs} runs, {interrupted} of them interrupted too often; nothing is lost, nothing is doubled"
    ))
}

/// What is wrong with the runs that were called: each run calls one, which belongs to it and has ended. One that was
/// cancelled, or was interrupted too often, may not have come to its call.
async fn calls(api: &Api, callers: &BTreeMap<u64, Vec<String>>) -> Result<Vec<String>, Failure> {
    let mut called: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    for id in all(api, &format!("workflow={CALLED}")).await? {
        let run = api.get(&format!("/api/v1/runs/{id}")).await?;
        called.entry(run["trigger"]["data"]["number"].as_u64().unwrap_or_default()).or_default().push(run);
    }
    let mut mistakes = Vec::new();
    for (n, runs) in &called {
        let mine = |run: &Value| {
            let parent = run["parent"].as_str();
            callers.get(n).into_iter().flatten().any(|caller| parent == Some(caller))
        };
        let ended =
            |run: &Value| ["completed", "cancelled", "failed"].iter().any(|end| run["status"] == *end);
        if runs.len() > 1 || !runs.iter().all(|run| mine(run) && ended(run)) {
            mistakes.push(format!("event {n} has called {runs:?}"));
        }
    }
    Ok(mistakes)
}

/// Whether a run has failed as one of its executions was interrupted three times in a row (s7).
fn is_interrupted(run: &Value) -> bool {
    let error = run["error"].as_str().unwrap_or_default();
    run["status"] == "failed" && error.contains("times in a row and is not tried again")
}

/// What is wrong with a run.
fn mistakes_of(run: &Value, n: u64, ledger: &Ledger, provider: &Provider) -> Vec<String> {
    let plan = plan(n);
    let mut mistakes = callbacks(run, ledger, n);
    let mut expect = |what: &str, found: &Value, expected: Value| {
        if *found != expected {
            mistakes.push(format!("{what}: {found}, expected {expected}"));
        }
    };
    let status = match plan {
        Plan::Leave => "waiting",
        Plan::Cancel => "cancelled",
        Plan::Answer(_) => "completed",
    };
    expect("status", &run["status"], status.into());
    let ask = execution(run, "ask");
    let approved = ask["outcome"] == "approved";
    expect("keys of the effect `after`", &provider.effects("after", n).into(), usize::from(approved).into());
    for effect in EFFECTS {
        let keys = provider.effects(effect, n);
        // A run that was cancelled has not come so far everywhere.
        let expected = if plan == Plan::Cancel && effect != "before" { keys.min(1) } else { 1 };
        expect(&format!("keys of the effect `{effect}`"), &keys.into(), expected.into());
    }
    let questions = provider.questions(n);
    expect("questions", &questions.len().into(), 1.into());
    let withdrawn = questions.first().is_some_and(|question| question.withdrawn);
    expect("the question is withdrawn", &withdrawn.into(), (plan == Plan::Cancel).into());
    let mut visits: BTreeMap<&str, usize> = BTreeMap::new();
    for step in steps(run) {
        *visits.entry(step).or_default() += 1;
    }
    for (step, visits) in visits {
        let rounds = ROUNDS.iter().find(|(name, _)| *name == step).map_or(1, |(_, rounds)| *rounds);
        let expected = if plan == Plan::Cancel { visits.min(rounds) } else { rounds };
        expect(&format!("executions of `{step}`"), &visits.into(), expected.into());
    }
    mistakes
}

/// What is wrong with the callbacks of a run: each that was acknowledged is recorded once, with what became of it, and
/// one of all has ended the wait.
fn callbacks(run: &Value, ledger: &Ledger, n: u64) -> Vec<String> {
    let ask = execution(run, "ask");
    let callbacks: Vec<(&str, &str)> = ask["callbacks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|callback| (callback["request"]["query"].as_str(), callback["status"].as_str()))
        .map(|(query, status)| {
            (
                query.and_then(|query| query.strip_prefix("id=")).unwrap_or_default(),
                status.unwrap_or_default(),
            )
        })
        .collect();
    let mut mistakes = Vec::new();
    for id in ledger.callbacks(n) {
        let fates: Vec<&str> =
            callbacks.iter().filter(|(known, _)| *known == id).map(|(_, status)| *status).collect();
        if !matches!(fates.as_slice(), ["finished" | "unused"]) {
            mistakes.push(format!("callback {id} was acknowledged and became {fates:?}"));
        }
    }
    let finished: Vec<&str> =
        callbacks.iter().filter(|(_, status)| *status == "finished").map(|(id, _)| *id).collect();
    let resolved = match finished.as_slice() {
        // The one that ended the wait may have been interrupted too often instead.
        [] => !ask["outcome"].is_string(),
        [id] => ask["data"]["by"] == *id || ask["status"] == "failed",
        _ => false,
    };
    if !resolved {
        mistakes.push(format!("the outcome {} came from the callbacks {finished:?}", ask["data"]));
    }
    mistakes
}

fn steps(run: &Value) -> impl Iterator<Item = &str> {
    run["executions"].as_array().into_iter().flatten().filter_map(|execution| execution["step"].as_str())
}

/// The execution of a step; null if the run has not come to it.
fn execution<'a>(run: &'a Value, step: &str) -> &'a Value {
    let mut executions = run["executions"].as_array().into_iter().flatten();
    executions.find(|execution| execution["step"] == step).unwrap_or(&Value::Null)
}

fn told(mistakes: &[(String, Value)]) -> Failure {
    let told = mistakes.iter().take(TOLD).enumerate().map(|(index, (mistake, run))| {
        if index < TOLD_WITH_HISTORY { format!("{mistake}\n{run:#}") } else { mistake.clone() }
    });
    let told: Vec<String> = told.collect();
    Failure::new(format!("{} mistakes:\n{}", mistakes.len(), told.join("\n")))
}

/// Waits until no run is under way.
async fn settled(api: &Api) -> Result<(), Failure> {
    for status in ["queued", "running", "cancelling"] {
        let left = std::cell::RefCell::new(Vec::new());
        let done = until(&format!("the runs that are {status}"), async || {
            left.replace(all(api, &format!("status={status}")).await.ok()?);
            left.borrow().is_empty().then_some(())
        })
        .await;
        if let Err(failure) = done {
            let left = left.take();
            let first =
                api.get(&format!("/api/v1/runs/{}", left.first().cloned().unwrap_or_default())).await?;
            return Err(Failure::new(format!("{failure}; left are {left:?}\n{first:#}")));
        }
    }
    // Whoever slept has woken.
    until("the runs that sleep", async || {
        for id in all(api, "status=waiting").await.ok()? {
            let run = api.get(&format!("/api/v1/runs/{id}")).await.ok()?;
            if execution(&run, "sleep")["status"] == "waiting" {
                return None;
            }
        }
        Some(())
    })
    .await
}

/// The ids of all runs that a query selects.
async fn all(api: &Api, query: &str) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("/api/v1/runs?limit=200&{query}{cursor}")).await?;
        let runs = page["runs"].as_array().into_iter().flatten();
        ids.extend(runs.filter_map(|run| run["id"].as_str()).map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(ids),
        }
    }
}

/// Waits until the provider keeps the webhook of the enabled version, and beside it only those whose removal, or whose
/// own making, is shown to have been interrupted too often: no registration was forgotten.
async fn no_hook_is_forgotten(api: &Api, provider: &Provider) -> Result<(), Failure> {
    until("the removal of the webhooks of old versions", async || {
        let versions = api.get(&format!("/api/v1/workflows/{ID}/versions")).await.ok()?;
        let activations: Vec<(&str, &str)> = versions["versions"]
            .as_array()?
            .iter()
            .map(|version| &version["activation"])
            .filter_map(|activation| {
                Some((activation["trigger_callback_url"].as_str()?, activation["status"].as_str()?))
            })
            .collect();
        let status =
            |url: &str| activations.iter().find(|(known, _)| *known == url).map(|(_, status)| *status);
        let hooks: Vec<Option<&str>> = provider.hooks().iter().map(|hook| status(&hook.url)).collect();
        let active = hooks.iter().filter(|status| **status == Some("active")).count();
        let shown = |status| matches!(status, Some("active" | "activation_failed" | "deactivation_failed"));
        (active == 1 && hooks.into_iter().all(shown)).then_some(())
    })
    .await
}

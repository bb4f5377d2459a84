//! `doctor`.

use serde_json::Value;

use super::client::Client;
use super::output::{cell, items};
use super::{Done, Failure, Print, output};

/// Looks at the engine and its database. Fails if something needs a person.
pub(super) async fn run(client: &Client, print: Print) -> Done {
    let value = client.get("/api/v1/doctor").await?;
    if print.json {
        output::json(&value);
    } else {
        tell(&value);
    }
    let lists = ["/blocks", "/deactivation_failed", "/unreadable/newest"];
    match lists.iter().filter_map(|list| value.pointer(list)?.as_array()).map(Vec::len).sum::<usize>() {
        0 => Ok(()),
        1 => Err(Failure("1 thing needs a person".to_owned())),
        several => Err(Failure(format!("{several} things need a person"))),
    }
}

fn tell(value: &Value) {
    let bytes = |field: &str| value.pointer(field).and_then(Value::as_u64).map(|bytes| bytes / (1024 * 1024));
    let free =
        bytes("/database/free_bytes").map_or_else(String::new, |free| format!(", {free} MiB of it free"));
    output::line(&format!("The database has {} MiB{free}", bytes("/database/bytes").unwrap_or_default()));
    if value.pointer("/database/gives_space_back") == Some(&Value::Bool(false)) {
        output::line("  It was made without auto_vacuum and keeps its size; see docs/interface.md");
    }
    match cell(value, "/oldest_waiting/id").as_str() {
        "" => output::line("No run waits"),
        run => {
            let since = cell(value, "/oldest_waiting/created_at");
            output::line(&format!("The oldest run that waits is {run}, started {since}"));
        }
    }
    for failed in items(value, "deactivation_failed") {
        let (workflow, error) = (cell(failed, "/workflow_id"), cell(failed, "/error"));
        output::line(&format!("{workflow}: a trigger could not be deactivated: {error}"));
        output::line(&format!("  `stepwell deactivate {workflow}` tries again"));
    }
    for failing in items(value, "deactivation_failing") {
        let [workflow, error, again] =
            ["/workflow_id", "/error", "/again_at"].map(|field| cell(failing, field));
        output::line(&format!("{workflow}: a trigger is being deactivated, at {again} again: {error}"));
    }
    unreadable_runs(value);
    refused(value);
    unfit_blocks(items(value, "blocks"));
}

/// Prints the runs that this engine cannot read, if there are any.
fn unreadable_runs(value: &Value) {
    let Some(unreadable) =
        value.get("unreadable").filter(|unreadable| !items(unreadable, "newest").is_empty())
    else {
        return;
    };
    let rows: Vec<Vec<String>> = items(unreadable, "newest")
        .iter()
        .map(|run| ["/run_id", "/workflow_id", "/problem"].map(|field| cell(run, field)).to_vec())
        .collect();
    let runs = cell(unreadable, "/runs");
    output::line(&format!(
        "Left as they are, since this engine cannot read them: {runs} runs, of which the newest are"
    ));
    output::table(&["RUN", "WORKFLOW", "PROBLEM"], &rows);
}

/// Prints how many requests were refused at the callback URLs, and why.
fn refused(value: &Value) {
    let reasons = value.pointer("/refused/by_reason").and_then(Value::as_object).into_iter().flatten();
    let reasons: Vec<String> =
        reasons.map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
    if !reasons.is_empty() {
        let since = cell(value, "/refused/since");
        output::line(&format!("Refused at callback URLs since {since}: {}", reasons.join(", ")));
    }
}

/// Prints the blocks that are missing or changed, if there are any.
pub(super) fn unfit_blocks(blocks: &[Value]) {
    if blocks.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = blocks
        .iter()
        .map(|block| {
            let list = |field: &str| {
                let words = items(block, field).iter().filter_map(Value::as_str);
                words.collect::<Vec<_>>().join(", ")
            };
            vec![cell(block, "/block"), list("workflows"), cell(block, "/runs"), list("problems")]
        })
        .collect();
    output::line("Left waiting, unharmed, for a binary with these blocks:");
    output::table(&["BLOCK", "WORKFLOWS", "RUNS", "PROBLEM"], &rows);
}

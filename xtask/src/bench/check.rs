//! After a load: whether what was measured has really happened.

use serde_json::Value;

use super::Outcome;
use super::engine::Engine;
use crate::failure::Failure;

/// Of how many runs the history is read.
const SAMPLE: usize = 500;
/// How many runs the API lists at once.
const PAGE: usize = 200;

/// Checks that a workflow has exactly this many runs, each of them completed, and reads the histories of a sample
/// that is spread over all: each step once, in order, with one attempt and the outcome's data of the event.
pub(super) async fn completed(
    engine: &Engine,
    workflow: &str,
    expected: usize,
    steps: &[&str],
) -> Outcome<()> {
    let mut client = engine.client().await?;
    let mut runs = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/runs?workflow={workflow}&limit={PAGE}{cursor}");
        let page = client.get(&path).await?;
        for run in page["runs"].as_array().into_iter().flatten() {
            let id = run["id"].as_str().unwrap_or_default().to_owned();
            if run["status"] != "completed" {
                return Err(Failure::new(format!("run {id} is {} instead of completed", run["status"])));
            }
            runs.push(id);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    if runs.len() != expected {
        return Err(Failure::new(format!("{expected} runs were acknowledged and there are {}", runs.len())));
    }
    for id in runs.iter().step_by((runs.len() / SAMPLE).max(1)) {
        let run = client.get(&format!("/api/v1/runs/{id}")).await?;
        history(&run, steps).map_err(|why| Failure::new(format!("run {id}: {why}: {run}")))?;
    }
    eprintln!("   {} runs are completed, and the histories of a sample are as they should be", runs.len());
    Ok(())
}

fn history(run: &Value, steps: &[&str]) -> Result<(), String> {
    let executions = run["executions"].as_array().ok_or("there are no executions")?;
    let names: Vec<&str> = executions.iter().filter_map(|execution| execution["step"].as_str()).collect();
    if names != steps {
        return Err(format!("its steps are {names:?}"));
    }
    for execution in executions {
        let handlers = execution["attempts"].as_array().map_or(0, Vec::len);
        let calls = if execution["block"] == "bench-blocks/wait" { 2 } else { 1 };
        if execution["status"] != "completed" || handlers != calls || execution["data"]["value"].is_null() {
            return Err(format!("step {} is not as it should be", execution["step"]));
        }
    }
    Ok(())
}

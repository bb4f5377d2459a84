//! What the terminal tells: each stage as it happens, and what to type next.

use std::collections::BTreeSet;
use std::error::Error;
use std::process;
use std::time::Duration;

use issue_triage::provider::Provider;
use serde_json::{Value, json};

use super::api::{Api, Execution, Run};

const WORKFLOW: &str = "issue-triage";
const DEFINITION: &str = include_str!("../../workflows/issue-triage.yaml");
const DELIVERY: &str = include_str!("../../deliveries/issues.opened.json");

/// How often the engine is asked how far it is: often enough to look immediate.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often the engine is asked whether the workflow is enabled before that counts as failed: for 30 s.
const LOOKS_FOR_ENABLED: u32 = 300;

/// How often the engine is asked for the run of a delivery before that counts as failed: for 10 s.
const LOOKS_FOR_RUN: u32 = 100;

pub(super) struct Story {
    api: Api,
    provider: Provider,
    /// What has been told, so that nothing is told twice.
    told: BTreeSet<String>,
}

impl Story {
    pub(super) fn new(api: Api, provider: Provider) -> Self {
        Self { api, provider, told: BTreeSet::new() }
    }

    /// Tells one run from its beginning, or from where a killed process left it, to its end.
    pub(super) async fn tell(mut self) -> Result<(), Box<dyn Error>> {
        let live = self.api.runs(WORKFLOW).await?.into_iter().find(Run::is_live);
        let run = if let Some(run) = live {
            println!(
                "• Run {} is still {} from before the restart; no new issue is sent.",
                run.id, run.status
            );
            run.id
        } else {
            self.enable().await?;
            self.deliver().await?
        };
        self.follow(&run).await
    }

    /// Enables the workflow unless it is, and its webhook leads here.
    async fn enable(&self) -> Result<(), Box<dyn Error>> {
        let workflow = self.api.workflow(WORKFLOW).await?;
        let leads_here = self.provider.ledger().hooks.iter().any(|hook| hook.url.starts_with(self.api.url()));
        if leads_here && workflow.as_ref().is_some_and(is_enabled) {
            println!("• Workflow `{WORKFLOW}` is enabled.");
            return Ok(());
        }
        self.api.enable(WORKFLOW, &self.definition()?).await?;
        for _ in 0..LOOKS_FOR_ENABLED {
            if self.api.workflow(WORKFLOW).await?.as_ref().is_some_and(is_enabled) {
                println!("• Workflow `{WORKFLOW}` is enabled: its trigger has registered a webhook.");
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let workflow = self.api.workflow(WORKFLOW).await?.unwrap_or_default();
        Err(format!("The workflow could not be enabled: {workflow}").into())
    }

    /// The committed workflow, with the address of this provider.
    fn definition(&self) -> Result<Value, Box<dyn Error>> {
        let mut definition: Value = serde_yaml_ng::from_str(DEFINITION)?;
        set_api_url(&mut definition, &self.provider.url());
        Ok(definition)
    }

    /// Sends an issue to the webhook and gives the run that it has started.
    async fn deliver(&self) -> Result<String, Box<dyn Error>> {
        let known = self.run_ids().await?;
        for delivered in self.provider.deliver("issues", DELIVERY).await {
            match delivered.answer {
                Ok(status) => {
                    println!("• An issue was opened; its signed delivery was answered with {status}.");
                }
                Err(error) => {
                    return Err(format!("The webhook at {} did not answer: {error}", delivered.url).into());
                }
            }
        }
        for _ in 0..LOOKS_FOR_RUN {
            if let Some(run) = self.run_ids().await?.difference(&known).next() {
                println!("• Run {run} has started.");
                return Ok(run.clone());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err("The delivery has started no run.".into())
    }

    async fn run_ids(&self) -> Result<BTreeSet<String>, Box<dyn Error>> {
        Ok(self.api.runs(WORKFLOW).await?.into_iter().map(|run| run.id).collect())
    }

    /// Tells what happens in the run until it ends.
    async fn follow(&mut self, id: &str) -> Result<(), Box<dyn Error>> {
        loop {
            let run = self.api.run(id).await?;
            for execution in &run.executions {
                self.tell_execution(execution);
            }
            if !run.is_live() {
                self.tell_end(&run);
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn tell_execution(&mut self, execution: &Execution) {
        let Execution { step, outcome, data, finish_callback_url, .. } = execution;
        if let Some(outcome) = outcome {
            if self.told.insert(format!("{step} {outcome}")) {
                let data = if data.is_null() { String::new() } else { format!(" {data}") };
                println!("• Step `{step}`: {outcome}{data}");
            }
        } else if let Some(url) = finish_callback_url
            && self.told.insert(format!("{step} waits"))
        {
            println!("• Step `{step}` waits for a maintainer. Approve with");
            println!("\n    {}\n", approval(url));
            println!("  or first kill the engine and start it again; the run goes on waiting:");
            println!("\n    kill -9 {}\n", process::id());
        }
    }

    fn tell_end(&self, run: &Run) {
        let steps: Vec<_> = run.executions.iter().map(|execution| execution.step.as_str()).collect();
        println!("• Run {} is {}: {}.", run.id, run.status, steps.join(" → "));
        for execution in run.executions.iter().filter(|execution| !execution.error.is_null()) {
            println!("  `{}` failed: {}", execution.step, execution.error);
        }
        for application in self.provider.ledger().labels.values() {
            let issue = format!("{}#{}", application.repository, application.number);
            println!("  The issue tracker has put `{}` on {issue}.", application.labels.join("`, `"));
        }
    }
}

/// The command that approves.
fn approval(url: &str) -> String {
    let answer = json!({ "approved": true, "by": "you" });
    format!("curl -X POST -H 'content-type: application/json' -d '{answer}' '{url}'")
}

fn is_enabled(workflow: &Value) -> bool {
    workflow["status"] == "enabled" || workflow["enabled"] == true
}

/// Sets `api_url` in every config.
fn set_api_url(definition: &mut Value, url: &str) {
    match definition {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "api_url" {
                    *value = url.into();
                } else {
                    set_api_url(value, url);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| set_api_url(item, url)),
        _ => {}
    }
}

//! `cancel`, `retry` and `replay` of one run or of all that a filter selects, `operations`, `operation`.

use std::io::{IsTerminal as _, Write as _};

use serde_json::{Value, json};

use super::client::Client;
use super::output::{cell, items};
use super::{Done, Failure, Print, output, runs};

/// A run, or all that the options select.
#[derive(Debug, clap::Args)]
pub(super) struct Chosen {
    /// The run's id
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<String>,
    /// All runs that the options select
    #[arg(long)]
    all: bool,
    /// Only of this workflow
    #[arg(long, requires = "all")]
    workflow: Option<String>,
    /// Only with this status
    #[arg(long, requires = "all")]
    status: Option<String>,
    /// Only those that started at this time or later, such as 2026-01-31T12:00:00Z
    #[arg(long, requires = "all", value_name = "TIME")]
    created_after: Option<jiff::Timestamp>,
    /// Only those that started earlier
    #[arg(long, requires = "all", value_name = "TIME")]
    created_before: Option<jiff::Timestamp>,
    /// How many runs a second; 50 if it is not set
    #[arg(long, requires = "all")]
    rate: Option<u32>,
    /// Only say how many runs there are
    #[arg(long, requires = "all")]
    dry_run: bool,
    /// Do not ask
    #[arg(long, requires = "all")]
    yes: bool,
    #[command(flatten)]
    print: Print,
}

/// A run that has ended, or all that the options select, to go through again.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    #[command(flatten)]
    chosen: Chosen,
    /// Begin with this step, with what the steps before it have recorded
    #[arg(long, value_name = "STEP", conflicts_with = "all")]
    from: Option<String>,
    /// Run on the workflow's draft instead of the run's own version
    #[arg(long, conflicts_with = "all")]
    draft: bool,
}

/// An operation's id.
#[derive(Debug, clap::Args)]
pub(super) struct Shown {
    /// The operation's id
    id: String,
    /// Stop it; what it has done stays done
    #[arg(long)]
    stop: bool,
    #[command(flatten)]
    print: Print,
}

impl Chosen {
    pub(super) async fn cancel(self, client: &Client) -> Done {
        match self.id {
            Some(id) => runs::cancel(client, &id, self.print).await,
            None => self.apply(client, "cancel").await,
        }
    }

    pub(super) async fn retry(self, client: &Client) -> Done {
        match self.id {
            Some(id) => runs::retry(client, &id, self.print).await,
            None => self.apply(client, "retry").await,
        }
    }

    async fn apply(self, client: &Client, action: &str) -> Done {
        let mut body = json!({
            "action": action,
            "filter": {
                "workflow": self.workflow,
                "status": self.status,
                "created_after": self.created_after,
                "created_before": self.created_before,
            },
            "rate": self.rate,
            "dry_run": true,
        });
        let counted = client.post("/api/v1/operations", Some(&body)).await?;
        let matched = cell(&counted, "/matched");
        if self.dry_run {
            output::answer(self.print, &counted, &format!("{matched} runs are selected"));
            return Ok(());
        }
        if !self.yes && !confirmed(&format!("{action} {matched} runs?"))? {
            return Err(Failure("nothing was done".to_owned()));
        }
        body["dry_run"] = Value::Bool(false);
        let started = client.post("/api/v1/operations", Some(&body)).await?;
        let id = cell(&started, "/id");
        let words =
            format!("{matched} runs are selected; `stepwell operation {id}` says how far it has come");
        output::answer(self.print, &started, &words);
        Ok(())
    }
}

impl Replay {
    pub(super) async fn run(self, client: &Client) -> Done {
        match self.chosen.id {
            Some(id) => runs::replay(client, &id, self.from, self.draft, self.chosen.print).await,
            None => self.chosen.apply(client, "replay").await,
        }
    }
}

/// Asks a person.
fn confirmed(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure(
            "nobody can be asked; say --yes, or --dry-run to see how many runs there are".to_owned(),
        ));
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

pub(super) async fn list(client: &Client, print: Print) -> Done {
    let value = client.get("/api/v1/operations").await?;
    if print.json {
        output::json(&value);
        return Ok(());
    }
    table(items(&value, "operations"));
    Ok(())
}

pub(super) async fn one(client: &Client, Shown { id, stop, print }: Shown) -> Done {
    let path = format!("/api/v1/operations/{id}");
    if stop {
        let stopped = client.delete(&path).await?;
        output::answer(print, &stopped, &format!("Stopped {id}"));
        return Ok(());
    }
    let value = client.get(&path).await?;
    if print.json {
        output::json(&value);
        return Ok(());
    }
    table(std::slice::from_ref(&value));
    for kind in ["skipped", "failed"] {
        for (reason, runs) in value.get(kind).and_then(Value::as_object).into_iter().flatten() {
            output::line(&format!("{kind} {runs}: {reason}"));
        }
    }
    Ok(())
}

fn table(operations: &[Value]) {
    let rows: Vec<Vec<String>> = operations
        .iter()
        .map(|operation| {
            ["/id", "/action", "/status", "/matched", "/done", "/created_at"]
                .map(|field| cell(operation, field))
                .to_vec()
        })
        .collect();
    output::table(&["ID", "ACTION", "STATUS", "MATCHED", "DONE", "STARTED"], &rows);
}

//! `start`, `runs`, `run`, `cancel`, `retry`, `replay`, `waiting`, `links`.

use serde_json::{Value, json};

use super::client::Client;
use super::output::{cell, items};
use super::{Done, Failure, Print, output};

/// Start a run by hand.
#[derive(Debug, clap::Args)]
pub(super) struct Start {
    /// The workflow's id
    workflow: String,
    /// The trigger's outcome; needed where it has several
    #[arg(long)]
    outcome: Option<String>,
    /// The outcome's data, JSON
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    #[command(flatten)]
    print: Print,
}

/// List runs, newest first.
#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Only of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// Only with this status
    #[arg(long)]
    status: Option<String>,
    /// Only those that this engine cannot read
    #[arg(long)]
    unreadable: bool,
    /// Go on from where the last page ended
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    print: Print,
}

/// Show a run.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The run's id
    id: String,
    /// Follow the run until it ends
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    print: Print,
}

impl Start {
    pub(super) async fn run(self, client: &Client) -> Done {
        let data: Value = match &self.data {
            None => Value::Null,
            Some(text) => {
                serde_json::from_str(text).map_err(|error| Failure(format!("--data is not JSON: {error}")))?
            }
        };
        let body = json!({ "outcome": self.outcome, "data": data });
        let started = client.post(&format!("/api/v1/workflows/{}/runs", self.workflow), Some(&body)).await?;
        output::answer(self.print, &started, &cell(&started, "/id"));
        Ok(())
    }
}

impl List {
    pub(super) async fn run(self, client: &Client) -> Done {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in
            [("workflow", &self.workflow), ("status", &self.status), ("cursor", &self.cursor)]
        {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        if self.unreadable {
            query.append_pair("unreadable", "true");
        }
        let value = client.get(&format!("/api/v1/runs?{}", query.finish())).await?;
        if self.print.json {
            output::json(&value);
            return Ok(());
        }
        let rows: Vec<Vec<String>> = items(&value, "runs")
            .iter()
            .map(|run| {
                let fields = ["/id", "/workflow_id", "/status", "/created_at", "/finished_at"];
                let mut cells = fields.map(|field| cell(run, field)).to_vec();
                if run.get("unreadable").is_some() {
                    cells[2] += ", unreadable";
                }
                cells
            })
            .collect();
        output::table(&["ID", "WORKFLOW", "STATUS", "STARTED", "ENDED"], &rows);
        Ok(())
    }
}

impl Show {
    pub(super) async fn run(self, client: &Client) -> Done {
        let path = format!("/api/v1/runs/{}", self.id);
        let mut run = client.get(&path).await?;
        let mut told = 0;
        loop {
            if self.watch && !self.print.json {
                told = tell(&run, told);
            }
            let status = cell(&run, "/status");
            if !self.watch || matches!(status.as_str(), "completed" | "failed" | "cancelled") {
                break;
            }
            let after = format!("{path}?wait=30&after={}", cell(&run, "/sequence"));
            run = client.get(&after).await?;
        }
        if self.print.json {
            output::json(&run);
            return Ok(());
        }
        if !self.watch {
            tell(&run, 0);
        }
        output::line(&format!("The run is {}", cell(&run, "/status")));
        let error = cell(&run, "/error");
        if !error.is_empty() {
            output::line(&format!("error: {error}"));
        }
        Ok(())
    }
}

/// Prints what has happened beyond what has been told, and says how much there is: the attempts, and the outcomes of
/// what the engine itself carries out.
fn tell(run: &Value, told: usize) -> usize {
    let mut count = 0;
    for execution in items(run, "executions") {
        let outcome = cell(execution, "/outcome");
        if items(execution, "attempts").is_empty() && !outcome.is_empty() {
            count += 1;
            if count > told {
                output::line(&format!("{:27}  {}  outcome {outcome}", "", cell(execution, "/step")));
            }
        }
        for attempt in items(execution, "attempts").iter().filter(|attempt| attempt.get("ended_at").is_some())
        {
            count += 1;
            if count > told {
                let result = [cell(attempt, "/result"), cell(attempt, "/outcome"), cell(attempt, "/message")]
                    .join(" ");
                let (at, step, handler) =
                    (cell(attempt, "/ended_at"), cell(execution, "/step"), cell(attempt, "/handler"));
                output::line(&format!(
                    "{at}  {step}  {handler} #{}  {}",
                    cell(attempt, "/number"),
                    result.trim()
                ));
            }
        }
        if count >= told && cell(execution, "/status") == "waiting" {
            output::line(&format!(
                "    waits for {} at {}",
                cell(execution, "/waiting_for/text"),
                cell(execution, "/finish_callback_url")
            ));
        }
    }
    count
}

pub(super) async fn cancel(client: &Client, id: &str, print: Print) -> Done {
    let answer = client.post(&format!("/api/v1/runs/{id}/cancel"), None).await?;
    output::answer(print, &answer, &format!("Cancelling {id}"));
    Ok(())
}

pub(super) async fn retry(client: &Client, id: &str, print: Print) -> Done {
    let answer = client.post(&format!("/api/v1/runs/{id}/retry"), None).await?;
    output::answer(print, &answer, &format!("Retrying {id}"));
    Ok(())
}

pub(super) async fn replay(
    client: &Client,
    id: &str,
    from: Option<String>,
    draft: bool,
    print: Print,
) -> Done {
    let body = json!({ "from": from, "version": if draft { "draft" } else { "same" } });
    let started = client.post(&format!("/api/v1/runs/{id}/replay"), Some(&body)).await?;
    output::answer(print, &started, &cell(&started, "/id"));
    Ok(())
}

/// Show the links by which the people answer whom a run asks. Whoever has a link can answer in that person's name.
#[derive(Debug, clap::Args)]
pub(super) struct Links {
    /// The run's id
    id: String,
    #[command(flatten)]
    print: Print,
}

impl Links {
    pub(super) async fn run(self, client: &Client) -> Done {
        let value = client.get(&format!("/api/v1/runs/{}/links", self.id)).await?;
        if self.print.json {
            output::json(&value);
            return Ok(());
        }
        let rows: Vec<Vec<String>> = items(&value, "links")
            .iter()
            .map(|link| ["/step", "/name", "/link"].map(|field| cell(link, field)).to_vec())
            .collect();
        output::table(&["STEP", "NAME", "LINK"], &rows);
        Ok(())
    }
}

pub(super) async fn waiting(client: &Client, print: Print) -> Done {
    let value = client.get("/api/v1/waiting").await?;
    if print.json {
        output::json(&value);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items(&value, "waiting")
        .iter()
        .map(|wait| {
            let fields = [
                "/run_id",
                "/workflow_id",
                "/step",
                "/block",
                "/waiting_since",
                "/waiting_for/text",
                "/finish_callback_url",
            ];
            let mut cells = fields.map(|field| cell(wait, field)).to_vec();
            cells[4] = age(&cells[4]);
            cells
        })
        .collect();
    output::table(&["RUN", "WORKFLOW", "STEP", "BLOCK", "AGE", "WAITS FOR", "CALLBACK URL"], &rows);
    Ok(())
}

/// How long ago a time was, such as `3h 12m`.
fn age(since: &str) -> String {
    let Ok(since) = since.parse::<jiff::Timestamp>() else { return String::new() };
    let seconds = jiff::Timestamp::now().duration_since(since).as_secs().max(0);
    match (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds}s"),
        (0, 0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (0, hours, minutes, _) => format!("{hours}h {minutes}m"),
        (days, hours, ..) => format!("{days}d {hours}h"),
    }
}

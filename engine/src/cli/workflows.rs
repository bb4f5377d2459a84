//! `workflows`, `export`, `enable`, `disable`, `deactivate`, `sample`.

use std::path::PathBuf;

use super::client::Client;
use super::output::{cell, items};
use super::{Done, Failure, Print, output};

/// A workflow's id.
#[derive(Debug, clap::Args)]
pub(super) struct Id {
    /// The workflow's id
    id: String,
    #[command(flatten)]
    print: Print,
}

pub(super) async fn list(client: &Client, print: Print) -> Done {
    let value = client.get("/api/v1/workflows").await?;
    if print.json {
        output::json(&value);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items(&value, "workflows")
        .iter()
        .map(|workflow| {
            ["/id", "/title", "/enabled", "/versions", "/error"].map(|field| cell(workflow, field)).to_vec()
        })
        .collect();
    output::table(&["ID", "TITLE", "ENABLED", "VERSIONS", "ERROR"], &rows);
    Ok(())
}

/// Write a workflow as a file for `apply`, without its secrets.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The workflow's id
    id: String,
    /// The file to write; without it, the workflow is printed
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The draft, which is the default
    #[arg(long, conflicts_with = "version")]
    draft: bool,
    /// A version instead of the draft
    #[arg(long, value_name = "N")]
    version: Option<u32>,
    /// Write JSON instead of YAML
    #[arg(long)]
    json: bool,
}

impl Export {
    pub(super) async fn run(self, client: &Client) -> Done {
        let version = self.version.map(|number| format!("?version={number}")).unwrap_or_default();
        let mut file = client.text(&format!("/api/v1/workflows/{}/export{version}", self.id)).await?;
        if self.json {
            let value: serde_json::Value = serde_yaml_ng::from_str(&file)?;
            file = format!("{value:#}\n");
        }
        match self.output {
            None => output::text(&file),
            Some(path) => std::fs::write(&path, file)
                .map_err(|error| Failure(format!("{} cannot be written: {error}", path.display())))?,
        }
        Ok(())
    }
}

pub(super) async fn enable(client: &Client, Id { id, print }: &Id) -> Done {
    let version = client.post(&format!("/api/v1/workflows/{id}/enable"), None).await?;
    let words = format!("Enabled {id} as version {}", output::enabled(&version));
    output::answer(*print, &version, &words);
    Ok(())
}

pub(super) async fn disable(client: &Client, Id { id, print }: &Id) -> Done {
    let disabled = client.post(&format!("/api/v1/workflows/{id}/disable"), None).await?;
    output::answer(*print, &disabled, &format!("Disabled {id}"));
    Ok(())
}

pub(super) async fn deactivate(client: &Client, Id { id, print }: &Id) -> Done {
    let asked = client.post(&format!("/api/v1/workflows/{id}/deactivate"), None).await?;
    output::answer(*print, &asked, &format!("Deactivating triggers of {id} again"));
    Ok(())
}

/// The data alone, as steps read it; with `--json` also of which run and outcome it is.
pub(super) async fn sample(client: &Client, Id { id, print }: &Id) -> Done {
    let sample = client.get(&format!("/api/v1/workflows/{id}/sample")).await?;
    output::json(if print.json { &sample } else { &sample["data"] });
    Ok(())
}

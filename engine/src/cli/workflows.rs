//! `workflows`, `enable`, `disable`, `deactivate`.

use super::client::Client;
use super::output::{cell, items};
use super::{Done, Print, output};

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

//! `blocks`, `workflows`, `enable`, `disable`.

use stepwell::manifest::Manifest;

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

pub(super) fn blocks(print: Print) -> Done {
    let manifest = Manifest::registered();
    if print.json {
        output::json(&serde_json::to_value(&manifest)?);
        return Ok(());
    }
    let blocks = manifest.apps.iter().flat_map(|app| &app.blocks);
    let rows: Vec<Vec<String>> = blocks
        .map(|block| {
            let kind = serde_json::to_value(block.kind).map(|kind| cell(&kind, "")).unwrap_or_default();
            let outcomes: Vec<_> = block.outcomes.iter().map(|outcome| outcome.id.as_str()).collect();
            vec![block.id.clone(), kind, block.title.clone(), outcomes.join(", ")]
        })
        .collect();
    output::table(&["BLOCK", "KIND", "TITLE", "OUTCOMES"], &rows);
    Ok(())
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
    let words = format!("Enabled {id} as version {}", cell(&version, "/number"));
    output::answer(*print, &version, &words);
    Ok(())
}

pub(super) async fn disable(client: &Client, Id { id, print }: &Id) -> Done {
    let disabled = client.post(&format!("/api/v1/workflows/{id}/disable"), None).await?;
    output::answer(*print, &disabled, &format!("Disabled {id}"));
    Ok(())
}

//! `blocks`.

use stepwell::manifest::{Manifest, manifest_schema};

use super::output::cell;
use super::{Done, output};

/// List the registered blocks.
#[derive(Debug, clap::Args)]
pub(super) struct Blocks {
    /// Print the manifest
    #[arg(long)]
    json: bool,
    /// Print the JSON schema of the manifest
    #[arg(long, conflicts_with = "json")]
    schema: bool,
}

impl Blocks {
    pub(super) fn run(&self) -> Done {
        if self.schema {
            output::json(manifest_schema().as_value());
            return Ok(());
        }
        let manifest = Manifest::registered();
        if self.json {
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
}

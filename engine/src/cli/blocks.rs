//! `blocks`.

use stepwell::manifest::{Manifest, manifest_schema};

use super::output::cell;
use super::{Done, Failure, output};
use crate::definition::unknown;
use crate::reference::of_block;

/// List the registered blocks, or show what some of them take and come to.
#[derive(Debug, clap::Args)]
pub(super) struct Blocks {
    /// Blocks to show, such as `core/webhook`; without any all are listed
    #[arg(conflicts_with_all = ["json", "schema"])]
    ids: Vec<String>,
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
        if !self.ids.is_empty() {
            let ids = blocks.clone().map(|block| block.id.as_str());
            for id in &self.ids {
                let block = blocks.clone().find(|block| block.id == *id);
                let block = block.ok_or_else(|| Failure(unknown("block", id, ids.clone())))?;
                output::line(of_block(block).trim_end());
            }
            return Ok(());
        }
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

//! The published JSON schemas, which are generated: that of manifests from their types, that of workflow files from the
//! built-in blocks.

use std::fs;

use serde_json::Value;
use stepwell::block;
use stepwell::manifest::{Manifest, manifest_schema};
use stepwell_engine::definition::file_schema;

use crate::cargo;
use crate::failure::Failure;

/// Where the schema of manifests lies in the workspace.
const OF_MANIFESTS: &str = "docs/manifest.schema.json";
/// Where the schema of workflow files lies in the workspace.
const OF_WORKFLOWS: &str = "docs/workflow.schema.json";

/// Says which of the committed files are out of date; with `accept` writes them anew.
pub(super) fn settle(accept: bool) -> Result<Vec<String>, Failure> {
    let built_in = file_schema(&Manifest::of(&block::registered(), &[], &[]));
    let mut stale = Vec::new();
    for (file, schema, changed) in [
        (OF_MANIFESTS, manifest_schema().as_value(), "the types of the manifest have changed"),
        (OF_WORKFLOWS, &built_in, "the form of workflow files or a built-in block has changed"),
    ] {
        let path = cargo::root().join(file);
        let generated = format!("{schema:#}\n");
        if fs::read_to_string(&path).is_ok_and(|committed| committed == generated) {
            continue;
        }
        if accept {
            fs::write(&path, generated).map_err(|error| Failure::new(format!("{file}: {error}")))?;
            eprintln!("accepted: {file} is written anew");
        } else {
            stale.push(format!("{file}: {changed}"));
        }
    }
    Ok(stale)
}

/// What in a binary's manifest does not fit the schema.
pub(super) fn misfits(manifest: &Manifest) -> Vec<String> {
    let schema = manifest_schema();
    let validator =
        jsonschema::validator_for(schema.as_value()).expect("the schema of manifests is a schema");
    let manifest = serde_json::to_value(manifest).unwrap_or(Value::Null);
    validator
        .iter_errors(&manifest)
        .map(|error| format!("the manifest does not fit its schema at {}: {error}", error.instance_path()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_schemas_are_up_to_date() {
        let stale = settle(false).expect("the files can be read");
        assert_eq!(stale, [""; 0], "run `cargo xtask validate --accept` and commit what it writes");
    }
}

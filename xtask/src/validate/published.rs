//! The published JSON schema of manifests, which is generated from their types.

use std::fs;

use serde_json::Value;
use stepwell::manifest::{Manifest, manifest_schema};

use crate::cargo;
use crate::failure::Failure;

/// Where the schema lies in the workspace.
const FILE: &str = "docs/manifest.schema.json";

/// Says that the committed file is out of date, if it is; with `accept` writes it anew.
pub(super) fn settle(accept: bool) -> Result<Option<String>, Failure> {
    let path = cargo::root().join(FILE);
    let generated = format!("{:#}\n", manifest_schema().as_value());
    if fs::read_to_string(&path).is_ok_and(|committed| committed == generated) {
        return Ok(None);
    }
    if !accept {
        return Ok(Some(format!("{FILE}: the types of the manifest have changed")));
    }
    fs::write(&path, generated).map_err(|error| Failure::new(format!("{FILE}: {error}")))?;
    eprintln!("accepted: {FILE} is written anew");
    Ok(None)
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
    fn the_committed_schema_is_up_to_date() {
        let stale = settle(false).expect("the file can be read");
        assert_eq!(stale, None, "run `cargo xtask validate --accept` and commit what it writes");
    }
}

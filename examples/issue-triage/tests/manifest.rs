//! What the binary prints of its blocks, for those who read it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

fn run(command: &str) -> Value {
    let binary = env!("CARGO_BIN_EXE_issue-triage");
    let output = Command::new(binary).args(command.split(' ')).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_manifest_fits_its_published_schema() {
    let published =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/manifest.schema.json")).unwrap();
    let schema: Value = serde_json::from_slice(&published).unwrap();
    assert_eq!(run("blocks --schema"), schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut manifest = run("blocks --json");
    let problems: Vec<_> = validator.iter_errors(&manifest).map(|error| error.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new());
    manifest["apps"][0]["blocks"][0]["kind"] = json!("neither");
    assert!(!validator.is_valid(&manifest));
}

#[test]
fn the_blocks_are_as_their_lock_file_promises() {
    let output = Command::new(env!("CARGO_BIN_EXE_issue-triage"))
        .args(["validate"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

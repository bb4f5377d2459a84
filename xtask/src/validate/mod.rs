//! `validate`: the blocks of the workspace's binaries, checked and compared with what was promised.

mod breakage;
mod compare;
mod lock;
mod looked_up;
mod outcome_schema;
mod rules;
mod schema;
mod stored_schema;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use stepwell::manifest::{App, MANIFEST_FORMAT, Manifest};

use crate::cargo::{self, Package};
use crate::failure::Failure;

/// Checks every block and compares each crate with its lock file; with `accept` writes the lock files anew.
pub(crate) fn validate(accept: bool) -> Result<(), Failure> {
    let packages = cargo::packages()?;
    let apps = apps(&packages)?;
    let mut mistakes = rules::check(&apps);
    if mistakes.is_empty() {
        for package in &packages {
            mistakes.extend(lock::settle(package, apps.get(&package.name), accept)?);
        }
    }
    if mistakes.is_empty() {
        let blocks: usize = apps.values().map(|app| app.blocks.len()).sum();
        println!("{blocks} blocks of {} crates are as they should be", apps.len());
        return Ok(());
    }
    Err(Failure::new(mistakes.join("\n")))
}

/// The crates with blocks, by name, as the workspace's binaries describe them.
fn apps(packages: &[Package]) -> Result<BTreeMap<String, App>, Failure> {
    let with_engine: Vec<_> = packages.iter().filter(|package| package.runs_an_engine()).collect();
    if with_engine.is_empty() {
        return Err(Failure::new("no package of the workspace has a binary that runs an engine"));
    }
    let mut apps = BTreeMap::new();
    for binary in cargo::build_binaries(&with_engine)? {
        for app in manifest(&binary)?.apps {
            apps.insert(app.name.clone(), app);
        }
    }
    Ok(apps)
}

/// What `<binary> blocks --json` prints.
fn manifest(binary: &Path) -> Result<Manifest, Failure> {
    let failed = |why: String| Failure::new(format!("`{} blocks --json`: {why}", binary.display()));
    let output = Command::new(binary)
        .args(["blocks", "--json"])
        .output()
        .map_err(|error| failed(format!("it could not be started: {error}")))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let manifest: Manifest = serde_json::from_slice(&output.stdout)
        .map_err(|error| failed(format!("this is not a manifest: {error}")))?;
    if manifest.format != MANIFEST_FORMAT {
        return Err(failed(format!(
            "the manifest has format {}, expected {MANIFEST_FORMAT}",
            manifest.format
        )));
    }
    Ok(manifest)
}

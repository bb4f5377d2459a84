//! `validate`: the blocks of the workspace's binaries, checked and compared with what was promised.

mod published;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::Command;

use stepwell::manifest::{App, MANIFEST_FORMAT, Manifest};
use stepwell_engine::validate::{LOCK_FILE, LockFile, check};

use crate::cargo::{self, Package};
use crate::failure::Failure;

const MEND: &str = "If this is meant, run `cargo xtask validate --accept` and commit what it writes.";

/// Checks every block and compares each crate with its lock file, and the published schemas with what they
/// describe; with `accept` writes these files anew.
pub(crate) fn validate(accept: bool) -> Result<(), Failure> {
    let packages = cargo::packages()?;
    let apps = apps(&packages)?;
    let mistakes = check(apps.values());
    if !mistakes.is_empty() {
        return Err(Failure::new(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")));
    }
    let mut mistakes = published::settle(apps.get("core"), accept)?;
    for package in &packages {
        let app = app_of(&package.name);
        mistakes.extend(settle(package, app, apps.get(app), accept)?);
    }
    if mistakes.is_empty() {
        let blocks: usize = apps.values().map(|app| app.blocks.len()).sum();
        println!("{blocks} blocks of {} crates are as they should be", apps.len());
        return Ok(());
    }
    mistakes.push(MEND.to_owned());
    Err(Failure::new(mistakes.join("\n")))
}

/// What the blocks of a package are called: the built-in ones have a name of their own.
fn app_of(package: &str) -> &str {
    if package == "stepwell-engine" { "core" } else { package }
}

/// Compares a crate with its lock file and says what keeps it from passing.
fn settle(package: &Package, name: &str, app: Option<&App>, accept: bool) -> Result<Vec<String>, Failure> {
    let lock = LockFile::new(package.folder().join(LOCK_FILE), name);
    let settlement = if accept { lock.accept(app) } else { lock.compare(app) }
        .map_err(|error| Failure::new(described(&error)))?;
    for notice in settlement.notices {
        eprintln!("note: {notice}");
    }
    for accepted in settlement.accepted {
        eprintln!("accepted: {accepted}");
    }
    Ok(settlement.mistakes)
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
    let misfits = published::misfits(&manifest);
    if misfits.is_empty() { Ok(manifest) } else { Err(failed(misfits.join("\n"))) }
}

/// An error and its causes.
fn described(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {}", described(cause)))
}

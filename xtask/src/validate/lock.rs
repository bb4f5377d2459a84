//! `blocks.lock.json`: what a crate has promised to the workflows that use its blocks.

use std::fs;
use std::io;
use std::path::Path;

use stepwell::manifest::App;

use super::compare::{breakages, differs};
use crate::cargo::Package;
use crate::failure::Failure;

const LOCK_FILE: &str = "blocks.lock.json";

const MEND: &str = "if this is meant, run `cargo xtask validate --accept` and commit the lock file";

/// Compares a crate with its lock file, and says what keeps it from passing. With `accept` writes the file anew
/// and says what that breaks.
pub(super) fn settle(package: &Package, app: Option<&App>, accept: bool) -> Result<Vec<String>, Failure> {
    settle_at(&package.folder().join(LOCK_FILE), &package.name, app, accept)
}

fn settle_at(path: &Path, name: &str, app: Option<&App>, accept: bool) -> Result<Vec<String>, Failure> {
    let Some(old) = read(path)? else {
        return match app {
            Some(app) if accept => write(path, app).map(|()| Vec::new()),
            Some(_) => Ok(vec![format!("{name}: it has no {LOCK_FILE}; {MEND}")]),
            None => Ok(Vec::new()),
        };
    };
    let breakages: Vec<_> = breakages(&old, app).iter().map(ToString::to_string).collect();
    if accept {
        for breakage in &breakages {
            eprintln!("accepted: {breakage}");
        }
        match app {
            Some(app) => write(path, app)?,
            None => fs::remove_file(path).map_err(|error| failed(path, &error))?,
        }
        return Ok(Vec::new());
    }
    if !breakages.is_empty() {
        return Ok([breakages, vec![format!("{name}: these changes break workflows; {MEND}")]].concat());
    }
    if differs(&old, app) {
        return Ok(vec![format!("{name}: its blocks have changed, and nothing breaks; {MEND}")]);
    }
    Ok(Vec::new())
}

fn read(path: &Path) -> Result<Option<App>, Failure> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(path, &error.into()))
}

fn write(path: &Path, app: &App) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(app).map_err(|error| failed(path, &error.into()))?;
    fs::write(path, text + "\n").map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(text: &str) -> App {
        serde_json::from_str(text).expect("the fixture is well-formed")
    }

    #[test]
    fn a_lock_is_asked_for_written_kept_and_broken_on_purpose_only() {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join(LOCK_FILE);
        let settle =
            |app: Option<&App>, accept| settle_at(&path, "shop", app, accept).expect("it can be read");
        let lock = fixture(include_str!("fixtures/lock.json"));
        let additions = fixture(include_str!("fixtures/additions.json"));
        let broken = fixture(include_str!("fixtures/broken.json"));

        assert!(settle(Some(&lock), false)[0].starts_with("shop: it has no blocks.lock.json"));
        assert!(settle(Some(&lock), true).is_empty());
        assert!(settle(Some(&lock), false).is_empty());
        assert!(settle(Some(&additions), false)[0].contains("nothing breaks"));
        assert!(settle(Some(&broken), false).len() > 1);
        assert!(settle(Some(&broken), true).is_empty());
        assert!(settle(Some(&broken), false).is_empty());
        assert!(!settle(None, false).is_empty());
        assert!(settle(None, true).is_empty());
        assert!(!path.exists());
    }
}

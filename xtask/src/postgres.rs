//! The programs of PostgreSQL, of which tests start a server of their own.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;

const PACKAGE: &str = "postgresql";

/// Sees to it that the programs are there: installs the Debian package where that is possible.
pub(crate) fn ensure() -> Result<(), Failure> {
    if installed() {
        return Ok(());
    }
    eprintln!("installing the package `{PACKAGE}`, of which the tests start a server of their own");
    let apt = |arguments: &[&str]| {
        let status =
            Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status();
        status.is_ok_and(|status| status.success())
    };
    let done = apt(&["update", "-qq"]) && apt(&["install", "-qq", "-y", "--no-install-recommends", PACKAGE]);
    if done && installed() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the programs of PostgreSQL are not there and could not be installed; install the package `{PACKAGE}` and try again"
    )))
}

fn installed() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.into_iter().any(|version| version.path().join("bin/postgres").is_file()) || on_path("postgres")
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder: std::path::PathBuf| Path::new(&folder).join(program).is_file())
}

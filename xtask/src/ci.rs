//! The chores that are nothing but cargo commands.

use crate::crash::Crash;
use crate::sim::Sim;
use crate::{Failure, cargo, postgres, tidy, validate};

/// Runs every test, first those of a crate that `new` makes. Its output ends with the closing lines of `cargo test`.
pub(crate) fn test() -> Result<(), Failure> {
    postgres::ensure()?;
    scaffold()?;
    cargo::run(&["test", "--workspace"], &[])
}

type Stage = fn() -> Result<(), Failure>;

/// Runs everything, the cheapest first and the tests last.
pub(crate) fn everything() -> Result<(), Failure> {
    let stages: [(&str, Stage); 10] = [
        ("format", || cargo::run(&["fmt", "--all", "--check"], &[])),
        ("tidy", || tidy::tidy(false)),
        ("lints", || {
            cargo::run(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"], &[])
        }),
        ("documentation", || {
            cargo::run(&["doc", "--workspace", "--no-deps", "--quiet"], &[("RUSTDOCFLAGS", "-D warnings")])
        }),
        ("validate", || validate::validate(false)),
        ("simulation", || Sim::short().run()),
        ("mutants", || Sim::mutants().run()),
        ("crash", || Crash::short().run()),
        ("crash of several", || Crash::short_shared().run()),
        ("test", test),
    ];
    for (name, stage) in stages {
        eprintln!("== {name}");
        stage()?;
    }
    Ok(())
}

/// Makes a crate of blocks as its author would, and runs its tests and its checks.
fn scaffold() -> Result<(), Failure> {
    let place = cargo::root().join("target/scaffold");
    let crate_ = place.join("my-blocks");
    if crate_.exists() {
        std::fs::remove_dir_all(&crate_)
            .map_err(|error| Failure::new(format!("{} cannot be removed: {error}", crate_.display())))?;
    }
    let path = crate_.display().to_string();
    cargo::run(&["run", "--quiet", "--package", "stepwell-engine", "--", "new", &path], &[])?;
    // The versions that everything else was built with.
    std::fs::copy(cargo::root().join("Cargo.lock"), crate_.join("Cargo.lock"))
        .map_err(|error| Failure::new(format!("the lock file cannot be copied: {error}")))?;
    let manifest = crate_.join("Cargo.toml").display().to_string();
    let target = cargo::root().join("target").display().to_string();
    let on_it = |arguments: &[&str], more: &[&str]| {
        let arguments: Vec<&str> = [arguments, &["--manifest-path", &manifest], more].concat();
        cargo::run(&arguments, &[("CARGO_TARGET_DIR", &target)])
    };
    on_it(&["fmt", "--check"], &[])?;
    on_it(&["clippy", "--all-targets", "--quiet"], &["--", "-D", "warnings"])?;
    on_it(&["test", "--quiet"], &[])?;
    on_it(&["run", "--quiet"], &["--", "validate", "--lock", &path])?;
    let workflow = crate_.join("workflows/welcome.yaml").display().to_string();
    on_it(&["run", "--quiet"], &["--", "check", &workflow])
}

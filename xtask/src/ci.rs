//! The chores that are nothing but cargo commands.

use crate::{Failure, cargo, tidy, validate};

/// Runs every test. Its output ends with the closing lines of `cargo test`.
pub(crate) fn test() -> Result<(), Failure> {
    cargo::run(&["test", "--workspace"], &[])
}

type Stage = fn() -> Result<(), Failure>;

/// Runs everything, the cheapest first and the tests last.
pub(crate) fn everything() -> Result<(), Failure> {
    let stages: [(&str, Stage); 6] = [
        ("format", || cargo::run(&["fmt", "--all", "--check"], &[])),
        ("tidy", tidy::tidy),
        ("lints", || {
            cargo::run(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"], &[])
        }),
        ("documentation", || {
            cargo::run(&["doc", "--workspace", "--no-deps", "--quiet"], &[("RUSTDOCFLAGS", "-D warnings")])
        }),
        ("validate", || validate::validate(false)),
        ("test", test),
    ];
    for (name, stage) in stages {
        eprintln!("== {name}");
        stage()?;
    }
    Ok(())
}

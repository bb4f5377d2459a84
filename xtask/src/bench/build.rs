//! A crate with one block and no other dependency than the SDK, built from clean.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use serde_json::json;

use crate::cargo;
use crate::failure::Failure;

const BLOCK: &str = r#"//! One block.

use stepwell::prelude::*;

/// Greet somebody
#[step(outcomes(greeted { text: String }))]
pub async fn greet(_config: NoConfig, _cx: ExecuteContext) -> Result<GreetOutcome, StepError> {
    Ok(GreetOutcome::Greeted { text: "Hello!".to_owned() })
}
"#;

/// What one build has cost.
struct Build {
    crates: usize,
    seconds: f64,
}

pub(super) fn measure(rounds: usize, json: bool) -> Result<(), Failure> {
    let directory = std::env::temp_dir().join(format!("stepwell-one-block-{}", std::process::id()));
    let result = measure_in(&directory, rounds, json);
    // What could not be removed lies where temporary files lie.
    let _ = fs::remove_dir_all(&directory);
    result
}

fn measure_in(directory: &Path, rounds: usize, json: bool) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::new(format!("the crate to build cannot be written: {error}"));
    let workspace = cargo::root();
    let manifest = format!(
        "[package]\nname = \"one-block\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nstepwell = {{ path = \"{}\" }}\n\n[workspace]\n",
        workspace.join("sdk").display()
    );
    fs::create_dir_all(directory.join("src")).map_err(failed)?;
    fs::write(directory.join("Cargo.toml"), manifest).map_err(failed)?;
    fs::write(directory.join("src/lib.rs"), BLOCK).map_err(failed)?;
    fs::copy(workspace.join("Cargo.lock"), directory.join("Cargo.lock")).map_err(failed)?;
    run(directory, &["fetch", "--quiet"])?;
    let mut builds = Vec::new();
    for round in 1..=rounds {
        eprintln!("building from clean, {round} of {rounds}");
        builds.push(build(directory)?);
    }
    builds.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
    let (fastest, median, slowest) = (&builds[0], &builds[rounds / 2], &builds[rounds - 1]);
    if json {
        println!(
            "{}",
            json!({ "crates": median.crates, "seconds": { "median": median.seconds, "min": fastest.seconds, "max": slowest.seconds }, "rounds": rounds })
        );
    } else {
        println!("crates   {}", median.crates);
        println!(
            "seconds  {:.1} (of {rounds}: {:.1} to {:.1})",
            median.seconds, fastest.seconds, slowest.seconds
        );
    }
    Ok(())
}

fn build(directory: &Path) -> Result<Build, Failure> {
    let target = directory.join("target");
    if target.exists() {
        fs::remove_dir_all(&target)
            .map_err(|error| Failure::new(format!("the last build cannot be removed: {error}")))?;
    }
    let begun = Instant::now();
    let told = run(directory, &["build"])?;
    let seconds = begun.elapsed().as_secs_f64();
    let crates = told.lines().filter(|line| line.trim_start().starts_with("Compiling ")).count();
    Ok(Build { crates, seconds })
}

/// Runs cargo there, and gives what it told on stderr.
fn run(directory: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", directory.join("target"))
        .env("CARGO_TERM_COLOR", "never")
        .output()
        .map_err(|error| Failure::new(format!("cargo could not be started: {error}")))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(told) } else { Err(Failure::new(told)) }
}

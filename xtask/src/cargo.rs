//! Calls of cargo, and what it says of the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Failure;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

/// Runs cargo with its output shown.
pub(crate) fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Result<(), Failure> {
    let status = command(arguments)
        .envs(variables.iter().copied())
        .status()
        .map_err(|error| Failure::new(format!("cargo could not be started: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("`cargo {}` failed", arguments.join(" "))))
}

/// A package of the workspace.
#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Package {
    /// Whether the package has binaries that the engine drives: those that know the command `blocks`.
    pub(crate) fn runs_an_engine(&self) -> bool {
        const ENGINE: &str = "stepwell-engine";
        // The chores use the engine as a library and run none.
        const CHORES: &str = env!("CARGO_PKG_NAME");
        let uses_it = |dependency: &Dependency| dependency.name == ENGINE && dependency.kind.is_none();
        let has_binary = self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "bin"));
        has_binary && self.name != CHORES && (self.name == ENGINE || self.dependencies.iter().any(uses_it))
    }

    /// The folder of the package's `Cargo.toml`.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().expect("a manifest lies in a folder")
    }
}

/// The packages of the workspace.
pub(crate) fn packages() -> Result<Vec<Package>, Failure> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let output = output(&["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Metadata = serde_json::from_slice(&output)
        .map_err(|error| Failure::new(format!("cargo's metadata cannot be read: {error}")))?;
    Ok(metadata.packages)
}

/// Builds the binaries of these packages and gives their paths.
pub(crate) fn build_binaries(packages: &[&Package]) -> Result<Vec<PathBuf>, Failure> {
    #[derive(Deserialize)]
    struct Message {
        package_id: Option<String>,
        executable: Option<PathBuf>,
    }
    let mut arguments = vec!["build", "--bins", "--message-format", "json-render-diagnostics"];
    for package in packages {
        arguments.extend(["--package", &package.name]);
    }
    let messages = output(&arguments)?;
    let messages = serde_json::Deserializer::from_slice(&messages).into_iter::<Message>();
    let mut binaries = Vec::new();
    for message in messages {
        let message =
            message.map_err(|error| Failure::new(format!("cargo's messages cannot be read: {error}")))?;
        let wanted = packages.iter().any(|package| Some(&package.id) == message.package_id.as_ref());
        binaries.extend(message.executable.filter(|_| wanted));
    }
    Ok(binaries)
}

/// Runs cargo and gives what it writes to its standard output.
fn output(arguments: &[&str]) -> Result<Vec<u8>, Failure> {
    let output = command(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::new(format!("cargo could not be started: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(Failure::new(format!("`cargo {}` failed", arguments.join(" "))))
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

//! `check` and `apply`.

use std::path::{Path, PathBuf};

use serde_json::json;
use stepwell::manifest::Manifest;

use super::client::Client;
use super::{Done, Failure, Print, output};
use crate::definition::{Catalog, Definition, Parsed, Problem, check};

/// Check workflow files without a server.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The files, YAML or JSON
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Create or update workflows from files, matched by `id` or the file's stem.
#[derive(Debug, clap::Args)]
pub(super) struct Apply {
    /// The files, YAML or JSON
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Enable each workflow
    #[arg(long)]
    enable: bool,
    #[command(flatten)]
    print: Print,
}

impl Check {
    pub(super) fn run(self) -> Done {
        let catalog = Catalog::new(&Manifest::registered())
            .map_err(|problems| Failure(describe("blocks", &problems)))?;
        let mut results = Vec::new();
        for file in &self.files {
            let problems = match read(file)? {
                Ok(parsed) => check(&parsed.definition, &catalog),
                Err(problems) => problems,
            };
            results.push((file.display().to_string(), problems));
        }
        if self.json {
            let files: Vec<_> = results
                .iter()
                .map(|(file, problems)| json!({ "file": file, "problems": problems }))
                .collect();
            output::json(&json!({ "files": files }));
        }
        let bad: Vec<_> = results.iter().filter(|(_, problems)| !problems.is_empty()).collect();
        if bad.is_empty() {
            if !self.json {
                output::line(&format!("{} file(s) without a problem", results.len()));
            }
            return Ok(());
        }
        let described: Vec<_> = bad.iter().map(|(file, problems)| describe(file, problems)).collect();
        Err(Failure(described.join("\n")))
    }
}

impl Apply {
    pub(super) async fn run(self, client: &Client) -> Done {
        // All files are read before any is sent, so that a file that cannot be read stops everything.
        let mut workflows = Vec::new();
        let mut bad = Vec::new();
        for file in &self.files {
            match read(file)? {
                Ok(parsed) => workflows.push((file, parsed)),
                Err(problems) => bad.push(describe(&file.display().to_string(), &problems)),
            }
        }
        if !bad.is_empty() {
            return Err(Failure(bad.join("\n")));
        }
        let mut applied = Vec::new();
        for (file, Parsed { id, definition }) in workflows {
            let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let id = id.or(stem).ok_or_else(|| {
                Failure(format!("{} has no name; give the workflow an `id`", file.display()))
            })?;
            let path = format!("/api/v1/workflows/{id}");
            let named = |Failure(message)| Failure(format!("{}: {message}", file.display()));
            client.put(&path, &definition.to_value()).await.map_err(named)?;
            let mut result = json!({ "id": id });
            let mut words = format!("Applied {id}");
            if self.enable {
                let version = client.post(&format!("{path}/enable"), None).await.map_err(named)?;
                words = format!("{words} and enabled it as version {}", output::enabled(&version));
                result["version"] = version;
            }
            if !self.print.json {
                output::line(&words);
            }
            applied.push(result);
        }
        if self.print.json {
            output::json(&json!({ "workflows": applied }));
        }
        Ok(())
    }
}

fn read(file: &Path) -> Result<Result<Parsed, Vec<Problem>>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure(format!("{} cannot be read: {error}", file.display())))?;
    Ok(Definition::parse(&text))
}

fn describe(file: &str, problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| match problem.path.as_str() {
        "" => format!("\n  {}", problem.message),
        path => format!("\n  {path}: {}", problem.message),
    });
    format!("{file} has {} problem(s){}", problems.len(), lines.collect::<String>())
}

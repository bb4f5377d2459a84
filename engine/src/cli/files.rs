//! `check` and `apply`.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use stepwell::manifest::Manifest;

use super::client::Client;
use super::problems::{describe, show_notes};
use super::{Done, Failure, Print, output};
use crate::connections::DEFAULT;
use crate::definition::{Catalog, Parsed, Problem, Source, check, needed_connections, unknown};

/// What stands for the standard input.
const STDIN: &str = "-";

/// Check workflow files without a server.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// The files, YAML or JSON; `-` is the standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// A connection that there is, such as `app/account`, or `app/account/sales` for one with a name; without any,
    /// nothing is said of connections
    #[arg(long = "connection", value_name = "KIND[/NAME]")]
    connections: Vec<String>,
    #[command(flatten)]
    print: Print,
}

/// Create or update workflows from files, matched by `id` or the file's stem.
#[derive(Debug, clap::Args)]
pub(super) struct Apply {
    /// The files, YAML or JSON; `-` is the standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Enable each workflow that is not enabled as it is
    #[arg(long)]
    enable: bool,
    #[command(flatten)]
    print: Print,
}

impl Check {
    pub(super) fn run(self) -> Done {
        let catalog = Catalog::new(&Manifest::registered())
            .map_err(|problems| Failure(describe("blocks", "", &problems)))?
            .checked_by(stepwell::block::registered());
        let files: Vec<File> = self.files.iter().map(|file| File::read(file)).collect();
        let (mut problems, mut notes) = (Vec::new(), Vec::new());
        for file in &files {
            let (wrong, unsure) = self.judge(file, &catalog);
            problems.push(wrong);
            notes.push(unsure);
        }
        if self.print.json {
            let files: Vec<_> = files
                .iter()
                .zip(problems.iter().zip(&notes))
                .map(|(file, (problems, notes))| json!({ "file": file.name, "problems": problems, "notes": notes }))
                .collect();
            output::json(&json!({ "files": files }));
        } else {
            for (file, notes) in files.iter().zip(&notes).filter(|(_, notes)| !notes.is_empty()) {
                eprintln!("{}\n", show_notes(&file.name, file.text(), notes));
            }
        }
        refuse(files.iter().zip(&problems))?;
        if !self.print.json {
            output::line(&format!("{} file(s) without a problem", files.len()));
        }
        Ok(())
    }

    /// What is wrong with a file, and what is not known of it.
    fn judge(&self, file: &File, catalog: &Catalog) -> (Vec<Problem>, Vec<Problem>) {
        let definition = match file.parse() {
            Ok(parsed) => parsed.definition,
            Err(problems) => return (problems, Vec::new()),
        };
        let mut problems = check(&definition, catalog);
        let mut notes = Vec::new();
        for needed in needed_connections(&definition, catalog) {
            let block = &needed.block;
            let connection = match needed.name.as_str() {
                DEFAULT => needed.kind.clone(),
                name => format!("{}/{name}", needed.kind),
            };
            if self.connections.is_empty() {
                let message = format!(
                    "`{block}` needs the connection `{connection}`; only the server knows whether there is one, unless --connection names those that there are"
                );
                notes.push(Problem::new(needed.path, message));
            } else if !self.connections.contains(&connection) {
                let known = self.connections.iter().map(String::as_str);
                let message =
                    format!("`{block}` needs a connection: {}", unknown("connection", &connection, known));
                problems.push(Problem::new(needed.path, message));
            }
        }
        (file.located(problems), file.located(notes))
    }
}

impl Apply {
    pub(super) async fn run(self, client: &Client) -> Done {
        let files: Vec<File> = self.files.iter().map(|file| File::read(file)).collect();
        // All files are read before any is sent, so that a file that cannot be read stops everything.
        let parsed: Vec<_> = files.iter().map(File::parse).collect();
        let problems: Vec<_> =
            parsed.iter().map(|parsed| parsed.as_ref().err().cloned().unwrap_or_default()).collect();
        if problems.iter().any(|problems| !problems.is_empty()) {
            return self.refuse(files.iter().zip(&problems));
        }
        let mut applied = Vec::new();
        for (file, parsed) in called_first(files.iter().zip(parsed.into_iter().flatten()).collect()) {
            match self.apply(client, file, parsed).await? {
                Ok(result) => applied.push(result),
                Err(problems) => return self.refuse([(file, &problems)]),
            }
        }
        if self.print.json {
            output::json(&json!({ "workflows": applied }));
        }
        Ok(())
    }

    async fn apply(
        &self,
        client: &Client,
        file: &File,
        parsed: Parsed,
    ) -> Result<Result<Value, Vec<Problem>>, Failure> {
        let id = file
            .id(&parsed)
            .ok_or_else(|| Failure(format!("{} has no name; give the workflow an `id`", file.name)))?;
        let path = format!("/api/v1/workflows/{id}");
        let named = |Failure(message)| Failure(format!("{}: {message}", file.name));
        let written =
            client.change(Method::PUT, &path, Some(&parsed.definition.to_value())).await.map_err(named)?;
        let draft = match written {
            Ok(draft) => draft,
            Err(problems) => return Ok(Err(file.located(problems))),
        };
        let unchanged = draft["unchanged"] == true;
        let mut result = json!({ "id": id, "unchanged": unchanged });
        let mut words = if unchanged { format!("{id} is unchanged") } else { format!("Applied {id}") };
        if self.enable && draft["published"] == true {
            words = format!("{words} and enabled already");
        } else if self.enable {
            let enabled =
                client.change(Method::POST, &format!("{path}/enable"), None).await.map_err(named)?;
            let version = match enabled {
                Ok(version) => version,
                Err(problems) => return Ok(Err(file.located(problems))),
            };
            words = format!("{words} and enabled it as version {}", output::enabled(&version));
            result["version"] = version;
        }
        if !self.print.json {
            output::line(&words);
        }
        Ok(Ok(result))
    }

    /// Tells the problems of files.
    fn refuse<'f>(&self, files: impl IntoIterator<Item = (&'f File, &'f Vec<Problem>)>) -> Done {
        let files: Vec<_> = files.into_iter().collect();
        if self.print.json {
            let files: Vec<_> = files
                .iter()
                .map(|(file, problems)| json!({ "file": file.name, "problems": problems }))
                .collect();
            output::json(&json!({ "files": files }));
        }
        refuse(files)
    }
}

/// Files in an order in which a workflow comes after those that it calls, as far as there is one.
fn called_first(mut files: Vec<(&File, Parsed)>) -> Vec<(&File, Parsed)> {
    let mut ordered = Vec::with_capacity(files.len());
    while !files.is_empty() {
        let ids: Vec<Option<String>> = files.iter().map(|(file, parsed)| file.id(parsed)).collect();
        let waits = |index: usize| {
            let mut called = files[index].1.definition.called_workflows();
            called.any(|id| (0..).zip(&ids).any(|(other, it)| other != index && it.as_deref() == Some(id)))
        };
        let next = (0..files.len()).find(|index| !waits(*index)).unwrap_or(0);
        ordered.push(files.remove(next));
    }
    ordered
}

/// Fails if a file has problems.
fn refuse<'f>(files: impl IntoIterator<Item = (&'f File, &'f Vec<Problem>)>) -> Done {
    let bad = files.into_iter().filter(|(_, problems)| !problems.is_empty());
    let described: Vec<_> = bad.map(|(file, problems)| describe(&file.name, file.text(), problems)).collect();
    if described.is_empty() { Ok(()) } else { Err(Failure(described.join("\n\n"))) }
}

/// A file that was named on the command line.
struct File {
    name: String,
    /// What a workflow without an id is called; the standard input has none.
    stem: Option<String>,
    text: Result<String, String>,
}

impl File {
    fn read(path: &Path) -> Self {
        let explained = |error: std::io::Error| match error.kind() {
            ErrorKind::InvalidData => "The file is not UTF-8; save it as UTF-8".to_owned(),
            _ => format!("The file cannot be read: {error}"),
        };
        if path == Path::new(STDIN) {
            let mut text = String::new();
            let text = std::io::stdin().read_to_string(&mut text).map(|_| text).map_err(explained);
            return Self { name: "<stdin>".to_owned(), stem: None, text };
        }
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let text = std::fs::read_to_string(path).map_err(explained);
        Self { name: path.display().to_string(), stem, text }
    }

    /// The id of the workflow in it.
    fn id(&self, parsed: &Parsed) -> Option<String> {
        parsed.id.clone().or_else(|| self.stem.clone())
    }

    fn source(&self) -> Result<Source<'_>, Vec<Problem>> {
        match &self.text {
            Ok(text) => Source::read(text),
            Err(message) => Err(vec![Problem::new("", message)]),
        }
    }

    fn parse(&self) -> Result<Parsed, Vec<Problem>> {
        self.source()?.parse()
    }

    fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Problems with their lines and columns.
    fn located(&self, mut problems: Vec<Problem>) -> Vec<Problem> {
        if let Ok(source) = self.source() {
            source.locate(&mut problems);
        }
        problems
    }
}

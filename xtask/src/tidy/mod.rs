//! `tidy`: the boundaries between the rooms of the code, which ARCHITECTURE.md describes.

mod boundaries;
mod names;
mod source;

use std::fs;
use std::path::Path;

use crate::cargo;
use crate::failure::Failure;
use source::Source;

/// A file longer than this is named: not a mistake, but a question.
const LONG_FILE: usize = 500;

/// Checks every Rust file of the workspace.
pub(crate) fn tidy() -> Result<(), Failure> {
    let root = cargo::root();
    let sources = source::all(&root)?;
    let rules = names::rules(&read(&root.join("docs/lifecycle.md"))?);
    for source in sources.iter().filter(|source| source.length() > LONG_FILE) {
        eprintln!("{}: {} lines; why so long?", source.path, source.length());
    }
    let mistakes: Vec<_> = sources.iter().flat_map(|source| mistakes(source, &rules)).collect();
    if mistakes.is_empty() {
        println!("{} files are tidy", sources.len());
        return Ok(());
    }
    Err(Failure::new(mistakes.join("\n")))
}

fn mistakes(source: &Source, rules: &[String]) -> Vec<String> {
    [boundaries::check(source), names::check(source, rules)].concat()
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

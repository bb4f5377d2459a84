//! `tidy`: the boundaries between the rooms of the code, which ARCHITECTURE.md describes.

mod boundaries;
mod names;
mod proofs;
mod source;

use std::fs;
use std::path::Path;

use crate::cargo;
use crate::failure::Failure;
use source::Source;

/// A file longer than this is named: not a mistake, but a question.
const LONG_FILE: usize = 500;

/// Checks every Rust file of the workspace, and that the table of the rules' tests is up to date; with `accept` writes
/// it.
pub(crate) fn tidy(accept: bool) -> Result<(), Failure> {
    let root = cargo::root();
    let sources = source::all(&root)?;
    let document = read(&root.join("docs/lifecycle.md"))?;
    let rules = names::rules(&document);
    for source in sources.iter().filter(|source| source.length() > LONG_FILE) {
        eprintln!("{}: {} lines; why so long?", source.path, source.length());
    }
    let mut mistakes: Vec<_> = sources.iter().flat_map(|source| mistakes(source, &rules)).collect();
    let (page, unproven) = proofs::page(&rules, &document, &sources);
    mistakes.extend(unproven);
    let table = root.join(proofs::TABLE);
    if accept {
        fs::write(&table, &page).map_err(|error| Failure::new(format!("{}: {error}", table.display())))?;
    } else if read(&table).ok().as_deref() != Some(page.as_str()) {
        mistakes.push(format!("{}: out of date; run `cargo xtask tidy --accept`", proofs::TABLE));
    }
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

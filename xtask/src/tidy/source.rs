//! Rust files as lists of lines, with what is test and what is comment told apart.

use std::fs;
use std::path::Path;

use super::read;
use crate::failure::Failure;

/// Folders of the workspace that hold Rust files, and the one whose patterns would find themselves.
const FOLDERS: [&str; 4] = ["sdk", "sdk-macros", "engine", "examples"];

/// Folders in which there is nothing to check.
const SKIPPED: [&str; 4] = ["target", "node_modules", "dist", "fail"];

/// One Rust file.
pub(super) struct Source {
    /// Its path from the workspace's root, with slashes.
    pub(super) path: String,
    text: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    pub(super) fn length(&self) -> usize {
        self.text.lines().count()
    }

    /// Every line with its number.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines that are neither test nor comment. What follows `#[cfg(test)]` on an inline module is test;
    /// such a module is always the last of its file.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.path.split('/').any(|part| part == "tests" || part == "tests.rs");
        let tests = self.lines().zip(self.lines().skip(1)).find_map(|((number, line), (_, next))| {
            (line == "#[cfg(test)]" && next.ends_with('{')).then_some(number)
        });
        let end = if is_test { 0 } else { tests.unwrap_or(usize::MAX) };
        self.lines()
            .take_while(move |(number, _)| *number < end)
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Whether the file lies in this folder.
    pub(super) fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }
}

/// Every Rust file of the workspace, ordered by path.
pub(super) fn all(root: &Path) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for folder in FOLDERS {
        collect(root, &root.join(folder), &mut sources)?;
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(sources)
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("{}: {error}", folder.display()));
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !SKIPPED.contains(&name.as_ref()) {
            collect(root, &path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            sources.push(Source::new(&relative, &read(&path)?));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_tests_are_not_code() {
        let source =
            Source::new("a.rs", "one\n// two\n#[cfg(test)]\nmod tests;\nfive\n#[cfg(test)]\nmod tests {\n}");
        let code: Vec<_> = source.code().map(|(number, _)| number).collect();
        assert_eq!(code, [1, 3, 4, 5]);
        assert_eq!(Source::new("a/tests/b.rs", "one").code().count(), 0);
    }

    #[test]
    fn a_folder_holds_its_files_and_the_file_of_its_name() {
        assert!(Source::new("engine/src/core/run.rs", "").is_in("engine/src/core"));
        assert!(Source::new("engine/src/core.rs", "").is_in("engine/src/core"));
        assert!(!Source::new("engine/src/core_rules.rs", "").is_in("engine/src/core"));
    }
}

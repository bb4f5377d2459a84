//! `blocks.lock.json`: what a crate has promised to the workflows that use its blocks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stepwell::manifest::App;

use super::compare::{compare, differs};

/// The name of a crate's lock file, which lies beside its `Cargo.toml`.
pub const LOCK_FILE: &str = "blocks.lock.json";

/// The lock file of one crate: its [`App`] as it was last accepted.
#[derive(Debug, Clone)]
pub struct LockFile {
    path: PathBuf,
    app: String,
}

/// What the comparison of a crate with its lock file comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Why the crate does not pass; empty if it does.
    pub mistakes: Vec<String>,
    /// What was accepted.
    pub accepted: Vec<String>,
    /// What breaks nothing, and still should be known.
    pub notices: Vec<String>,
}

/// Why a lock file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file or its folder refuses.
    #[error("{} cannot be used", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a lock file.
    #[error("{} is not a lock file; restore it, or remove it and accept the blocks anew", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The file belongs to another crate.
    #[error(
        "{} is the lock file of `{found}`, not of `{expected}`; name another file, or remove it if the crate was renamed",
        path.display()
    )]
    OtherApp {
        /// The file.
        path: PathBuf,
        /// The crate that it belongs to.
        found: String,
        /// The crate that it was read for.
        expected: String,
    },
}

impl LockFile {
    /// The lock file of a crate at this path.
    pub fn new(path: impl Into<PathBuf>, app: impl Into<String>) -> Self {
        Self { path: path.into(), app: app.into() }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was last accepted; `None` if there is no file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not a lock file, or belongs to another crate.
    pub fn read(&self) -> Result<Option<App>, LockError> {
        let path = || self.path.clone();
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LockError::File { path: path(), source }),
        };
        let app: App =
            serde_json::from_slice(&bytes).map_err(|source| LockError::Form { path: path(), source })?;
        if app.name != self.app {
            return Err(LockError::OtherApp { path: path(), found: app.name, expected: self.app.clone() });
        }
        Ok(Some(app))
    }

    /// Compares the crate with the file. `app` is `None` if the crate has no blocks any more.
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read).
    pub fn compare(&self, app: Option<&App>) -> Result<Settlement, LockError> {
        let mut settlement = Settlement::default();
        let Some(old) = self.read()? else {
            if app.is_some() {
                let mistake = format!("{}: there is no {}", self.app, self.path.display());
                settlement.mistakes.push(mistake);
            }
            return Ok(settlement);
        };
        let comparison = compare(&old, app);
        settlement.mistakes = comparison.breakages.iter().map(ToString::to_string).collect();
        settlement.notices = comparison.notices.iter().map(ToString::to_string).collect();
        if settlement.mistakes.is_empty() && differs(&old, app) {
            let mistake = format!("{}: its blocks have changed, and nothing breaks", self.app);
            settlement.mistakes.push(mistake);
        }
        Ok(settlement)
    }

    /// Writes the file anew, and says what that accepts. Without blocks the file is removed.
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read), and when the file cannot be written.
    pub fn accept(&self, app: Option<&App>) -> Result<Settlement, LockError> {
        let Settlement { mistakes, notices, .. } = self.compare(app)?;
        let failed = |source| LockError::File { path: self.path.clone(), source };
        match app {
            Some(app) => {
                let text = serde_json::to_string_pretty(app).map_err(|error| failed(error.into()))?;
                fs::write(&self.path, text + "\n").map_err(failed)?;
            }
            None if self.path.exists() => fs::remove_file(&self.path).map_err(failed)?,
            None => {}
        }
        Ok(Settlement { mistakes: Vec::new(), accepted: mistakes, notices })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(text: &str) -> App {
        serde_json::from_str(text).expect("the fixture is well-formed")
    }

    #[test]
    fn a_lock_is_asked_for_written_kept_and_broken_on_purpose_only() {
        let directory = tempfile::tempdir().expect("there is room");
        let file = LockFile::new(directory.path().join(LOCK_FILE), "shop");
        let compare = |app: Option<&App>| file.compare(app).expect("it can be read").mistakes;
        let accept = |app: Option<&App>| file.accept(app).expect("it can be written").accepted;
        let lock = fixture(include_str!("compare/fixtures/lock.json"));
        let additions = fixture(include_str!("compare/fixtures/additions.json"));
        let broken = fixture(include_str!("compare/fixtures/broken.json"));

        assert!(compare(Some(&lock))[0].starts_with("shop: there is no "));
        assert_eq!(accept(Some(&lock)).len(), 1);
        assert!(compare(Some(&lock)).is_empty());
        assert_eq!(compare(Some(&additions)), ["shop: its blocks have changed, and nothing breaks"]);
        let breakages = compare(Some(&broken));
        assert!(breakages.len() > 1);
        assert_eq!(accept(Some(&broken)), breakages);
        assert!(compare(Some(&broken)).is_empty());
        assert!(!compare(None).is_empty());
        assert!(!accept(None).is_empty());
        assert!(!file.path().exists());
    }

    #[test]
    fn a_lock_of_another_crate_is_neither_compared_nor_overwritten() {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join(LOCK_FILE);
        let lock = fixture(include_str!("compare/fixtures/lock.json"));
        LockFile::new(&path, "shop").accept(Some(&lock)).expect("it can be written");
        let other = LockFile::new(&path, "garden");
        assert!(matches!(other.compare(None), Err(LockError::OtherApp { .. })));
        assert!(matches!(other.accept(Some(&lock)), Err(LockError::OtherApp { .. })));
        fs::write(&path, "{}").expect("it can be written");
        assert!(matches!(other.accept(Some(&lock)), Err(LockError::Form { .. })));
    }
}

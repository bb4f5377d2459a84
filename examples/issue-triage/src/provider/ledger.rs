//! What the stand-in knows, and the file that keeps it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the provider knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    last_id: u64,
    /// The registered webhooks.
    pub hooks: Vec<Hook>,
    /// The open questions.
    pub questions: Vec<Question>,
    /// The labels that were applied, by idempotency key.
    pub labels: BTreeMap<String, LabelApplication>,
}

/// A registered webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// Its id.
    pub id: u64,
    /// The repository, as `owner/name`.
    pub repository: String,
    /// Where its deliveries go.
    pub url: String,
    /// What its deliveries are signed with.
    pub secret: String,
    /// The events that it listens to.
    pub events: Vec<String>,
}

/// A question to a maintainer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Its id.
    pub id: u64,
    /// The idempotency key that it was posted with.
    pub key: String,
    /// What is asked.
    pub question: String,
    /// The label in question.
    pub label: String,
    /// Where the answer goes.
    pub answer_url: String,
}

/// A label that was put on an issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelApplication {
    /// The repository, as `owner/name`.
    pub repository: String,
    /// The number.
    pub number: u64,
    /// The labels.
    pub labels: Vec<String>,
    /// How often the request came; it had its effect once.
    pub requests: u32,
}

impl Ledger {
    /// An id that nothing else has.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

/// A ledger and its file.
pub(super) struct Stored {
    path: PathBuf,
    ledger: Ledger,
}

impl Stored {
    /// The ledger in this file; an empty one if there is no file yet.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let ledger = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ledger::default(),
            Err(error) => return Err(error),
        };
        let mut stored = Self { path: path.to_owned(), ledger };
        stored.change(|_| ())?;
        Ok(stored)
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Changes the ledger and replaces its file, which is never seen half-written.
    pub(super) fn change<T>(&mut self, change: impl FnOnce(&mut Ledger) -> T) -> io::Result<T> {
        let mut changed = self.ledger.clone();
        let answer = change(&mut changed);
        let beside = self.path.with_extension("json.new");
        fs::write(&beside, serde_json::to_vec_pretty(&changed)?)?;
        fs::rename(&beside, &self.path)?;
        self.ledger = changed;
        Ok(answer)
    }
}

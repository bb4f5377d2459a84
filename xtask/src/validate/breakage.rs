//! A change that would break a workflow in use or a run that waits.

use std::fmt;

/// One breaking change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Breakage {
    /// The block's id.
    pub(crate) block: String,
    /// Where in the block, such as `config.api_url`.
    pub(crate) path: String,
    /// What has changed, and so what would break.
    pub(crate) change: String,
}

impl fmt::Display for Breakage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { block, path, change } = self;
        if path.is_empty() {
            return write!(formatter, "{block}: {change}");
        }
        write!(formatter, "{block}: {path}: {change}")
    }
}

//! What a comparison finds.

use std::fmt;

/// What has changed between a lock file and its crate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What would break something.
    pub breakages: Vec<Breakage>,
    /// What breaks nothing, and still changes what workflows in use do.
    pub notices: Vec<Notice>,
}

/// A change that would break a workflow in use or a run that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakage {
    /// The block's id.
    pub block: String,
    /// Where in the block, such as `config.api_url`; empty for the block itself.
    pub path: String,
    /// What has changed.
    pub change: String,
    /// What it would break.
    pub endangered: Endangered,
    /// How it would break.
    pub reason: String,
}

/// What a change would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endangered {
    /// Workflows that use the block, whether runs are under way or not.
    Workflow,
    /// Runs that wait for a callback or a time.
    WaitingRun,
}

/// A change that breaks nothing, and still changes what workflows in use do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The block's id.
    pub block: String,
    /// Where in the block.
    pub path: String,
    /// What has changed.
    pub change: String,
}

impl fmt::Display for Breakage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { block, path, change, endangered, reason } = self;
        let path = if path.is_empty() { String::new() } else { format!("{path}: ") };
        write!(formatter, "{block}: {path}{change}; breaks {endangered}: {reason}")
    }
}

impl fmt::Display for Endangered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Workflow => "workflows in use",
            Self::WaitingRun => "waiting runs",
        })
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.block, self.path, self.change)
    }
}

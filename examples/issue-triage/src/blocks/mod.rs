//! The blocks.

pub mod apply_label;
pub mod ask_maintainer;
pub mod issue_opened;
pub mod suggest_label;

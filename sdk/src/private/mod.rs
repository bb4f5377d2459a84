//! What the macros' expansions may name. Not part of the public API: it changes without notice.

pub use inventory;
pub use schemars;
pub use serde;
pub use serde_json;

pub mod adapt;
pub mod check;
pub mod credential;
pub mod field;
pub mod handler;
pub mod outcome;
pub mod within;

//! Manifests checked, and compared with what was promised to the workflows that use their blocks.
//!
//! [`check`] finds what is wrong with blocks as they are, [`compare`] what a change of them would break, and a
//! [`LockFile`] keeps the promises of one crate. The command `validate` of every engine binary does all of it, and so
//! does `cargo xtask validate` for this workspace.

mod check;
mod compare;
mod lock;
mod schema;

pub use check::{Mistake, check};
pub use compare::{Breakage, Comparison, Endangered, Notice, compare};
pub use lock::{LOCK_FILE, LockError, LockFile, Settlement};

//! The routes, one file for each kind of thing.

pub(super) mod blocks;
pub(super) mod callbacks;
pub(super) mod connections;
pub(super) mod doctor;
pub(super) mod events;
pub(super) mod finish;
pub(super) mod health;
pub(super) mod links;
pub(super) mod operations;
pub(super) mod options;
pub(super) mod runs;
pub(super) mod sample;
pub(super) mod schema;
pub(super) mod waiting;
pub(super) mod workflows;

/// How long the body of a request to the API may be, in bytes.
pub(super) const LONGEST_API_BODY: usize = 4 * 1024 * 1024;
/// How long the body of a callback may be, in bytes: the limit of a value.
pub(super) const LONGEST_CALLBACK_BODY: usize = 1024 * 1024;

//! The block SDK of Stepwell: write workflow blocks as plain async functions.

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
pub mod block;
pub mod config;
pub mod connection;
pub mod context;
pub mod data;
pub mod error;
pub mod http_client;
pub mod manifest;
pub mod options;
pub mod outcome;
pub mod prelude;
pub mod request;
pub mod response;
pub mod services;
pub mod signature;
pub mod step;
pub mod testing;
pub mod trigger;
pub mod types;
pub mod when;

pub use stepwell_macros::{Outcomes, config, connection, data, options, step, trigger};

extern crate self as stepwell;

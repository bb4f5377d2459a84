//! Whole lifecycles on the real driver, the real store and the real clock.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod blocks;
mod builtin;
#[path = "../support/cut.rs"]
mod cut;
mod engine;
mod http;
mod kit;
mod operations;
mod releases;
mod retention;
mod runs;
mod several;
#[path = "../support/mod.rs"]
mod support;
mod triggers;

//! Whole lifecycles on the real driver, the real store and the real clock.

mod blocks;
mod engine;
mod runs;
mod triggers;

//! Blocks that other platforms publish, written for Stepwell.
//!
//! - [`lemlist`]: an enrichment that registers a webhook, starts a job and waits for the provider's answer
//! - [`linear`]: a trigger whose outcomes depend on the chosen event, and a step with options that depend on each other

pub mod lemlist;
pub mod linear;

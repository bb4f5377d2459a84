//! What strangers can send, made up at random. Each target runs as a test with a bounded number of inputs, and under a
//! fuzzer with `cargo bolero test -p stepwell-engine NAME`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod callbacks;
mod definitions;
mod expressions;
mod manifests;
mod values;

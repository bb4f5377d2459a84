//! Triages new issues of a repository: a label is suggested, a maintainer is asked, and the label is applied.
//!
//! The [`blocks`] are what the workflow is made of, one file each. The [`provider`] is a stand-in for the API
//! that they call, so that everything they do is real HTTP.

pub mod blocks;
mod hex;
pub mod provider;

/// The blocks in the README compile as written.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

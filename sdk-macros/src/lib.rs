//! The attribute macros of Stepwell's block SDK.

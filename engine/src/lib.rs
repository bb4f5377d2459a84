//! The durable workflow engine of Stepwell: discovers the blocks that were linked into the binary and runs
//! their lifecycles.

pub mod core;
pub mod definition;
pub mod driver;
pub mod expr;
pub mod model;
pub mod outgoing;
pub mod secrets;
pub mod store;

//! The durable workflow engine of Stepwell: discovers the blocks that were linked into the binary and runs
//! their lifecycles.

mod blocks;
mod cli;
pub mod connections;
pub mod core;
pub mod definition;
pub mod driver;
mod engine;
pub mod expr;
pub mod http;
pub mod model;
pub mod outgoing;
pub mod reference;
pub mod secrets;
pub mod store;
pub mod testing;
pub mod validate;

pub use cli::main;
pub use engine::{Engine, EngineError, Options};

//! The durable workflow engine of Stepwell: discovers the blocks that were linked into the binary and runs
//! their lifecycles.
//!
//! With the feature `mimalloc`, which is on by default, every binary that links this crate allocates with mimalloc: a run is
//! made of many small values. A binary with an allocator of its own leaves it out (`default-features = false`).

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

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use engine::{Engine, EngineError, Options};

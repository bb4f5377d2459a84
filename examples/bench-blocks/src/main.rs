//! The engine with the blocks of this crate.

use std::process::ExitCode;

// Links the blocks, which nothing else names.
use bench_blocks as _;

fn main() -> ExitCode {
    stepwell_engine::main()
}

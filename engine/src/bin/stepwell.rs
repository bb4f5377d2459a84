//! The engine with the built-in blocks only.

use std::process::ExitCode;

fn main() -> ExitCode {
    stepwell_engine::main()
}

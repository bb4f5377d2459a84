//! With arguments, the engine's command line with this crate's blocks. Without, the demo.

mod demo;

use std::env;
use std::process::ExitCode;

// Links the blocks, which nothing else names.
use issue_triage as _;

fn main() -> ExitCode {
    if env::args_os().len() > 1 {
        return stepwell_engine::main();
    }
    demo::main()
}

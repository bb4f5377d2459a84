//! The blocks that the core carries out itself. They are declared like all others, so that they are listed, configured
//! and checked like all others; their handlers are never called.

#![expect(dead_code, reason = "the core makes the outcomes of these blocks")]

mod call_workflow;
mod for_each;
mod join;
mod repeat;
mod stop;

use stepwell::error::StepError;

/// What a handler says that is called all the same.
fn carried_out_by_the_core() -> StepError {
    StepError::permanent("this block is carried out by the engine's core")
}

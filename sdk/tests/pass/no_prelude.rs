//! Expansions name nothing that the author must have imported, even if common names mean something else.

struct Result;
struct Option;
struct Vec;
struct Box;

#[stepwell::step(outcomes(done { text: String }))]
async fn work(
    _config: stepwell::config::NoConfig,
    _cx: stepwell::context::ExecuteContext,
) -> std::result::Result<stepwell::step::Execution<WorkOutcome>, stepwell::error::StepError> {
    Ok(stepwell::step::Execution::Exit)
}

fn main() {
    let _ = (Result, Option, Vec, Box);
}

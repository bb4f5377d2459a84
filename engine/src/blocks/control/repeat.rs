//! `core/repeat`: repeats steps until something holds.

use serde_json::Value;
use stepwell::prelude::*;

use super::carried_out_by_the_core;

/// How long to repeat.
#[config]
struct Repeat {
    /// Until
    ///
    /// Evaluated at the end of each round, over the steps of the round: `{{ fetch.next_page is none }}`.
    until: bool,
    /// At most
    ///
    /// How many rounds there may be.
    #[field(default = 100)]
    at_most: u32,
}

/// Repeat
///
/// Runs the steps that follow `round` again and again. They see how many rounds came before as `{{ this_step.index }}`
/// and the result of the last one, the data of its last outcome, as `{{ this_step.previous }}`.
#[step(app = "core", outcomes(
    /// Each round
    round {
        /// How many rounds came before
        index: u32,
        /// The result of the round before; null in the first
        previous: Value,
    },
    /// The condition holds
    done {
        /// How many rounds there were
        rounds: u32,
        /// The result of the last round
        last: Value,
    },
    /// Too many rounds
    exhausted {
        /// How many rounds there were
        rounds: u32,
        /// The result of the last round
        last: Value,
    },
))]
async fn repeat(_config: Repeat, _cx: ExecuteContext) -> Result<RepeatOutcome, StepError> {
    Err(carried_out_by_the_core())
}

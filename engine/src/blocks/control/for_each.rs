//! `core/for-each`: goes through a list.

use serde_json::Value;
use stepwell::prelude::*;

use super::carried_out_by_the_core;

/// What to go through.
#[config]
struct ForEach {
    /// List
    ///
    /// Such as `{{ trigger.lines }}`.
    items: Vec<Value>,
    /// At once
    ///
    /// How many rounds may go on at the same time. 1 goes through the list in order.
    #[field(default = 1, check = goes_on)]
    concurrency: u32,
    /// Go on when a round fails
    ///
    /// The result of a round that failed is `{"error": {"step": …, "message": …}}`.
    #[field(default = false)]
    collect_errors: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "a check is given its fields by reference")]
fn goes_on(concurrency: &u32) -> Result<(), &'static str> {
    if *concurrency == 0 { Err("With none at once no round would begin; make it at least 1") } else { Ok(()) }
}

/// For each
///
/// Runs the steps that follow `each` once for every item of a list. They see the item as `{{ this_step.item }}` and its
/// place as `{{ this_step.index }}`, from 0. When all rounds are over, `done` follows with their results: the data of
/// each round's last outcome.
#[step(app = "core", outcomes(
    /// For each item
    each {
        /// The item's place in the list, from 0
        index: u32,
        /// The item
        item: Value,
    },
    /// All done
    done {
        /// The result of each round, in the order of the list
        results: Vec<Value>,
    },
))]
async fn for_each(_config: ForEach, _cx: ExecuteContext) -> Result<ForEachOutcome, StepError> {
    Err(carried_out_by_the_core())
}

//! `core/filter`: lets a run go on only if a condition holds.

use stepwell::prelude::*;

/// When to go on.
#[config]
struct Filter {
    /// Condition
    ///
    /// An expression that is true or false, such as `{{ trigger.amount > 100 }}`.
    condition: bool,
}

/// Filter
///
/// Goes on only if the condition holds; otherwise this path of the run ends here.
#[step(app = "core", outcomes(
    /// Goes on
    passed,
))]
async fn filter(config: Filter, _cx: ExecuteContext) -> Result<Execution<FilterOutcome>, StepError> {
    Ok(if config.condition { FilterOutcome::Passed.into() } else { Execution::Exit })
}

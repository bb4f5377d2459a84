//! `core/branch`: goes the way of the first condition that holds.

use stepwell::prelude::*;

/// Where to go when.
#[config]
struct Branch {
    /// Conditions
    ///
    /// The first that holds decides. All of them are evaluated beforehand: what may be missing needs `default(…)`.
    #[field(check = is_a_choice)]
    conditions: Vec<Case>,
}

fn is_a_choice(conditions: &[Case]) -> Result<(), &'static str> {
    if conditions.is_empty() { Err("There is nothing to choose; write a condition") } else { Ok(()) }
}

/// A named condition.
#[config]
struct Case {
    /// Name
    ///
    /// The outcome's id, such as `large_order`.
    name: String,
    /// When
    ///
    /// An expression that is true or false, such as `{{ trigger.amount > 100 }}`.
    when: bool,
}

/// Branch
///
/// Goes the way of the first condition that holds, otherwise the way of `otherwise`.
#[step(app = "core", outcomes(
    /// The condition holds, and none before it
    #[outcome(each = "conditions")]
    condition(Named),
    /// No condition holds
    otherwise,
))]
async fn branch(config: Branch, _cx: ExecuteContext) -> Result<BranchOutcome, StepError> {
    let first = config.conditions.into_iter().find(|case| case.when);
    Ok(first.map_or(BranchOutcome::Otherwise, |case| BranchOutcome::Condition(Named::new(case.name))))
}

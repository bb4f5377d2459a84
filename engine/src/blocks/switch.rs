//! `core/switch`: goes the way of a value.

use minijinja::value::{Serde, Value as Compared};
use serde_json::Value;
use stepwell::prelude::*;

/// What to compare with what.
#[config]
struct Switch {
    /// Value
    #[field(placeholder = "{{ trigger.country }}")]
    value: Value,
    /// Cases
    ///
    /// The first that the value is one of decides.
    #[field(check = is_a_choice)]
    cases: Vec<Case>,
}

fn is_a_choice(cases: &[Case]) -> Result<(), &'static str> {
    if cases.is_empty() { Err("There is nothing to choose; write a case") } else { Ok(()) }
}

/// A named case.
#[config]
struct Case {
    /// Name
    ///
    /// The outcome's id, such as `nordic`.
    name: String,
    /// Values
    ///
    /// What the value is compared with, as `==` does in expressions: `1` is `1.0`, and not the text `"1"`.
    any_of: Vec<Value>,
}

/// Switch
///
/// Goes the way of the first case that has the value, otherwise the way of `otherwise`.
#[step(app = "core", outcomes(
    /// The value is one of the case's
    #[outcome(each = "cases")]
    case(Named),
    /// No case has the value
    otherwise,
))]
async fn switch(config: Switch, _cx: ExecuteContext) -> Result<SwitchOutcome, StepError> {
    let value = Compared::from(Serde(&config.value));
    let is_it = |other: &Value| Compared::from(Serde(other)) == value;
    let first = config.cases.into_iter().find(|case| case.any_of.iter().any(is_it));
    Ok(first.map_or(SwitchOutcome::Otherwise, |case| SwitchOutcome::Case(Named::new(case.name))))
}

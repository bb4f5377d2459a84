//! Compile-time checks whose failure must read as the author's mistake and its mend.

use crate::data::Data;
use crate::step::Never;

/// The state of a step without `finish`: only [`Never`].
#[diagnostic::on_unimplemented(
    message = "`execute` may defer, so the step needs a `finish` handler",
    label = "this step can return `Execution::Defer({Self})`",
    note = "name it in the attribute: `#[step(finish = my_finish)]`"
)]
pub trait NeverDefers {}

impl NeverDefers for Never {}

/// The state of a step with `finish`: anything but [`Never`].
#[diagnostic::on_unimplemented(
    message = "this step has a `finish` handler but can never defer",
    label = "a step that returns this never waits for a callback",
    note = "return `Result<Execution<Outcomes, State>, StepError>`, or remove `finish` and `cancel` from the attribute"
)]
pub trait MayDefer {}

impl<T: Data> MayDefer for T {}

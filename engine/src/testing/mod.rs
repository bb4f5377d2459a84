//! Whole lifecycles under test: the real engine on a database in memory, with a clock that the test moves.
//!
//! Nothing here repeats a rule. A [`TestEngine`] is the engine that serves in production; only its surroundings are
//! the test's: the time, the connections, what answers outgoing HTTP, and the moment at which the process dies.
//!
//! ```
//! use std::time::Duration;
//!
//! use stepwell::prelude::*;
//! use stepwell_engine::testing::TestEngine;
//!
//! /// Ask somebody
//! #[step(outcomes(answered { text: String }, unanswered), finish = answer, wake = give_up)]
//! async fn ask(_: NoConfig, _: ExecuteContext) -> Result<Execution<AskOutcome, ()>, StepError> {
//!     Ok(Execution::defer(()).wake_in(Duration::from_hours(24)))
//! }
//!
//! async fn answer(request: Request, _: NoConfig, _: FinishContext<()>) -> Result<Finish<AskOutcome>, StepError> {
//!     Ok(AskOutcome::Answered { text: request.text()?.to_owned() }.into())
//! }
//!
//! async fn give_up(_: NoConfig, _: WakeContext<()>) -> Result<Wake<AskOutcome>, StepError> {
//!     Ok(AskOutcome::Unanswered.into())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let engine = TestEngine::new().await;
//!
//! let run = engine.run(ask, NoConfig {}).await;
//! assert_eq!(run.callback("yes").await.status(), 202);
//! run.has_outcome(AskOutcome::Answered { text: "yes".to_owned() }).await;
//! assert_eq!(run.callback("no").await.status(), 410);
//!
//! let run = engine.run(ask, NoConfig {}).await;
//! engine.advance(Duration::from_hours(24)).await;
//! run.has_outcome(AskOutcome::Unanswered).await;
//! # }
//! ```
//!
//! A block that holds over a crash at every moment is tested with [`Setup::at_every_crash`].

mod clock;
mod crash;
mod database;
mod engine;
mod faults;
mod process;
mod run;
mod start;
mod trigger;

pub use crash::Setup;
#[doc(hidden)]
pub use database::Database;
pub use engine::{Held, TestEngine};
pub use run::TestRun;
pub use trigger::{Delivery, TestTrigger};

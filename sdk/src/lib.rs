//! The block SDK of Stepwell: write workflow blocks as plain async functions.
//!
//! A *workflow* is a graph of *blocks*: one *trigger*, which starts runs, and many *steps*. A block is one async
//! function with one attribute. The engine (`stepwell-engine`) runs it durably: a step that waits for a person or a
//! service holds no resource, and what has been acknowledged is never lost.
//!
//! This page goes from nothing to a step that waits, with its tests. A crate of blocks depends on `stepwell` alone;
//! `stepwell new my-blocks` makes one, with a binary, tests, a workflow file and CI.
//!
//! # A step
//!
//! ```
//! use stepwell::prelude::*;
//!
//! /// Whom to greet.
//! #[config]
//! pub struct Greeting {
//!     /// Name
//!     pub name: String,
//!     /// Salutation
//!     ///
//!     /// What stands before the name.
//!     #[field(default = "Hello")]
//!     pub salutation: String,
//! }
//!
//! /// Greet somebody
//! ///
//! /// Says hello, in the words that were chosen.
//! #[step(outcomes(
//!     /// Greeted
//!     greeted {
//!         /// What was said
//!         text: String,
//!     },
//! ))]
//! pub async fn greet(config: Greeting, _cx: ExecuteContext) -> Result<GreetOutcome, StepError> {
//!     Ok(GreetOutcome::Greeted { text: format!("{} {}!", config.salutation, config.name) })
//! }
//! # fn main() {}
//! ```
//!
//! - The block's id is the crate's name and the function's: `my-blocks/greet`. Its title is the first paragraph of the
//!   doc comment, its description the rest.
//! - [`#[config]`](macro@config) makes the form that a person fills in: a field's label is the first line of its doc
//!   comment, its help the rest. Types that are more than their JSON are in [`types`]. What no type can say, such as that
//!   one field is no more than another, is a function that a field names: `#[field(check = fits(other))]`. It refuses a
//!   wrong workflow before it is enabled.
//! - `outcomes(…)` generates the enum `GreetOutcome`. Each outcome is an edge that the workflow may follow, and its data
//!   is what later steps can use.
//! - The function stays what it is: a unit test calls it.
//!
//! ```
//! # use stepwell::prelude::*;
//! # #[config]
//! # pub struct Greeting { pub name: String, #[field(default = "Hello")] pub salutation: String }
//! # #[step(outcomes(greeted { text: String }))]
//! # pub async fn greet(config: Greeting, _cx: ExecuteContext) -> Result<GreetOutcome, StepError> {
//! #     Ok(GreetOutcome::Greeted { text: format!("{} {}!", config.salutation, config.name) })
//! # }
//! use stepwell::testing::Testing;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let config = Greeting { name: "Ada".to_owned(), salutation: "Hello".to_owned() };
//! let Ok(GreetOutcome::Greeted { text }) = greet(config, Testing::new().execute()).await else { panic!() };
//! assert_eq!(text, "Hello Ada!");
//! # }
//! ```
//!
//! # Errors, and effects that happen once
//!
//! `?` turns any error into a [`StepError`](error::StepError), and the step fails. An error that may pass is
//! [retryable](error::StepError::retryable): the engine calls the step again, with back-off. It also calls it again
//! after a crash, so an outside effect should happen once however often the step is called: give it a key.
//!
//! ```
//! use stepwell::prelude::*;
//!
//! /// Payments
//! #[connection(bearer = api_key)]
//! pub struct Payments {
//!     /// API key
//!     pub api_key: Secret,
//! }
//!
//! /// What to charge.
//! #[config]
//! pub struct Charge {
//!     /// Amount
//!     pub amount: Money,
//! }
//!
//! /// Charge a customer
//! #[step(outcomes(charged { id: String }))]
//! pub async fn charge(config: Charge, cx: ExecuteContext<Payments>) -> Result<ChargeOutcome, StepError> {
//!     #[data]
//!     struct Payment {
//!         id: String,
//!     }
//!     let payment = cx
//!         .once("payment", async |key| {
//!             let request = cx.http().post("https://payments.example/charges").authorize(cx.connection());
//!             let response = request.header("Idempotency-Key", &key).json(&config.amount).send().await?;
//!             response.error_for_status()?.json::<Payment>()
//!         })
//!         .await?;
//!     Ok(ChargeOutcome::Charged { id: payment.id })
//! }
//! # fn main() {}
//! ```
//!
//! - [`cx.once`](context::ExecuteContext::once) records what the effect returned: a later attempt gets that and does not
//!   repeat it. Should the process die between the two, the effect is repeated with the same key.
//! - [`cx.http()`](context::ExecuteContext::http) is guarded against private addresses and has limits;
//!   [`error_for_status`](http_client::HttpResponse::error_for_status) makes 429 and 5xx retryable.
//! - The context names the [connection](mod@connection) that the block needs: a person makes it once, the block receives it.
//!
//! # A step that waits
//!
//! ```
//! use std::time::Duration;
//!
//! use stepwell::prelude::*;
//!
//! /// Whom to ask.
//! #[config]
//! pub struct Approval {
//!     /// Question
//!     pub question: String,
//! }
//!
//! /// What is known while it waits.
//! #[data]
//! pub struct Asked {
//!     reminders: u32,
//! }
//!
//! /// Ask for approval
//! #[step(outcomes(approved { by: String }, rejected, no_answer), finish = answered, wake = remind)]
//! pub async fn ask(config: Approval, _cx: ExecuteContext) -> Result<Execution<AskOutcome, Asked>, StepError> {
//!     let waiting = Execution::defer(Asked { reminders: 0 }).waiting_for(config.question);
//!     Ok(waiting.wake_in(Duration::from_hours(24)))
//! }
//!
//! /// An answer, as it is posted.
//! #[data]
//! struct Answer {
//!     approved: bool,
//!     by: String,
//! }
//!
//! async fn answered(request: Request, _: Approval, _: FinishContext<Asked>) -> Result<Finish<AskOutcome>, StepError> {
//!     let answer: Answer = request.json()?;
//!     Ok(if answer.approved { AskOutcome::Approved { by: answer.by } } else { AskOutcome::Rejected }.into())
//! }
//!
//! async fn remind(_: Approval, _: WakeContext<Asked>) -> Result<Wake<AskOutcome>, StepError> {
//!     Ok(AskOutcome::NoAnswer.into())
//! }
//! # fn main() {}
//! ```
//!
//! - [`Execution::defer`](step::Execution::defer) carries a state, which is stored encrypted and handed to `finish`,
//!   `wake` and `cancel`. A step whose type says that it may defer does not compile without `finish` or `wake`.
//! - A POST to [`cx.finish_callback_url()`](context::StepMetadata::finish_callback_url) calls `finish`. It is kept
//!   however early it comes, and of many that come together exactly one resolves the step.
//! - A body that cannot be read ([`Request::json`](request::Request::json)) is recorded as rejected, and the step goes on
//!   waiting: a stray POST ends nothing. Signatures are checked by [`signature`].
//! - [`asking`](step::Execution::asking) has people answer a [`Question`](question::Question) with a button on a page, each by a
//!   link of their own. Where one answer is not enough, `finish` returns
//!   [`Finish::NextState`](step::Finish::NextState) until it has them.
//! - `cancel = …` names what tears down outside what the step has set up, when its run is cancelled.
//!
//! # A trigger
//!
//! ```
//! use stepwell::prelude::*;
//!
//! /// What to listen to.
//! #[config]
//! pub struct Repository {
//!     /// Repository
//!     pub name: String,
//! }
//!
//! /// What the provider was told.
//! #[data]
//! pub struct Webhook {
//!     secret: Secret,
//! }
//!
//! /// Issue opened
//! #[trigger(outcomes(opened { number: u64 }), activate = add_webhook, deactivate = remove_webhook)]
//! pub async fn issue_opened(
//!     request: Request,
//!     _config: Repository,
//!     cx: TriggerContext<Webhook>,
//! ) -> Result<Trigger<IssueOpenedOutcome, Dedupe>, TriggerError> {
//!     #[data]
//!     struct Event {
//!         number: u64,
//!     }
//!     request.verify(&signature::github(cx.registration().secret.expose()))?;
//!     let event: Event = request.json()?;
//!     Ok(IssueOpenedOutcome::Opened { number: event.number }.dedupe(request.header("X-GitHub-Delivery")?))
//! }
//!
//! async fn add_webhook(config: Repository, cx: ActivateContext) -> Result<Webhook, ActivationError> {
//!     let secret = cx.unique_activation_id().to_owned();
//!     let url = format!("https://issues.example/{}/webhooks", config.name);
//!     cx.http().post(url).header("X-Callback", cx.trigger_callback_url()).send().await?.error_for_status()?;
//!     Ok(Webhook { secret: Secret::new(secret) })
//! }
//!
//! async fn remove_webhook(config: Repository, cx: DeactivateContext<Webhook>) -> Result<(), ActivationError> {
//!     cx.http().delete(format!("https://issues.example/{}/webhooks", config.name)).send().await?.error_for_status()?;
//!     Ok(())
//! }
//! # fn main() {}
//! ```
//!
//! - `activate` and `deactivate` each succeed once per version of a workflow; what `activate` returns is stored and handed
//!   to the other handlers. [`Activated`](trigger::Activated) adds an expiry, before which `renew` is called, and the time of
//!   the first `tick`.
//! - An outcome starts exactly one run, durable before the sender hears of it. With a [key](trigger::TriggerOutcome::dedupe) a
//!   second delivery of one event starts none.
//! - `switch = overlap` activates a new version before the old one is deactivated, so that nothing falls between.
//!
//! # Whole lifecycles under test
//!
//! With `stepwell-engine` as a dev-dependency, `stepwell_engine::testing::TestEngine` runs a block on the real engine with a
//! database in memory and a clock that the test moves: callbacks that come early, late or twice, retries, and a crash at
//! every moment. `cargo run -- validate` on the crate's own binary checks its manifest, and compares it with what was
//! promised before.

#[doc(hidden)]
#[path = "private/mod.rs"]
pub mod __private;
pub mod block;
pub mod config;
pub mod connection;
pub mod context;
pub mod data;
pub mod error;
pub mod http_client;
pub mod manifest;
pub mod network;
pub mod options;
pub mod outcome;
pub mod prelude;
pub mod question;
pub mod request;
pub mod response;
pub mod services;
pub mod signature;
pub mod step;
pub mod testing;
pub mod trigger;
pub mod types;
pub mod when;

pub use stepwell_macros::{Outcomes, config, connection, data, options, step, trigger};

extern crate self as stepwell;

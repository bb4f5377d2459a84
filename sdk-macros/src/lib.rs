//! The attribute macros of Stepwell's block SDK.
//!
//! Use them through the `stepwell` crate. Each macro parses its input, checks it into a model while collecting
//! every mistake, and expands the model; the author's item is emitted even if there are mistakes.

mod arguments;
mod block;
mod case;
mod condition;
mod config;
mod connection;
mod data;
mod docs;
mod function;
mod limit;
mod mistakes;
mod options;
mod outcomes;
mod step;
mod suggest;
#[cfg(test)]
mod tests;
mod trigger;
mod within;

use proc_macro::TokenStream;

/// Makes a step of an async function.
///
/// ```
/// use stepwell::prelude::*;
///
/// # #[config]
/// # struct FindEmail { name: String }
/// # #[data]
/// # struct Pending { request: String }
/// /// Find an email address
/// #[step(outcomes(found { email: String }, not_found), finish = receive_answer, cancel = forget_request)]
/// async fn find_email(config: FindEmail, cx: ExecuteContext) -> Result<Execution<FindEmailOutcome, Pending>, StepError> {
///     // … ask the provider to call `cx.finish_callback_url()` …
///     Ok(Execution::defer(Pending { request: "r-1".to_owned() }).waiting_for("the provider's answer"))
/// }
///
/// async fn receive_answer(request: Request, config: FindEmail, cx: FinishContext<Pending>) -> Result<Finish<FindEmailOutcome>, StepError> {
///     // … read the answer …
///     Ok(FindEmailOutcome::NotFound.into())
/// }
///
/// async fn forget_request(config: FindEmail, cx: CancelContext<Pending>) -> Result<(), StepError> {
///     // … withdraw `cx.state().request` …
///     Ok(())
/// }
/// ```
///
/// - `outcomes(…)` declares the outcomes and generates their enum, here `FindEmailOutcome`. Leave it out where
///   the function returns an enum with `#[derive(Outcomes)]`.
/// - `finish` takes callbacks of a deferred execution, `wake` the time that it named; `cancel` tears down what it
///   has registered outside.
/// - `id` and `title` replace what the function's name and doc comment give; `app` replaces the crate's name in the id.
/// - `time_limit = "10m"` bounds each call of a handler; the engine's limit is 5 min.
/// - `concurrency = 4` bounds how many attempts of the block run at once in one process, from 1 to 10,000, calls of all
///   its handlers together; the others wait in order.
/// - `if_interrupted = fail` fails an execution whose attempt was interrupted (the engine died, the time limit
///   passed) instead of attempting it again.
/// - `deprecated = "why"` and `replaced_by = "other-block"` keep the block out of new workflows.
#[proc_macro_attribute]
pub fn step(arguments: TokenStream, item: TokenStream) -> TokenStream {
    step::expand(arguments.into(), &item.into()).into()
}

/// Makes a trigger of an async function.
///
/// ```
/// use stepwell::prelude::*;
///
/// # #[config]
/// # struct Repository { name: String }
/// # #[data]
/// # struct Webhook { id: u64 }
/// /// Issue opened
/// #[trigger(outcomes(opened { number: u64 }), activate = add_webhook, deactivate = remove_webhook)]
/// async fn issue_opened(request: Request, config: Repository, cx: TriggerContext<Webhook>) -> Result<Trigger<IssueOpenedOutcome>, TriggerError> {
///     // … read the event …
///     Ok(IssueOpenedOutcome::Opened { number: 1 }.into())
/// }
///
/// async fn add_webhook(config: Repository, cx: ActivateContext) -> Result<Webhook, ActivationError> {
///     // … have the provider call `cx.trigger_callback_url()` …
///     Ok(Webhook { id: 1 })
/// }
///
/// async fn remove_webhook(config: Repository, cx: DeactivateContext<Webhook>) -> Result<(), ActivationError> {
///     // … remove `cx.registration().id` …
///     Ok(())
/// }
/// ```
///
/// - `outcomes(…)`, `id`, `title`, `deprecated` and `replaced_by` are as in [`macro@step`]; `time_limit` bounds
///   `trigger` and `handshake`, whose engine limit is 10 s.
/// - A trigger whose runs no request starts takes a `NoRequest` in place of the `Request`: it shows no URL.
/// - `activate` registers the callback URL with the provider and `deactivate` removes it: both or neither.
/// - `handshake` answers requests while `activate` has not completed.
/// - `renew` renews a registration before it expires.
/// - `tick` is called at the times that `activate` and the tick before have named; `missed_ticks` says what becomes
///   of those that were due while no engine ran: `once` (the first counts), `skip`, or `all`.
/// - `switch = overlap` activates a new version before the old one is deactivated; every outcome then carries a
///   deduplication key.
#[proc_macro_attribute]
pub fn trigger(arguments: TokenStream, item: TokenStream) -> TokenStream {
    trigger::expand(arguments.into(), &item.into()).into()
}

/// Makes a config of a struct with named fields.
///
/// The first line of a field's doc comment is its label, the rest its help. A field's type is `#[data]` or `#[config]`,
/// whose fields have attributes of their own. `#[field(…)]` takes:
///
/// - `label = "…"` and `help = "…"`, which replace what the doc comment gives; `placeholder = "…"`; `group = "…"`, the
///   heading that the field stands under; `multiline`; `widget = "…"`, how an editor shows the field, in `snake_case`.
/// - `default = …`, the value of a field that is left out.
/// - `check = my_check`, a function that judges what the schema cannot say. It is given a reference to the field, `Option<&T>` if
///   it is optional, and returns `Result<(), FieldError>`; a text will do as the error. `check = fits(other, more)` gives it
///   those fields too. It runs when a workflow is checked and enabled if all that it is given are constants, and otherwise
///   before `execute`, which is not called if it refuses: the step fails at once. So it does for a config within a config, which is given its own
///   fields: as a field or in an option, a box, a list, a map, or `#[data]`, such as the variant of an enum.
/// - `options = ["a", ("b", "Label of b")]`, the only values that the field takes: texts or whole numbers. Or
///   `options = campaigns`, a function with [`macro@options`] that looks them up; `depends_on("workspace")` names the
///   fields that it is told. What it finds are suggestions: other values are not refused.
/// - `show_if(kind = "issue" | "pull_request", company)`: the field is shown only if each condition holds, of which the
///   first asks for one of some values and the second for a field that is set; `show_if = "company"` is short for the
///   latter. Such a field is an `Option` or has a `default`.
/// - `variables = "never"`: the field holds no `{{ … }}`.
#[proc_macro_attribute]
pub fn config(arguments: TokenStream, item: TokenStream) -> TokenStream {
    config::expand(arguments.into(), &item.into()).into()
}

/// Makes a connection of a struct with named fields: credentials that a person gives once.
///
/// The first line of the struct's doc comment is its title, of a field's its label. One of these says how the
/// credentials are used by `RequestBuilder::authorize`; without one, the block does that itself:
///
/// - `bearer = api_key` sends a field as a bearer token;
/// - `basic(user, password)` sends two fields as HTTP Basic;
/// - `header("X-Api-Key" = api_key)` sends a field in a header;
/// - `oauth2(authorize_url = "https://…", token_url = "https://…", scopes = ["…"])` has a person give access at the
///   provider; the engine fills the field `access_token`.
///
/// `id` and `title` replace what the struct's name and doc comment give, `app` the crate's name in the id.
#[proc_macro_attribute]
pub fn connection(arguments: TokenStream, item: TokenStream) -> TokenStream {
    connection::expand(arguments.into(), &item.into()).into()
}

/// Makes an async function look up what a person can choose while somebody configures a block.
///
/// ```
/// use stepwell::prelude::*;
///
/// #[options]
/// async fn campaigns(query: OptionsQuery, _cx: OptionsContext) -> Result<Vec<Choice>, StepError> {
///     Ok(vec![Choice::new("c1", "First campaign")])
/// }
/// # fn main() {}
/// ```
///
/// A field of a config names it: `#[field(options = campaigns)]`. The config's crate must be the function's.
#[proc_macro_attribute]
pub fn options(arguments: TokenStream, item: TokenStream) -> TokenStream {
    options::expand(&arguments.into(), &item.into()).into()
}

/// Makes a type storable by the engine: a defer state, a registration, the data of an outcome, a part of a config.
#[proc_macro_attribute]
pub fn data(arguments: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(arguments.into(), &item.into()).into()
}

/// Makes an enum the outcomes of a block: what `outcomes(…)` expands to.
///
/// The id of an outcome is its variant's name in `snake_case`; `#[outcome(id = "…")]` replaces it.
///
/// `#[outcome(when(kind = "issue"))]` is for blocks whose config must meet conditions to have the outcome, written as
/// in `show_if` of [`macro@config`]. `#[outcome(each = "cases")]` on `Case(Named)` or `Case(Named<MyData>)` makes an
/// outcome of each name that the config has in the field `cases`: a list of texts, a list of structs with a `name` or
/// an `id`, or a map with the names as its keys. Both also stand before outcomes in `outcomes(…)`.
#[proc_macro_derive(Outcomes, attributes(outcome))]
pub fn outcomes(item: TokenStream) -> TokenStream {
    outcomes::derive(item.into()).into()
}

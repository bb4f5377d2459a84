//! Blocks written with the macros are discovered, described, and run through their erased handlers.

#![expect(clippy::unused_async, reason = "handlers are async, whether they wait or not")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use stepwell::block::{
    BlockDefinition, Handlers, StepHandlers, StepInvocation, TriggerHandlers, TriggerInvocation, registered,
};
use stepwell::http_client::{HttpError, HttpRequest, HttpResponse, HttpTransport};
use stepwell::manifest::HandlerKind;
use stepwell::outcome::Outcome;
use stepwell::prelude::*;
use stepwell::services::{Services, StepServices};
use stepwell::testing::Testing;

/// Who to look for.
#[config]
pub struct FindEmail {
    /// First name
    first_name: String,
    /// Company
    ///
    /// The legal name.
    #[field(placeholder = "Analytical Engines Ltd")]
    company: Option<String>,
    #[field(default = 3)]
    attempts: u8,
    /// Notes
    #[field(default = "none", multiline, show_if = "company")]
    notes: Option<String>,
    /// How to search
    depth: Depth,
}

/// How far a search goes.
#[data]
enum Depth {
    /// One page
    Quick,
    /// All pages
    ///
    /// Takes minutes.
    Thorough,
}

/// What the provider knows our request by.
#[data]
struct Pending {
    request: String,
}

/// Find an
/// email address
///
/// Asks the provider and waits for its answer.
#[step(
    outcomes(
        /// Address found
        /// by the provider.
        found {
            /// E-mail address
            email: String,
            names: Vec<String>,
        },
        not_found,
        known(Pending),
    ),
    finish = receive_answer,
    cancel = forget_request,
)]
async fn find_email(
    config: FindEmail,
    cx: ExecuteContext,
) -> Result<Execution<FindEmailOutcome, Pending>, StepError> {
    assert_eq!(cx.attempt(), 1);
    match config.depth {
        Depth::Quick => Ok(FindEmailOutcome::Known(Pending { request: config.first_name }).into()),
        Depth::Thorough => {
            Ok(Execution::defer(Pending { request: config.first_name }).waiting_for("the answer"))
        }
    }
}

async fn receive_answer(
    request: Request,
    config: FindEmail,
    cx: FinishContext<Pending>,
) -> Result<Finish<FindEmailOutcome>, StepError> {
    let answer: Option<String> = request.json()?;
    Ok(match answer {
        Some(email) => {
            FindEmailOutcome::Found { email, names: vec![config.first_name, cx.state().request.clone()] }
                .into()
        }
        None => FindEmailOutcome::NotFound.into(),
    })
}

async fn forget_request(_config: FindEmail, cx: CancelContext<Pending>) -> Result<(), StepError> {
    if cx.state().request == "Ada" { Ok(()) } else { Err(StepError::permanent("another request")) }
}

/// Outcomes that several steps have.
#[derive(Debug, Outcomes)]
pub enum Shared {
    /// All went well
    Done,
}

/// Does nothing.
#[step(id = "rest-a-while", title = "Rest")]
pub async fn rest(_config: NoConfig, _cx: ExecuteContext) -> Result<Shared, StepError> {
    Ok(Shared::Done)
}

#[data]
struct Webhook {
    secret: String,
}

#[config]
struct Repository {
    /// Repository
    name: String,
}

/// Issue opened
#[trigger(
    outcomes(opened { number: u64 }),
    activate = add_webhook,
    deactivate = remove_webhook,
    handshake = greet,
)]
async fn issue_opened(
    request: Request,
    config: Repository,
    cx: TriggerContext<Webhook>,
) -> Result<Trigger<IssueOpenedOutcome, Dedupe>, TriggerError> {
    assert_eq!((config.name.as_str(), cx.registration().secret.as_str()), ("stepwell", "stepwell-secret"));
    let number: u64 = request.json()?;
    if number == 0 {
        return Ok(Trigger::NoOp);
    }
    Ok(IssueOpenedOutcome::Opened { number }.dedupe(number.to_string()))
}

async fn add_webhook(config: Repository, _cx: ActivateContext) -> Result<Webhook, ActivationError> {
    Ok(Webhook { secret: format!("{}-secret", config.name) })
}

async fn remove_webhook(_config: Repository, cx: DeactivateContext<Webhook>) -> Result<(), ActivationError> {
    Err(ActivationError::new(format!("asked to remove {}", cx.registration().secret)))
}

async fn greet(
    _request: Request,
    _config: Repository,
    _cx: HandshakeContext,
) -> Result<Response, TriggerError> {
    Err(TriggerError::failed("greeted"))
}

#[test]
fn blocks_are_discovered_with_their_identity() {
    let identities: Vec<_> =
        registered().iter().map(|block| (block.id(), block.title, block.description)).collect();
    let waits = Some("Asks the provider and waits for its answer.");
    assert_eq!(
        identities,
        [
            ("stepwell/find-email".to_owned(), "Find an email address", waits),
            ("stepwell/hour".to_owned(), "Time has come", None),
            ("stepwell/issue-opened".to_owned(), "Issue opened", None),
            ("stepwell/rest-a-while".to_owned(), "Rest", None),
        ]
    );
    let find_email = block("find-email");
    assert_eq!(find_email.app_version, env!("CARGO_PKG_VERSION"));
    assert!(find_email.source.contains("tests/blocks.rs:"), "{}", find_email.source);
    assert_eq!(find_email.handlers.kinds(), [HandlerKind::Execute, HandlerKind::Finish, HandlerKind::Cancel]);
}

#[test]
fn g2_the_schema_of_a_config_carries_labels_help_and_hints() {
    let schema = (block("find-email").config)();
    assert_eq!(
        schema.to_value(),
        json!({
            "title": "Who to look for.",
            "type": "object",
            "properties": {
                "first_name": { "title": "First name", "type": "string" },
                "company": {
                    "title": "Company",
                    "description": "The legal name.",
                    "type": ["string", "null"],
                    "x-stepwell": { "placeholder": "Analytical Engines Ltd" },
                },
                "attempts": {
                    "title": "Attempts",
                    "type": "integer",
                    "format": "uint8",
                    "minimum": 0,
                    "maximum": 255,
                    "default": 3,
                },
                "notes": {
                    "title": "Notes",
                    "type": ["string", "null"],
                    "default": "none",
                    "x-stepwell": { "multiline": true, "show_if": [{ "field": "company" }] },
                },
                "depth": {
                    "title": "How to search",
                    "oneOf": [
                        { "title": "One page", "type": "string", "const": "Quick" },
                        {
                            "title": "All pages",
                            "description": "Takes minutes.",
                            "type": "string",
                            "const": "Thorough",
                        },
                    ],
                },
            },
            "required": ["first_name", "depth"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn a_default_fills_what_is_left_out_and_unknown_fields_are_refused() {
    let config: FindEmail = serde_json::from_value(ada("Quick")).unwrap();
    assert_eq!((config.attempts, config.notes.as_deref(), config.company), (3, Some("none"), None));
    let mut unknown = ada("Quick");
    unknown["frist_name"] = json!("Ada");
    serde_json::from_value::<FindEmail>(unknown).unwrap_err();
}

#[test]
fn g2_outcomes_are_described_in_order_with_their_schemas() {
    let descriptions = serde_json::to_value((block("find-email").outcomes)()).unwrap();
    let request = json!({ "type": "string" });
    assert_eq!(
        descriptions,
        json!([
            {
                "id": "found",
                "title": "Address found",
                "description": "by the provider.",
                "schema": {
                    "type": "object",
                    "properties": {
                        "email": { "title": "E-mail address", "type": "string" },
                        "names": { "type": "array", "items": { "type": "string" } },
                    },
                    "required": ["email", "names"],
                },
            },
            { "id": "not_found", "title": "Not found" },
            {
                "id": "known",
                "title": "Known",
                "schema": {
                    "title": "What the provider knows our request by.",
                    "type": "object",
                    "properties": { "request": request },
                    "required": ["request"],
                },
            },
        ])
    );
}

#[tokio::test]
async fn a_step_defers_finishes_and_is_cancelled_through_its_erased_handlers() {
    let step = step_handlers("find-email");
    assert!(step.state.is_some());
    let Execution::Defer(deferral) = (step.execute)(step_invocation(ada("Thorough"))).await.unwrap() else {
        panic!("it defers")
    };
    assert_eq!(deferral.state, json!({ "request": "Ada" }));

    let finish = step.finish.unwrap();
    let answer = Request::new(http::Method::POST, r#""ada@example.org""#);
    let finished = finish(step_invocation(ada("Thorough")), answer, deferral.state.clone()).await.unwrap();
    let Finish::Outcome(outcome) = finished else { panic!("it has an outcome") };
    let data = json!({ "email": "ada@example.org", "names": ["Ada", "Ada"] });
    assert_eq!(outcome, Outcome { id: "found".into(), data });

    let cancel = step.cancel.unwrap();
    cancel(step_invocation(ada("Thorough")), deferral.state).await.unwrap();
    cancel(step_invocation(ada("Thorough")), json!({ "request": "Grace" })).await.unwrap_err();
}

#[tokio::test]
async fn outcomes_carry_the_type_that_they_name_or_nothing() {
    let executed = (step_handlers("find-email").execute)(step_invocation(ada("Quick"))).await.unwrap();
    let Execution::Outcome(outcome) = executed else { panic!("it has an outcome") };
    assert_eq!(outcome, Outcome { id: "known".into(), data: json!({ "request": "Ada" }) });

    let rest = step_handlers("rest-a-while");
    assert!(rest.state.is_none());
    let Execution::Outcome(outcome) = (rest.execute)(step_invocation(json!({}))).await.unwrap() else {
        panic!("it has an outcome")
    };
    assert_eq!(outcome, Outcome { id: "done".into(), data: Value::Null });
}

#[tokio::test]
async fn a_config_that_does_not_fit_fails_the_step() {
    let error = (step_handlers("find-email").execute)(step_invocation(json!({}))).await.unwrap_err();
    assert!(error.to_string().contains("first_name"), "{error}");
}

#[tokio::test]
async fn a_trigger_is_activated_triggered_and_deactivated_through_its_erased_handlers() {
    let trigger = trigger_handlers("issue-opened");
    let Activated { registration, expires, tick } =
        (trigger.activate.unwrap())(trigger_invocation()).await.unwrap();
    assert_eq!((expires, tick), (None, None));
    assert_eq!(registration, json!({ "secret": "stepwell-secret" }));

    let request = |body: &'static str| Request::new(http::Method::POST, body);
    let triggered =
        (trigger.trigger)(trigger_invocation(), request("7"), registration.clone()).await.unwrap();
    let Trigger::Outcome(event) = triggered else { panic!("it has an outcome") };
    assert_eq!(event.outcome, Outcome { id: "opened".into(), data: json!({ "number": 7 }) });
    assert_eq!(event.dedupe.as_deref(), Some("7"));
    let triggered =
        (trigger.trigger)(trigger_invocation(), request("0"), registration.clone()).await.unwrap();
    assert!(matches!(triggered, Trigger::NoOp));

    let error = (trigger.deactivate.unwrap())(trigger_invocation(), registration).await.unwrap_err();
    assert_eq!(error.message(), "asked to remove stepwell-secret");
    let error = (trigger.handshake.unwrap())(trigger_invocation(), request("")).await.unwrap_err();
    assert_eq!(error.to_string(), "greeted");
}

/// Time has come
#[trigger(outcomes(
    #[expect(dead_code, reason = "nothing starts a run here")]
    came,
))]
async fn hour(request: NoRequest, _: NoConfig, _: TriggerContext) -> Result<HourOutcome, TriggerError> {
    match request {}
}

#[tokio::test]
async fn a_trigger_without_requests_refuses_them_and_says_so_in_its_manifest() {
    assert!(block("issue-opened").manifest().takes_requests && !block("hour").manifest().takes_requests);
    let invocation = TriggerInvocation { config: json!({}), ..trigger_invocation() };
    let request = Request::new(http::Method::POST, "");
    let error = (trigger_handlers("hour").trigger)(invocation, request, Value::Null).await.unwrap_err();
    assert!(error.to_string().contains("takes no requests"), "{error}");
}

#[tokio::test]
async fn a_block_is_a_plain_function() {
    assert!(matches!(rest(NoConfig {}, Testing::new().execute()).await, Ok(Shared::Done)));
}

fn ada(depth: &str) -> Value {
    json!({ "first_name": "Ada", "depth": depth })
}

fn block(name: &str) -> &'static BlockDefinition {
    registered().into_iter().find(|block| block.name == name).unwrap()
}

fn step_handlers(name: &str) -> &'static StepHandlers {
    match &block(name).handlers {
        Handlers::Step(step) => step,
        Handlers::Trigger(_) => panic!("{name} is a trigger"),
    }
}

fn trigger_handlers(name: &str) -> &'static TriggerHandlers {
    match &block(name).handlers {
        Handlers::Trigger(trigger) => trigger,
        Handlers::Step(_) => panic!("{name} is a step"),
    }
}

fn step_invocation(config: Value) -> StepInvocation {
    StepInvocation {
        config,
        metadata: Testing::new().step,
        services: Arc::new(Alone),
        credentials: Value::Null,
    }
}

fn trigger_invocation() -> TriggerInvocation {
    let testing = Testing::new();
    TriggerInvocation {
        config: json!({ "name": "stepwell" }),
        metadata: testing.trigger,
        trigger_callback_url: testing.trigger_callback_url,
        services: Arc::new(Alone),
        credentials: Value::Null,
    }
}

/// Services of which no block here uses any.
struct Alone;

impl Services for Alone {
    fn network(&self) -> Arc<dyn stepwell::network::Network> {
        stepwell::testing::loopback()
    }

    fn http(&self) -> Arc<dyn HttpTransport> {
        Arc::new(Self)
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

#[async_trait]
impl HttpTransport for Alone {
    async fn send(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        Err(HttpError::invalid("no block sends any"))
    }
}

#[async_trait]
impl StepServices for Alone {
    fn finish_link(&self, person: u32) -> String {
        format!("https://stepwell.test/{person}")
    }

    async fn recorded(&self, _: &str) -> Result<Option<Value>, StepError> {
        Ok(None)
    }

    async fn record(&self, _: &str, _: Value) -> Result<(), StepError> {
        Ok(())
    }
}

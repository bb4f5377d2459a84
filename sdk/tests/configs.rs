//! What configs say reaches their schemas, and options and outcomes that the config makes work through erased handlers.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use stepwell::config::{Condition, Config, FieldError, schema_of};
use stepwell::http_client::HttpTransport;
use stepwell::manifest::Manifest;
use stepwell::options::{OptionsInvocation, registered};
use stepwell::outcome::{Outcome, Outcomes as _};
use stepwell::prelude::*;
use stepwell::services::Services;
use stepwell::testing::Testing;

/// What to watch
#[config]
struct Watch {
    /// Kind
    ///
    /// What happens.
    #[field(options = [("issue", "Issue"), ("pull_request", "Pull request")], default = "issue")]
    kind: String,
    #[field(options = [1, 2, -3])]
    level: Option<i8>,
    #[field(options = ["bug", "idea"], label = "Labels", help = "Only issues with one of them.")]
    labels: Option<Vec<String>>,
    #[field(group = "Campaign", placeholder = "acme", variables = "never")]
    workspace: Option<String>,
    #[field(group = "Campaign", options = campaigns, depends_on("workspace"), show_if = "workspace")]
    campaign: Option<String>,
    #[field(show_if(kind = "pull_request", level = 1 | -3), default = 7, widget = "slider")]
    age: u32,
    /// Cases
    cases: Vec<Case>,
    limits: BTreeMap<String, u8>,
}

#[config]
struct Case {
    name: String,
    #[field(multiline, show_if(name = "other"))]
    note: Option<String>,
}

#[options]
async fn campaigns(query: OptionsQuery, cx: OptionsContext) -> Result<Vec<Choice>, StepError> {
    let workspace: String = query.field("workspace")?.unwrap_or_default();
    let label = format!("{workspace} {} {}", query.text, cx.now());
    Ok(vec![Choice::new(1, label).with_help("The only one.")])
}

#[step(outcomes(
    #[outcome(when(kind = "pull_request", level))]
    merged,
    #[outcome(each = "cases")]
    case(Named),
    #[outcome(each = "limits")]
    limit(Named<u8>),
))]
async fn watch(config: Watch, _cx: ExecuteContext) -> Result<WatchOutcome, StepError> {
    Ok(match config.cases.first() {
        Some(case) => WatchOutcome::Case(Named::new(&case.name)),
        None => WatchOutcome::Merged,
    })
}

#[test]
fn g3_the_schema_carries_everything_that_a_config_says() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema_of::<Watch>()).unwrap());
    assert_eq!(Watch::FIELDS, ["kind", "level", "labels", "workspace", "campaign", "age", "cases", "limits"]);
}

#[test]
fn g3_conditions_and_lists_of_outcomes_are_described() {
    let described = WatchOutcome::descriptions();
    let described = described.iter().map(|outcome| serde_json::to_value(outcome).unwrap());
    assert_eq!(
        described.collect::<Vec<_>>(),
        [
            json!({
                "id": "merged",
                "title": "Merged",
                "when": [{ "field": "kind", "any_of": ["pull_request"] }, { "field": "level" }],
            }),
            json!({ "id": "case", "title": "Case", "each": "cases" }),
            json!({
                "id": "limit",
                "title": "Limit",
                "schema": { "title": "uint8", "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 },
                "each": "limits",
            }),
        ]
    );
    let outcome = WatchOutcome::Limit(Named::new("low").with(3)).into_outcome().unwrap();
    assert_eq!(outcome, Outcome { id: "low".into(), data: json!(3) });
    let outcome = WatchOutcome::Case(Named::new("small")).into_outcome().unwrap();
    assert_eq!(outcome, Outcome { id: "small".into(), data: Value::Null });
}

#[tokio::test]
async fn a_function_looks_options_up_called_plainly_and_erased() {
    let fields = json!({ "workspace": "acme" }).as_object().unwrap().clone();
    let query = OptionsQuery { text: "spring".into(), fields };
    let expected = [Choice::new(1, "acme spring 2026-01-01T00:00:00Z").with_help("The only one.")];
    assert_eq!(campaigns(query.clone(), Testing::new().options()).await.unwrap(), expected);

    let functions = registered();
    let definition = functions.iter().find(|function| function.name == "campaigns").unwrap();
    assert_eq!((definition.app, definition.connection), (env!("CARGO_PKG_NAME"), None));
    let invocation = OptionsInvocation { query, services: Arc::new(Midnight), credentials: Value::Null };
    assert_eq!((definition.handler)(invocation).await.unwrap(), expected);
}

#[test]
fn a_manifest_names_the_functions() {
    let manifest = serde_json::to_value(Manifest::registered()).unwrap();
    assert_eq!(manifest["apps"][0]["options"], json!(["campaigns"]));
}

#[test]
fn a_condition_is_read_back_from_a_schema() {
    let schema = schema_of::<Watch>();
    let hints = &schema.as_value()["properties"]["age"]["x-stepwell"]["show_if"];
    let conditions: Vec<Condition> = serde_json::from_value(hints.clone()).unwrap();
    let holds = |config: &Value| conditions.iter().all(|condition| condition.holds(config));
    assert!(holds(&json!({ "kind": "pull_request", "level": -3 })));
    assert!(!holds(&json!({ "kind": "pull_request", "level": 2 })));
    assert!(!holds(&json!({ "kind": "issue", "level": 1 })));
}

struct Midnight;

impl Services for Midnight {
    fn network(&self) -> Arc<dyn stepwell::network::Network> {
        stepwell::testing::loopback()
    }

    fn http(&self) -> Arc<dyn HttpTransport> {
        Arc::clone(&Testing::new().http)
    }

    fn now(&self) -> jiff::Timestamp {
        Testing::new().now
    }
}

/// Whom to ask.
#[config]
struct Ask {
    /// People
    people: Vec<String>,
    /// How many must agree
    #[field(default = 2, check = no_more_than(people))]
    quorum: Option<u8>,
    /// A note
    #[field(check = short)]
    note: Option<String>,
}

fn no_more_than(quorum: Option<&u8>, people: &[String]) -> Result<(), FieldError> {
    if quorum.is_none_or(|quorum| usize::from(*quorum) <= people.len()) {
        return Ok(());
    }
    Err(format!("There are {} people; make it no more", people.len()).into())
}

fn short(note: Option<&String>) -> Result<(), &'static str> {
    if note.is_none_or(|note| note.len() < 3) { Ok(()) } else { Err("It is long; shorten it") }
}

#[test]
fn g4_a_check_is_given_the_fields_that_it_names_and_no_others() {
    let [quorum, note] = Ask::CHECKS else { panic!("there are two checks") };
    assert_eq!((quorum.reads, note.reads), (&["quorum", "people"][..], &["note"][..]));
    // Whatever else is in the config makes no difference.
    let error = (quorum.check)(&json!({ "people": ["Ada"], "quorum": 2, "note": 7 })).unwrap_err();
    assert_eq!((error.path(), error.message()), ("", "There are 1 people; make it no more"));
    assert!((quorum.check)(&json!({ "people": ["Ada"] })).is_err(), "the default is judged too");
    assert!((quorum.check)(&json!({ "people": ["Ada", "Bob"] })).is_ok());
    assert!((quorum.check)(&json!({ "people": "Ada" })).is_ok(), "the schema refuses this");
    assert!((note.check)(&json!({ "note": "long" })).is_err() && (note.check)(&json!({})).is_ok());
    assert!(Watch::CHECKS.is_empty());
}

//! The ported blocks on the engine, with stand-ins for the providers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use ported_apps::lemlist::{FindEmail, FindEmailOutcome, Lemlist, find_email};
use ported_apps::linear::{
    CreateIssue, CreateIssueOutcome, EventKind, EventReceived, EventReceivedOutcome, Linear, create_issue,
    event_received,
};
use serde_json::{Value, json};
use stepwell::http_client::{HttpRequest, HttpResponse, HttpTransport};
use stepwell::prelude::*;
use stepwell::testing::answering;
use stepwell_engine::model::RunStatus;
use stepwell_engine::testing::Setup;

/// What a provider has been asked to make, by path and idempotency key, and to remove.
#[derive(Default)]
struct Provider {
    made: BTreeMap<String, BTreeSet<String>>,
    removed: BTreeSet<String>,
    credentials: BTreeSet<String>,
}

type Shared = Arc<Mutex<Provider>>;

fn provider(answer: fn(&HttpRequest) -> Value) -> (Shared, Arc<dyn HttpTransport>) {
    let provider = Shared::default();
    let shared = Arc::clone(&provider);
    let http = answering(move |request: HttpRequest| {
        let mut provider = shared.lock().unwrap();
        let header = |name: &str| request.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        provider.credentials.extend(header("authorization"));
        if let Some(key) = header("idempotency-key") {
            provider.made.entry(request.url.clone()).or_default().insert(key);
        }
        if request.method == "DELETE" {
            provider.removed.insert(request.url.clone());
        }
        let response = HttpResponse::of_json(200, &answer(&request));
        async { Ok(response) }
    });
    (provider, http)
}

fn lemlist() -> (Shared, Setup) {
    let (provider, http) = provider(|request| match request.url.rsplit('/').next() {
        Some("hooks") => json!({ "_id": "hook-1" }),
        Some("enrich") => json!({ "_id": "request-1" }),
        _ => json!({}),
    });
    let connection = Lemlist { user: String::new(), api_key: "k3y".into() };
    (provider, Setup::new().http(http).connection(&connection))
}

fn ada() -> FindEmail {
    FindEmail { first_name: "Ada".into(), last_name: "Lovelace".into(), company: None, campaign_id: None }
}

fn answer(request: &str, email: Option<&str>) -> String {
    json!({ "enrichmentId": request, "email": email }).to_string()
}

#[tokio::test]
async fn an_enrichment_waits_for_the_answer_to_its_own_request() {
    let (provider, setup) = lemlist();
    let engine = setup.start().await;
    let run = engine.run(find_email, ada()).await;
    run.callback(answer("another", None)).await;
    run.callback("not JSON").await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    run.callback(answer("request-1", Some("Ada@Example.COM"))).await;
    run.has_outcome(FindEmailOutcome::Found { email: "Ada@example.com".parse().unwrap() }).await;
    let provider = provider.lock().unwrap();
    assert_eq!(provider.removed.len(), 1);
    assert_eq!(provider.credentials, BTreeSet::from(["Basic OmszeQ==".to_owned()]));
}

#[tokio::test]
async fn an_enrichment_is_asked_for_once_whenever_the_engine_dies() {
    let (provider, setup) = lemlist();
    setup
        .at_every_crash(async |engine| {
            provider.lock().unwrap().made.clear();
            let run = engine.run(find_email, ada()).await;
            run.callback(answer("request-1", None)).await;
            run.has_outcome(FindEmailOutcome::NotFound).await;
            let made = provider.lock().unwrap().made.clone();
            assert!(made.len() == 2 && made.values().all(|keys| keys.len() == 1), "{made:?}");
        })
        .await;
}

#[tokio::test]
async fn a_cancelled_enrichment_removes_its_webhook() {
    let (provider, setup) = lemlist();
    let run = setup.start().await.run(find_email, ada()).await;
    run.cancel().await.unwrap();
    assert_eq!(provider.lock().unwrap().removed.len(), 1);
}

fn linear() -> (Shared, Setup) {
    let (provider, http) = provider(|request| match request.url.rsplit('/').next() {
        Some("webhooks") => json!({ "id": "hook-1", "secret": "s3cret" }),
        Some("issues") => json!({ "id": "ENG-1", "url": "https://linear.app/issue/ENG-1" }),
        _ => json!({}),
    });
    (provider, Setup::new().http(http).connection(&Linear { access_token: "t0ken".into() }))
}

/// A delivery of an issue, signed with the webhook's secret by `openssl dgst -sha256 -hmac s3cret`.
fn issue_delivery() -> Request {
    const BODY: &str =
        r#"{"type":"Issue","data":{"title":"It leaks","url":"https://linear.app/issue/ENG-1"}}"#;
    const SIGNATURE: &str = "a9685ce6e062969a790f0ae7934eae4a135401f0cf2b7958f0f3e8198a6946e5";
    Request::new(http::Method::POST, BODY)
        .with_header(
            http::HeaderName::from_static("linear-signature"),
            http::HeaderValue::from_static(SIGNATURE),
        )
        .with_header(
            http::HeaderName::from_static("linear-delivery"),
            http::HeaderValue::from_static("delivery-1"),
        )
}

#[tokio::test]
async fn a_trigger_hears_of_the_chosen_event_alone_and_of_each_delivery_once() {
    let (provider, setup) = linear();
    let engine = setup.start().await;
    let config = EventReceived { event: EventKind::Issue, team: "ENG".into() };
    let issues = engine.trigger(event_received, config).await.unwrap();
    issues.request(issue_delivery()).await.has_started(EventReceivedOutcome::IssueCreated {
        title: "It leaks".into(),
        url: "https://linear.app/issue/ENG-1".parse().unwrap(),
    });
    assert!(issues.request(issue_delivery()).await.started.is_empty(), "delivered again");
    let forged = issues.deliver(r#"{"type":"Issue"}"#).await;
    assert_eq!((forged.status().as_u16(), forged.started.len()), (401, 0));

    let config = EventReceived { event: EventKind::Comment, team: "ENG".into() };
    let comments = engine.trigger(event_received, config).await.unwrap();
    assert!(comments.request(issue_delivery()).await.started.is_empty());
    comments.disable().await.unwrap();
    assert_eq!(provider.lock().unwrap().removed.len(), 1);
}

#[tokio::test]
async fn an_issue_is_created_once() {
    let (provider, setup) = linear();
    let run = setup
        .start()
        .await
        .run(
            create_issue,
            CreateIssue {
                team_id: "ENG".into(),
                project_id: None,
                title: "It leaks".into(),
                description: None,
                priority: None,
                due: None,
            },
        )
        .await;
    let url = "https://linear.app/issue/ENG-1".parse().unwrap();
    run.has_outcome(CreateIssueOutcome::Created { id: "ENG-1".into(), url }).await;
    assert_eq!(provider.lock().unwrap().made.len(), 1);
}

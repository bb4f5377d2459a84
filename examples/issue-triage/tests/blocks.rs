//! The blocks, called as the plain functions that they are.

mod service;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use issue_triage::blocks::apply_label::{ApplyLabelOutcome, apply_label};
use issue_triage::blocks::ask_maintainer::{
    AskMaintainerOutcome, Question, ask_maintainer, take_answer, withdraw_question,
};
use issue_triage::blocks::issue_opened::{
    IssueOpenedOutcome, Webhook, add_webhook, answer_ping, issue_opened, remove_webhook,
};
use issue_triage::blocks::suggest_label::{SuggestLabelOutcome, suggest_label};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use service::Service;
use stepwell::error::{StepErrorKind, TriggerErrorKind};
use stepwell::prelude::*;
use stepwell::testing::Testing;
use stepwell::trigger::Event;

const OPENED: &str = include_str!("../deliveries/issues.opened.json");
const OPENED_WITHOUT_BODY: &str = include_str!("../deliveries/issues.opened.without-body.json");
const EDITED: &str = include_str!("../deliveries/issues.edited.json");
const PING: &str = include_str!("../deliveries/ping.json");
const API: &str = "https://api.test";

fn config<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the config is well-formed")
}

fn repository<T: DeserializeOwned>() -> T {
    config(json!({ "api_url": "https://api.test/", "repository": "Codertocat/Hello-World" }))
}

fn webhook() -> Webhook {
    Webhook { hook_id: 7, secret: "secret".into() }
}

/// A delivery as the provider signs it.
fn delivery(event: &'static str, body: &'static str, secret: &str) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert("X-GitHub-Event", HeaderValue::from_static(event));
    headers.insert("X-GitHub-Delivery", HeaderValue::from_static("delivery-1"));
    let signature = service::signature(secret, body.as_bytes());
    headers.insert("X-Hub-Signature-256", HeaderValue::try_from(signature).expect("it is ASCII"));
    Request::new(Method::POST, body).with_headers(headers)
}

async fn triggered(request: Request) -> Result<Trigger<IssueOpenedOutcome, Dedupe>, TriggerError> {
    issue_opened(request, repository(), Testing::new().trigger(webhook())).await
}

#[tokio::test]
async fn a_real_delivery_of_an_opened_issue_is_an_outcome_with_its_delivery_as_key() {
    let Trigger::Outcome(Event { outcome, dedupe, .. }) =
        triggered(delivery("issues", OPENED, "secret")).await.expect("it is signed")
    else {
        panic!("an opened issue is an outcome");
    };
    let outcome = outcome.into_outcome().expect("it has a JSON form");
    assert_eq!(outcome.id, "opened");
    assert_eq!(
        outcome.data,
        json!({
            "number": 1,
            "title": "Spelling error in the README file",
            "body": "It looks like you accidently spelled 'commit' with two 't's.",
            "author": "Codertocat",
            "url": "https://github.com/Codertocat/Hello-World/issues/1",
            "repository": "Codertocat/Hello-World",
        })
    );
    assert_eq!(stepwell::trigger::Deduplication::into_key(dedupe).as_deref(), Some("delivery-1"));
}

#[tokio::test]
async fn an_issue_without_text_has_an_empty_one() {
    let Trigger::Outcome(event) =
        triggered(delivery("issues", OPENED_WITHOUT_BODY, "secret")).await.expect("it is signed")
    else {
        panic!("an opened issue is an outcome");
    };
    let IssueOpenedOutcome::Opened { body, .. } = event.outcome;
    assert_eq!(body, "");
}

#[tokio::test]
async fn other_events_and_other_actions_start_nothing() {
    for (event, body) in [("issues", EDITED), ("ping", PING)] {
        let result = triggered(delivery(event, body, "secret")).await.expect("it is signed");
        assert!(matches!(result, Trigger::NoOp), "{event}: {result:?}");
    }
}

#[tokio::test]
async fn a_wrong_signature_is_refused_with_401() {
    let error = triggered(delivery("issues", OPENED, "guessed")).await.expect_err("the signature is wrong");
    match error.into_kind() {
        TriggerErrorKind::Rejected(rejected) => assert_eq!(rejected.status(), StatusCode::UNAUTHORIZED),
        failed @ TriggerErrorKind::Failed { .. } => panic!("{failed:?}"),
    }
}

#[tokio::test]
async fn activate_registers_the_callback_url_with_a_new_secret() {
    let service = Service::answering([(200, json!([])), (201, json!({ "id": 7, "config": { "url": "…" } }))]);
    let testing = service.testing();
    let registered = add_webhook(repository(), testing.activate()).await.expect("the provider agrees");
    let again = Service::answering([(200, json!([])), (201, json!({ "id": 8, "config": { "url": "…" } }))]);
    let another = add_webhook(repository(), again.testing().activate()).await.expect("the provider agrees");

    assert_eq!(registered.hook_id, 7);
    assert_eq!(registered.secret.len(), 64);
    assert_ne!(registered.secret, another.secret);
    let sent = service.sent();
    assert_eq!(sent[0].0, format!("GET {API}/repos/Codertocat/Hello-World/hooks"));
    assert_eq!(sent[1].0, format!("POST {API}/repos/Codertocat/Hello-World/hooks"));
    assert_eq!(sent[1].1["events"], json!(["issues"]));
    assert_eq!(
        sent[1].1["config"],
        json!({ "url": testing.trigger_callback_url, "content_type": "json", "secret": registered.secret })
    );
}

#[tokio::test]
async fn t2_a_repeated_activate_takes_over_the_webhook_that_it_left_behind() {
    let url = Testing::new().trigger_callback_url;
    let hook = json!({ "id": 7, "config": { "url": url, "secret": "********" } });
    let service = Service::answering([(200, json!([hook])), (200, hook)]);
    let registered = add_webhook(repository(), service.testing().activate()).await.expect("it is taken over");
    assert_eq!(registered.hook_id, 7);
    assert_eq!(service.sent()[1].0, format!("PATCH {API}/repos/Codertocat/Hello-World/hooks/7"));
    assert_eq!(service.sent()[1].1["config"]["secret"], json!(registered.secret));
}

#[tokio::test]
async fn a_repository_without_an_owner_is_refused_in_words() {
    let config = config(json!({ "api_url": API, "repository": "hello-world" }));
    let error = add_webhook(config, Testing::new().activate()).await.expect_err("it has no owner");
    assert!(error.message().contains("`hello-world` is not a repository"), "{error}");
}

#[tokio::test]
async fn deactivate_removes_the_webhook_and_does_not_mind_if_it_is_gone() {
    for status in [204, 404] {
        let service = Service::answering([(status, json!(null))]);
        remove_webhook(repository(), service.testing().deactivate(webhook())).await.expect("it is gone");
        assert_eq!(service.sent()[0].0, format!("DELETE {API}/repos/Codertocat/Hello-World/hooks/7"));
    }
    let service = Service::answering([(500, json!(null))]);
    let failed = remove_webhook(repository(), service.testing().deactivate(webhook())).await;
    assert!(failed.is_err());
}

#[tokio::test]
async fn t13_the_handshake_answers_a_ping_and_asks_to_deliver_others_again() {
    for (event, status) in [("ping", StatusCode::OK), ("issues", StatusCode::SERVICE_UNAVAILABLE)] {
        let request = delivery(event, PING, "any");
        let response = answer_ping(request, repository(), Testing::new().handshake()).await.expect(event);
        assert_eq!(response.status(), status);
    }
}

async fn suggested(answer: Value) -> SuggestLabelOutcome {
    let config = config(json!({ "api_url": API, "title": "Typo", "body": "In the README" }));
    let service = Service::answering([(200, answer)]);
    let outcome = suggest_label(config, service.testing().execute()).await.expect("it answers");
    let (request, body) = service.sent().remove(0);
    assert_eq!(request, format!("POST {API}/label-suggestions"));
    assert_eq!(body, json!({ "title": "Typo", "body": "In the README" }));
    outcome
}

#[tokio::test]
async fn a_confident_suggestion_is_an_outcome_and_others_are_unsure() {
    let outcome = suggested(json!({ "label": "documentation", "confidence": 0.9 })).await;
    let outcome = outcome.into_outcome().expect("it has a JSON form");
    assert_eq!(outcome.data, json!({ "label": "documentation", "confidence": 0.9 }));
    for unsure in [json!({ "label": "bug", "confidence": 0.4 }), json!({ "label": null, "confidence": 1.0 })]
    {
        assert!(matches!(suggested(unsure).await, SuggestLabelOutcome::Unsure));
    }
}

#[tokio::test]
async fn a_service_that_is_overloaded_is_asked_again() {
    let config = config(json!({ "api_url": API, "title": "Typo" }));
    let service = Service::answering([(503, json!(null))]);
    let error = suggest_label(config, service.testing().execute()).await.expect_err("it is overloaded");
    assert!(error.is_retryable());
}

fn question<T: DeserializeOwned>() -> T {
    config(json!({ "api_url": API, "question": "Label it?", "label": "bug" }))
}

#[tokio::test]
async fn the_question_is_posted_once_however_many_attempts_there_are() {
    let service = Service::answering([(201, json!({ "id": 3 }))]);
    let testing = service.testing();
    for _ in 0..2 {
        match ask_maintainer(question(), testing.execute()).await.expect("it defers") {
            Execution::Defer(deferral) => {
                assert_eq!(deferral.state.question_id, 3);
                let waiting_for = deferral.waiting_for.expect("it says so").text;
                assert_eq!(waiting_for, "a maintainer's approval of the label `bug`");
            }
            Execution::Outcome(_) | Execution::Exit => panic!("it waits for the answer"),
        }
    }
    let sent = service.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1["answer_url"], json!(testing.step.finish_callback_url));
    assert_eq!(service.key(0), Some("test-run-1:question".into()));
}

async fn answered(body: &'static str) -> Result<Finish<AskMaintainerOutcome>, StepError> {
    let cx = Testing::new().finish(Question { question_id: 3 });
    take_answer(Request::new(Method::POST, body), question(), cx).await
}

#[tokio::test]
async fn d12_an_unreadable_answer_is_rejected_and_others_decide() {
    for unreadable in ["", "yes", "{}", r#"{"approved": "true", "by": "you"}"#] {
        let error = answered(unreadable).await.expect_err("it is unreadable");
        assert!(matches!(error.into_kind(), StepErrorKind::Rejected(_)), "{unreadable}");
    }
    for (approved, id) in [("true", "approved"), ("false", "declined")] {
        let body = format!(r#"{{"approved": {approved}, "by": "you"}}"#).leak();
        let Finish::Outcome(outcome) = answered(body).await.expect("it is readable") else {
            panic!("an answer decides");
        };
        let outcome = outcome.into_outcome().expect("it has a JSON form");
        assert_eq!((outcome.id.as_str(), outcome.data), (id, json!({ "by": "you" })));
    }
}

#[tokio::test]
async fn d8_cancel_withdraws_the_question() {
    let service = Service::answering([(204, json!(null))]);
    let cx = service.testing().cancel(Question { question_id: 3 });
    withdraw_question(question(), cx).await.expect("it is withdrawn");
    assert_eq!(service.sent()[0].0, format!("DELETE {API}/questions/3"));
}

#[tokio::test]
async fn s2_the_label_is_applied_under_the_id_of_the_execution() {
    let service = Service::answering([(200, json!([]))]);
    let config = config(json!({ "api_url": API, "repository": "a/b", "number": 1, "label": "bug" }));
    let outcome = apply_label(config, service.testing().execute()).await.expect("it is applied");
    assert!(matches!(outcome, ApplyLabelOutcome::Applied));
    let (request, body) = service.sent().remove(0);
    assert_eq!(request, format!("POST {API}/repos/a/b/issues/1/labels"));
    assert_eq!(body, json!({ "labels": ["bug"] }));
    assert_eq!(service.key(0), Some("test-run-1".into()));
}

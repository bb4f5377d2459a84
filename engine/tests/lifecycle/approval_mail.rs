//! `core/approval` by mail: each approver is sent a link of their own, over a real connection.

use std::collections::BTreeMap;

use http::{HeaderValue, Method, header};
use serde_json::{Value, json};
use stepwell::request::Request;
use stepwell_engine::model::RunStatus;
use stepwell_engine::testing::{TestEngine, TestRun};

use crate::builtin::{one_step, outcome, run};
use crate::database;
use crate::mail::{MailServer, Security};
use crate::send_email::{headers, setup};

fn by_mail(notify: &Value) -> Value {
    let config = json!({
        "message": "May we ship order {{ trigger.order }}?",
        "details": "12 kettles",
        "approvers": [
            { "name": "Anna", "email": "anna@shop.example" },
            { "name": "Bert", "email": "bert@shop.example" },
        ],
        "quorum": 1,
        "notify": [notify],
    });
    let mut definition = one_step("core/approval", &config, &["approved", "rejected"]);
    definition["steps"]["step"]["connection"] = json!("default");
    definition
}

async fn asked(engine: &TestEngine) -> TestRun {
    run(engine, &by_mail(&json!({ "kind": "email" })), json!({ "order": 7 })).await
}

fn header_of(message: &str, name: &str) -> String {
    let prefix = format!("{name}: ");
    let found =
        headers(message).into_iter().find_map(|header| header.strip_prefix(&prefix).map(str::to_owned));
    found.unwrap_or_else(|| panic!("no {name} in {message}"))
}

/// The link in a message, whose lines may be folded.
fn link(message: &str) -> String {
    let text = message.replace("=\r\n", "").replace("=3D", "=");
    let link = text.lines().find(|line| line.starts_with("http"));
    link.unwrap_or_else(|| panic!("no link in {text}")).to_owned()
}

#[tokio::test]
async fn d1_each_approver_is_sent_a_link_of_their_own() {
    let server = MailServer::start(Security::None, &[]).await;
    let engine = setup(&server, &json!({})).start().await;
    let run = asked(&engine).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    let messages = server.messages();
    let links: BTreeMap<String, String> =
        messages.iter().map(|message| (header_of(message, "To"), link(message))).collect();
    let own = |address: &str, link: String| (address.to_owned(), link);
    assert_eq!(
        links,
        BTreeMap::from([
            own("anna@shop.example", run.finish_link(0).await),
            own("bert@shop.example", run.finish_link(1).await),
        ])
    );
    assert_eq!(header_of(&messages[0], "Subject"), "May we ship order 7?");
    assert!(messages[0].contains("12 kettles"), "{}", messages[0]);
    let history = serde_json::to_string(&run.history().await).unwrap();
    for link in links.values() {
        assert!(!history.contains(link.rsplit('/').next().unwrap()), "{history}");
    }

    let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    let answer = Request::new(Method::POST, "answer=approve").with_header(header::CONTENT_TYPE, content_type);
    engine.request(&links["bert@shop.example"], answer).await;
    engine.settle().await;
    let (id, data) = outcome(&run).await;
    assert_eq!((id.as_str(), &data["by"]), ("approved", &json!("Bert")));
}

#[tokio::test]
async fn o1_s2_a_mail_that_is_sent_again_after_a_crash_is_the_same_message() {
    let server = MailServer::start(Security::None, &[]).await;
    let moments = setup(&server, &json!({}))
        .at_every_crash(async |engine| {
            let before = server.messages().len();
            let run = asked(&engine).await;
            assert_eq!(run.status().await, RunStatus::Waiting);
            let mut by_id: BTreeMap<String, String> = BTreeMap::new();
            for message in &server.messages()[before..] {
                let to = header_of(message, "To");
                let first = by_id.entry(header_of(message, "Message-ID")).or_insert_with(|| to.clone());
                assert_eq!(*first, to);
            }
            assert_eq!(by_id.len(), 2, "{by_id:?}");
        })
        .await;
    assert!(moments > 8, "{moments} moments");
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again_for_those_who_have_no_mail_yet() {
    let server = MailServer::start(Security::None, &[("RCPT TO:<bert", "451 busy")]).await;
    let engine = setup(&server, &json!({})).start().await;
    let run = asked(&engine).await;
    assert_eq!(server.messages().len(), 1);
    engine.advance(std::time::Duration::from_mins(1)).await;
    assert_eq!(run.status().await, RunStatus::Waiting);
    let to: Vec<String> = server.messages().iter().map(|message| header_of(message, "To")).collect();
    assert_eq!(to, ["anna@shop.example", "bert@shop.example"]);
}

#[tokio::test]
async fn mail_needs_a_connection_and_an_address_of_everybody() {
    let engine = database::engine().await;
    let mut definition = by_mail(&json!({ "kind": "email" }));
    definition["steps"]["step"].as_object_mut().unwrap().remove("connection");
    let without = run(&engine, &definition, json!({ "order": 7 })).await;
    let error = without.error().await.unwrap();
    assert!(error.contains("name one of the kind `core/smtp`"), "{error}");

    let mut nowhere = definition.clone();
    nowhere["steps"]["step"]["config"]["approvers"][1] = json!({ "name": "Bert" });
    let refused = engine.enable("flow", &nowhere).await.unwrap_err();
    assert!(
        refused.contains("config.notify.0\"") && refused.contains("Approver 2 has no `email`"),
        "{refused}"
    );

    let mut lines = definition;
    lines["steps"]["step"]["config"]["notify"][0]["subject"] = json!("Hello\r\nBcc: eve@shop.example");
    let refused = engine.enable("flow", &lines).await.unwrap_err();
    assert!(refused.contains("config.notify.0.subject"), "{refused}");
}

//! `core/send-email`, with a mail server over real connections.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use stepwell::connection::Connection;
use stepwell_engine::model::RunStatus;
use stepwell_engine::testing::{Setup, TestEngine, TestRun};

use crate::builtin::{one_step, outcome, run};
use crate::database;
use crate::mail::{Certificate, MailServer, Security};

/// A connection `core/smtp`, which tests cannot name by its type.
struct Smtp(Value);

impl Connection for Smtp {
    const ID: Option<&'static str> = Some("core/smtp");

    fn from_credentials(credentials: Value) -> Result<Self, serde_json::Error> {
        Ok(Self(credentials))
    }

    fn to_credentials(&self) -> Result<Value, serde_json::Error> {
        Ok(self.0.clone())
    }
}

/// A connection to this server, changed as a test says.
pub(crate) fn setup(server: &MailServer, changes: &Value) -> Setup {
    let mut smtp = json!({
        "host": "localhost",
        "port": server.port,
        "encryption": "none",
        "from": "flows@shop.example",
        "from_name": "The shop",
    });
    smtp.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    database::setup().connection(&Smtp(smtp))
}

async fn engine(server: &MailServer, changes: &Value) -> TestEngine {
    setup(server, changes).start().await
}

fn sending(config: &Value) -> Value {
    one_step("core/send-email", config, &["sent"])
}

fn to_ada() -> Value {
    json!({ "to": ["ada@example.com"], "subject": "Your order", "text": "It is on its way." })
}

async fn sent(engine: &TestEngine, config: &Value) -> TestRun {
    run(engine, &sending(config), Value::Null).await
}

/// The lines of a header, unfolded.
pub(crate) fn headers(message: &str) -> Vec<String> {
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    head.replace("\r\n ", " ").split("\r\n").map(str::to_owned).collect()
}

#[tokio::test]
async fn a_message_goes_to_everybody_and_names_those_whom_it_may() {
    let server = MailServer::start(Security::None, &[]).await;
    let engine = engine(&server, &json!({})).await;
    let config = json!({
        "to": ["ada@example.com", "{{ trigger.customer }}"],
        "cc": ["carl@example.com"],
        "bcc": ["boss@shop.example"],
        "reply_to": "orders@shop.example",
        "subject": "Ihre Bestellung für {{ trigger.sum }} €",
        "text": "Grüße,\n.\nthe shop",
        "html": "<p>Grüße</p>",
    });
    let trigger = json!({ "customer": "Bert@Example.com", "sum": 7 });
    let run = run(&engine, &sending(&config), trigger).await;
    let (id, data) = outcome(&run).await;
    let message_id = format!("<{}@shop.example>", run.execution().await.unique_execution_id);
    assert_eq!((id.as_str(), data), ("sent", json!({ "message_id": message_id })));

    let commands = server.commands();
    let recipients: Vec<&str> =
        commands.iter().filter_map(|command| command.strip_prefix("RCPT TO:")).collect();
    assert_eq!(
        recipients,
        ["<ada@example.com>", "<Bert@example.com>", "<carl@example.com>", "<boss@shop.example>"]
    );
    assert!(
        commands.iter().any(|command| command.starts_with("MAIL FROM:<flows@shop.example>")),
        "{commands:?}"
    );
    let messages = server.messages();
    let headers = headers(&messages[0]);
    for expected in [
        "From: \"The shop\" <flows@shop.example>",
        "To: ada@example.com, Bert@example.com",
        "Cc: carl@example.com",
        "Reply-To: orders@shop.example",
        "Date: Thu, 01 Jan 2026 00:00:00 +0000",
        &format!("Message-ID: {message_id}"),
    ] {
        assert!(headers.iter().any(|header| header == expected), "{expected}: {headers:#?}");
    }
    assert!(!messages[0].contains("boss@shop.example"), "nobody sees the hidden copy");
    assert!(messages[0].contains("text/plain") && messages[0].contains("text/html"));
}

/// The `Message-ID`s of the messages that a server has taken.
fn message_ids(server: &MailServer) -> Vec<String> {
    let ids = |message: &String| {
        headers(message).into_iter().find_map(|header| Some(header.strip_prefix("Message-ID: ")?.to_owned()))
    };
    server.messages().iter().filter_map(ids).collect()
}

#[tokio::test]
async fn s2_an_attempt_that_is_repeated_sends_the_same_message() {
    // The first message that comes is taken, and its sender does not hear of it.
    let refusals = [("RCPT", "451 4.7.1 try again"), (".", "421 4.3.2 going down")];
    let server = MailServer::start(Security::None, &refusals).await;
    let engine = engine(&server, &json!({})).await;
    let run = sent(&engine, &to_ada()).await;
    engine.advance(Duration::from_mins(1)).await;
    let (id, data) = outcome(&run).await;
    assert_eq!((id.as_str(), run.execution().await.attempts.len()), ("sent", 3));
    assert_eq!(message_ids(&server), [data["message_id"].as_str().unwrap(); 2]);
    let another = sent(&engine, &to_ada()).await;
    assert_ne!(outcome(&another).await.1, data, "another execution sends another message");
}

#[tokio::test]
async fn s7_a_crash_at_any_moment_sends_at_most_the_same_message_again() {
    let server = MailServer::start(Security::None, &[]).await;
    let moments = setup(&server, &json!({}))
        .at_every_crash(async |engine| {
            let run = sent(&engine, &to_ada()).await;
            let (id, data) = outcome(&run).await;
            assert_eq!(id, "sent");
            let ids = message_ids(&server);
            assert!(ids.contains(&data["message_id"].as_str().unwrap().to_owned()));
        })
        .await;
    let ids: BTreeSet<String> = message_ids(&server).into_iter().collect();
    assert_eq!(ids.len() as u64, moments + 1, "each engine has sent one message, once or twice");
}

#[tokio::test]
async fn s4_what_the_server_refuses_for_good_fails_at_once_and_is_told() {
    let server = MailServer::start(Security::None, &[("RCPT", "550 5.1.1 nobody of this name")]).await;
    let engine = engine(&server, &json!({})).await;
    let refused = sent(&engine, &to_ada()).await;
    let error = refused.error().await.unwrap();
    assert!(
        error.contains("localhost: ") && error.contains("550") && error.contains("nobody of this name"),
        "{error}"
    );
    assert_eq!(refused.execution().await.attempts.len(), 1);
    assert_eq!(server.messages().len(), 0);
}

#[tokio::test]
async fn s4_a_server_that_is_away_is_tried_again() {
    let server = MailServer::start(Security::None, &[]).await;
    // Nobody listens on the port of a listener that is gone.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let engine = engine(&server, &json!({ "port": gone })).await;
    let run = sent(&engine, &to_ada()).await;
    assert_eq!(run.status().await, RunStatus::Running, "it waits for its next attempt");
    engine.advance(Duration::from_hours(1)).await;
    let error = run.error().await.unwrap();
    assert!(error.contains("localhost"), "{error}");
    assert_eq!(run.execution().await.attempts.len(), 5);
}

#[tokio::test]
async fn no_field_can_add_a_header() {
    let server = MailServer::start(Security::None, &[]).await;
    let engine = engine(&server, &json!({})).await;
    let mut config = to_ada();
    config["subject"] = json!("{{ trigger.subject }}");
    let injected = json!({ "subject": "Hello\r\nBcc: eve@example.com" });
    let refused = run(&engine, &sending(&config), injected).await;
    assert!(refused.error().await.unwrap().contains("config.subject: The subject has a line break"));
    for field in ["to", "cc", "bcc", "reply_to"] {
        let mut config = to_ada();
        let address = "{{ trigger.address }}";
        config[field] = if field == "reply_to" { json!(address) } else { json!([address]) };
        for address in [
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@example.com, eve@example.com",
            "Ada <ada@example.com>",
        ] {
            let refused = run(&engine, &sending(&config), json!({ "address": address })).await;
            assert!(refused.error().await.unwrap().contains(field), "{field}");
        }
    }
    assert_eq!(server.commands(), [""; 0], "nothing was sent");
    // What stands in the text stays there, whatever it looks like.
    let mut config = to_ada();
    config["text"] = json!("\r\n.\r\nRCPT TO:<eve@example.com>\r\n\r\nBcc: eve@example.com");
    assert_eq!(outcome(&sent(&engine, &config).await).await.0, "sent");
    assert!(!server.commands().iter().any(|command| command.contains("eve")), "{:?}", server.commands());
    assert!(!headers(&server.messages()[0]).iter().any(|header| header.starts_with("Bcc")));
}

#[tokio::test]
async fn a_message_is_for_somebody_and_not_for_a_crowd() {
    let server = MailServer::start(Security::None, &[]).await;
    let engine = engine(&server, &json!({})).await;
    let crowd: Vec<String> = (0..101).map(|number| format!("n{number}@example.com")).collect();
    for to in [json!([]), json!(crowd)] {
        let mut config = to_ada();
        config["to"] = to;
        let refused = engine.enable("flow", &sending(&config)).await.unwrap_err();
        assert!(refused.contains("steps.step.config.to\""), "{refused}");
    }
    assert_eq!(server.commands(), [""; 0]);
}

#[tokio::test]
async fn nothing_is_sent_where_the_server_does_not_encrypt() {
    let server = MailServer::start(Security::None, &[]).await;
    let secret = json!({ "user": "flows", "password": "pass", "encryption": "starttls" });
    let engine = engine(&server, &secret).await;
    let refused = sent(&engine, &to_ada()).await;
    assert!(refused.error().await.unwrap().contains("STARTTLS"));
    assert_eq!(refused.execution().await.attempts.len(), 1);
    assert!(
        server.commands().iter().all(|command| ["EHLO", "QUIT"].contains(&&command[..4])),
        "{:?}",
        server.commands()
    );
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_whose_certificate_is_not_trusted() {
    let directory = tempfile::tempdir().unwrap();
    for encryption in ["starttls", "tls"] {
        let certificate = Certificate::write(&directory.path().join("nobodys.pem"));
        let security = match encryption {
            "tls" => Security::Tls(certificate),
            _ => Security::StartTls(certificate),
        };
        let server = MailServer::start(security, &[]).await;
        let secret = json!({ "user": "flows", "password": "pass", "encryption": encryption });
        let engine = engine(&server, &secret).await;
        let refused = sent(&engine, &to_ada()).await;
        engine.advance(Duration::from_hours(1)).await;
        let error = refused.error().await.unwrap();
        assert!(error.contains("localhost: invalid peer certificate"), "{error}");
        let said = server.commands();
        assert!(said.iter().all(|command| ["EHLO", "STAR"].contains(&&command[..4])), "{said:?}");
    }
}

#[tokio::test]
async fn a_password_is_given_with_a_user_and_never_in_clear() {
    let server = MailServer::start(Security::None, &[]).await;
    for (changes, says) in [
        (json!({ "user": "flows", "password": "pass" }), "no encryption"),
        (json!({ "user": "flows" }), "one of user and password"),
        (json!({ "password": "pass" }), "one of user and password"),
        (json!({ "from_name": "The\r\nBcc: eve@example.com" }), "`from_name`"),
    ] {
        let engine = engine(&server, &changes).await;
        let error = sent(&engine, &to_ada()).await.error().await.unwrap();
        assert!(error.contains(says) && !error.contains("\"pass\""), "{error}");
    }
    assert_eq!(server.commands(), [""; 0]);
}

//! Mail through servers that a process trusts, and servers that it must not reach.

use serde_json::{Value, json};

use crate::mail::{Certificate, MailServer, Security};
use crate::process::{Process, serve, until};

/// Enables a workflow that sends a message through this server, runs it, and gives its run.
fn send(engine: &Process, server: &MailServer, encryption: &str) -> Value {
    let smtp = json!({
        "host": "localhost",
        "port": server.port,
        "encryption": encryption,
        "user": "flows",
        "password": "pass",
        "from": "flows@shop.example",
    });
    assert!(matches!(engine.put("/api/v1/connections/core/smtp/default", &smtp), Some(200 | 201)));
    let workflow = json!({
        "id": encryption,
        "title": "Send",
        "trigger": { "block": "core/manual", "on": { "started": "send" } },
        "steps": { "send": {
            "block": "core/send-email",
            "config": { "to": ["ada@example.com"], "subject": "Hello", "text": "Hello" },
            "retry": { "attempts": 1 },
        } },
    });
    assert_eq!(engine.post("/api/v1/workflows", &workflow).unwrap().0, 201);
    assert_eq!(engine.post(&format!("/api/v1/workflows/{encryption}/enable"), &json!({})).unwrap().0, 200);
    let (_, run) = engine.post(&format!("/api/v1/workflows/{encryption}/runs"), &json!({})).unwrap();
    let run = run["id"].as_str().unwrap().to_owned();
    until(|| {
        let (_, seen) = engine.get(&format!("/api/v1/runs/{run}"))?;
        ["completed", "failed"].contains(&seen["status"].as_str()?).then_some(seen)
    })
}

#[test]
fn mail_goes_with_its_password_through_tls_to_a_server_that_is_trusted() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    for encryption in ["starttls", "tls"] {
        let trusted = data.path().join("trusted.pem");
        let certificate = Certificate::write(&trusted);
        let security = match encryption {
            "tls" => Security::Tls(certificate),
            _ => Security::StartTls(certificate),
        };
        let server = runtime.block_on(MailServer::start(security, &[]));
        let mut command = serve(data.path());
        command.env("SSL_CERT_FILE", &trusted);
        let engine = Process::spawn(command, data.path());
        let run = send(&engine, &server, encryption);
        assert_eq!(run["executions"][0]["outcome"], "sent", "{run}");
        // \0flows\0pass
        assert!(
            server.commands().contains(&"AUTH PLAIN AGZsb3dzAHBhc3M=".to_owned()),
            "{:?}",
            server.commands()
        );
        let message_id = run["executions"][0]["data"]["message_id"].as_str().unwrap();
        assert!(server.messages()[0].contains(message_id));
        assert!(!run.to_string().contains("pass\""), "{run}");
    }
}

#[test]
fn a_mail_server_at_a_private_address_is_refused_unless_an_operator_allows_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(MailServer::start(Security::None, &[]));
    let data = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_stepwell"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
    let engine = Process::spawn(command, data.path());
    let run = send(&engine, &server, "starttls");
    let error = run["executions"][0]["error"].to_string();
    assert!(
        error.contains("private address localhost") && error.contains("--allow-private-addresses"),
        "{error}"
    );
    assert_eq!(server.commands(), [""; 0]);
}

//! `core/http-request`: what is sent, where credentials go, and what an answer means.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, Method};
use serde_json::{Value, json};
use stepwell::connection::Connection;
use stepwell::http_client::{HttpError, HttpRequest, HttpResponse, Redirects};
use stepwell::testing::answering;
use stepwell_engine::testing::TestEngine;

use crate::builtin::{one_step, outcome, run};
use crate::database::{engine, setup};

/// A connection `core/http` with these credentials, which tests cannot name by its type.
struct Account(Value);

impl Connection for Account {
    const ID: Option<&'static str> = Some("core/http");

    fn from_credentials(credentials: Value) -> Result<Self, serde_json::Error> {
        Ok(Self(credentials))
    }

    fn to_credentials(&self) -> Result<Value, serde_json::Error> {
        Ok(self.0.clone())
    }
}

type Sent = Arc<Mutex<Vec<HttpRequest>>>;

/// An engine whose requests are answered by this function, and what was sent.
async fn answered(
    credentials: Option<Value>,
    answer: impl Fn(&HttpRequest) -> HttpResponse + Send + Sync + 'static,
) -> (TestEngine, Sent) {
    let sent = Sent::default();
    let seen = Arc::clone(&sent);
    let http = answering(move |request: HttpRequest| {
        let response = answer(&request);
        seen.lock().unwrap().push(request);
        async { Ok::<_, HttpError>(response) }
    });
    let mut setup = setup().http(http);
    if let Some(credentials) = credentials {
        setup = setup.connection(&Account(credentials));
    }
    (setup.start().await, sent)
}

/// A workflow of one request, with or without the connection.
fn requesting(config: &Value, connection: Option<&str>) -> Value {
    let mut definition = one_step("core/http-request", config, &["ok", "refused"]);
    if let Some(name) = connection {
        definition["steps"]["step"]["connection"] = json!(name);
    }
    definition
}

#[tokio::test]
async fn a_request_is_sent_once_answered_and_tried_again_while_it_may_pass() {
    let sent: Arc<Mutex<Vec<HttpRequest>>> = Arc::default();
    let seen = Arc::clone(&sent);
    let http = answering(move |request: HttpRequest| {
        let mut sent = seen.lock().unwrap();
        sent.push(request);
        let response = match sent.len() {
            1 => {
                let mut busy = HttpResponse::new(429, "");
                busy.headers.insert("retry-after", http::HeaderValue::from_static("120"));
                busy
            }
            2 => HttpResponse::of_json(200, &json!({ "id": 7 })),
            _ => HttpResponse::new(404, "no such order"),
        };
        async { Ok(response) }
    });
    let engine = setup().http(http).start().await;
    let config = json!({
        "method": "POST",
        "url": "https://shop.example/orders",
        "query": { "dry run": "no & yes" },
        "headers": { "X-Shop": "one" },
        "token": "t0ken",
        "body": { "kind": "json", "value": { "item": "{{ trigger.item }}" } },
    });
    let definition = requesting(&config, None);
    let ordered = run(&engine, &definition, json!({ "item": "kettle" })).await;
    engine.advance(Duration::from_secs(119)).await;
    assert_eq!(sent.lock().unwrap().len(), 1, "Retry-After is honoured");
    engine.advance(Duration::from_secs(1)).await;
    let (id, data) = outcome(&ordered).await;
    assert_eq!((id.as_str(), &data["status"], &data["body"]), ("ok", &json!(200), &json!({ "id": 7 })));
    let request = sent.lock().unwrap()[0].clone();
    assert_eq!(request.url, "https://shop.example/orders?dry+run=no+%26+yes");
    assert_eq!(
        (&request.headers["x-shop"], &request.headers["authorization"]),
        (&"one".parse().unwrap(), &"Bearer t0ken".parse().unwrap())
    );
    assert_eq!(request.body, r#"{"item":"kettle"}"#);

    let refused = run(&engine, &definition, json!({ "item": "teapot" })).await;
    let (id, data) = outcome(&refused).await;
    assert_eq!((id.as_str(), &data["body"]), ("refused", &json!("no such order")));
}

#[tokio::test]
async fn s8_a_request_has_the_credentials_of_the_connection_that_is_named_and_of_no_other() {
    for (auth, name, value) in [
        (json!({ "kind": "bearer", "token": "t0ken" }), "authorization", "Bearer t0ken"),
        (
            json!({ "kind": "basic", "user": "ada", "password": "pass" }),
            "authorization",
            "Basic YWRhOnBhc3M=",
        ),
        (json!({ "kind": "header", "name": "X-Api-Key", "value": "k3y" }), "x-api-key", "k3y"),
    ] {
        let (engine, sent) = answered(Some(json!({ "auth": auth })), |_| HttpResponse::new(200, "")).await;
        // What the workflow says itself is replaced.
        let config =
            json!({ "url": "https://shop.example", "token": "own", "headers": { "X-Api-Key": "own" } });
        run(&engine, &requesting(&config, Some("default")), Value::Null).await;
        run(&engine, &requesting(&config, None), Value::Null).await;
        let sent = sent.lock().unwrap();
        assert_eq!(sent[0].headers[name], value);
        assert!(sent[0].headers[name].is_sensitive(), "a redirect to another server does not get it");
        assert_ne!(sent[1].headers[name], value);
    }
}

#[tokio::test]
async fn credentials_go_to_no_host_but_those_of_the_connection() {
    let credentials = json!({ "auth": { "kind": "bearer", "token": "t0ken" }, "hosts": ["api.example.com", "http://10.0.0.7:8080"] });
    let (engine, sent) = answered(Some(credentials), |_| HttpResponse::new(200, "")).await;
    for url in ["https://api.example.com/orders", "http://10.0.0.7:8080/orders"] {
        let right = run(&engine, &requesting(&json!({ "url": url }), Some("default")), Value::Null).await;
        assert_eq!(outcome(&right).await.0, "ok", "{url}");
    }
    let mut wrong: Vec<Value> = [
        "http://api.example.com/orders",
        "https://api.example.com:8443/",
        "https://evil.example/",
        "https://api.example.com@evil.example/",
    ]
    .map(|url| json!({ "url": url }))
    .into();
    wrong.push(json!({ "url": "https://api.example.com/", "headers": { "hOST": "evil.example" } }));
    for config in wrong {
        let refused = run(&engine, &requesting(&config, Some("default")), Value::Null).await;
        let error = refused.error().await.unwrap();
        assert!(error.contains("config `url`") || error.contains("config `headers`"), "{config}: {error}");
        assert!(!error.contains("t0ken"), "{error}");
    }
    assert_eq!(sent.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_body_may_be_of_any_bytes_and_so_may_the_answer() {
    let (engine, sent) = answered(None, |_| HttpResponse::new(200, &[0xff, 0x00][..])).await;
    let config = json!({
        "method": "PUT",
        "url": "https://files.example/a",
        "body": { "kind": "bytes", "base64": "{{ trigger.file }}", "content_type": "image/png" },
        "read_as": "base64",
    });
    let stored = run(&engine, &requesting(&config, None), json!({ "file": "iVBORw==" })).await;
    assert_eq!(outcome(&stored).await.1["body"], "/wA=");
    {
        let sent = sent.lock().unwrap();
        assert_eq!((&sent[0].method, &sent[0].body[..]), (&Method::PUT, &b"\x89PNG"[..]));
        assert_eq!(sent[0].headers["content-type"], "image/png");
    }
    let wrong = run(&engine, &requesting(&config, None), json!({ "file": "no base64" })).await;
    assert!(wrong.error().await.unwrap().contains("config.body.base64: This is not base64"));
    assert_eq!(sent.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_header_of_the_workflow_comes_before_the_content_type_of_its_body() {
    let (engine, sent) = answered(None, |_| HttpResponse::new(200, r#"{"n": 1}"#)).await;
    let config = json!({
        "method": "POST",
        "url": "https://api.example",
        "headers": { "Content-Type": "application/vnd.api+json" },
        "body": { "kind": "json", "value": [1] },
        "read_as": "text",
    });
    let done = run(&engine, &requesting(&config, None), Value::Null).await;
    assert_eq!(outcome(&done).await.1["body"], r#"{"n": 1}"#);
    assert_eq!(sent.lock().unwrap()[0].headers["content-type"], "application/vnd.api+json");
}

#[tokio::test]
async fn limits_of_a_request_are_those_of_its_step() {
    let (engine, sent) = answered(None, |_| HttpResponse::new(200, "")).await;
    let config =
        json!({ "url": "https://a.example", "timeout": "90s", "max_bytes": 2000, "follow_redirects": false });
    run(&engine, &requesting(&config, None), Value::Null).await;
    run(&engine, &requesting(&json!({ "url": "https://a.example" }), None), Value::Null).await;
    {
        let sent = sent.lock().unwrap();
        let limits = |request: &HttpRequest| (request.timeout, request.longest_response, request.redirects);
        assert_eq!(limits(&sent[0]), (Some(Duration::from_secs(90)), Some(2000), Redirects::Return));
        assert_eq!(limits(&sent[1]), (None, None, Redirects::Follow));
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_not_enabled() {
    let engine = engine().await;
    for (more, path) in [
        (json!({ "timeout": "5m" }), "timeout"),
        (json!({ "timeout": "0s" }), "timeout"),
        (json!({ "url": "ftp://a.example" }), "url"),
        (json!({ "headers": { "X Shop": "7" } }), "headers.X Shop"),
        (json!({ "headers": { "X-Shop": "7\r\nHost: b" } }), "headers.X-Shop"),
        (json!({ "body": { "kind": "bytes", "base64": "no base64" } }), "body.base64"),
        (json!({ "statuses": { "6xx": "ok" } }), "statuses"),
    ] {
        let mut config = json!({ "url": "https://a.example" });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused = engine.enable("flow", &requesting(&config, None)).await.unwrap_err();
        assert!(refused.contains(&format!("steps.step.config.{path}")), "{more}: {refused}");
    }
}

#[tokio::test]
async fn a_status_means_what_the_step_says() {
    let status = |request: &HttpRequest| request.url.rsplit('/').next().unwrap().parse().unwrap();
    let (engine, sent) = answered(None, move |request| HttpResponse::new(status(request), "gone")).await;
    let config = |status: u16| {
        json!({
            "url": format!("https://a.example/{status}"),
            "statuses": { "404": "ok", "500": "refused", "5xx": "fail", "409": "retry" },
        })
    };
    for (status, id) in [(200, "ok"), (404, "ok"), (410, "refused"), (500, "refused")] {
        let ended = run(&engine, &requesting(&config(status), None), Value::Null).await;
        assert_eq!(
            outcome(&ended).await,
            (id.to_owned(), json!({ "status": status, "headers": {}, "body": "gone" }))
        );
    }
    let failed = run(&engine, &requesting(&config(503), None), Value::Null).await;
    assert!(failed.error().await.unwrap().contains("503 Service Unavailable: gone"));
    assert_eq!(sent.lock().unwrap().len(), 5, "it is not tried again");
    let mut definition = requesting(&config(409), None);
    definition["steps"]["step"]["retry"] = json!({ "attempts": 2 });
    let retried = run(&engine, &definition, Value::Null).await;
    engine.advance(Duration::from_secs(10)).await;
    assert!(retried.error().await.unwrap().contains("409 Conflict: gone"));
    assert_eq!(sent.lock().unwrap().len(), 7);

    for key in ["40", "4XX", "600", "teapot"] {
        let config = json!({ "url": "https://a.example", "statuses": { key: "ok" } });
        let refused = engine.enable("wrong", &requesting(&config, None)).await.unwrap_err();
        assert!(refused.contains("steps.step.config.statuses"), "{refused}");
    }
}

#[tokio::test]
async fn s4_retry_after_may_name_a_time() {
    let (engine, sent) = answered(None, |_| {
        let mut busy = HttpResponse::new(503, "");
        busy.headers.insert("date", HeaderValue::from_static("Thu, 01 Jan 2026 10:00:00 GMT"));
        busy.headers.insert("retry-after", HeaderValue::from_static("Thu, 01 Jan 2026 10:02:00 GMT"));
        busy
    })
    .await;
    run(&engine, &requesting(&json!({ "url": "https://a.example" }), None), Value::Null).await;
    engine.advance(Duration::from_secs(119)).await;
    assert_eq!(sent.lock().unwrap().len(), 1);
    engine.advance(Duration::from_secs(1)).await;
    assert_eq!(sent.lock().unwrap().len(), 2);
}

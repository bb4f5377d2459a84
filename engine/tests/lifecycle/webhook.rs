//! `core/webhook`: what it takes, what it answers, and what can be seen of it.

use http::{HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};
use stepwell::request::Request;
use stepwell_engine::testing::TestEngine;

use crate::builtin::{data, trigger};
use crate::database::engine;
use crate::http::{Server, body};

async fn webhook(engine: &TestEngine, config: &Value) -> Result<String, String> {
    trigger(engine, "core/webhook", config, "received").await
}

/// A workflow that a webhook with this config starts.
fn workflow(config: &Value) -> Value {
    json!({
        "title": "A webhook",
        "trigger": { "block": "core/webhook", "config": config, "on": { "received": "end" } },
        "steps": {},
    })
}

#[tokio::test]
async fn a_webhook_takes_json_forms_and_text() {
    let engine = engine().await;
    let url = webhook(&engine, &json!({})).await.unwrap();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    for request in [
        Request::new(Method::POST, r#"{"n": 1}"#).with_query("a=1"),
        Request::new(Method::POST, "n=1&m=two").with_header(header::CONTENT_TYPE, form),
        Request::new(Method::POST, "plain"),
        Request::new(Method::POST, ""),
    ] {
        let target =
            if request.query().is_empty() { url.clone() } else { format!("{url}?{}", request.query()) };
        assert_eq!(engine.request(&target, request).await.status(), 202);
    }
    engine.settle().await;
    let data = data(&engine).await;
    let bodies: Vec<&Value> = data.iter().map(|data| &data["body"]).collect();
    assert_eq!(bodies, [&json!({ "n": 1 }), &json!({ "n": "1", "m": "two" }), &json!("plain"), &Value::Null]);
    assert_eq!(data[0]["query"], json!({ "a": "1" }));
}

#[tokio::test]
async fn t6_a_webhook_refuses_other_methods_than_its_own() {
    let engine = engine().await;
    let url = webhook(&engine, &json!({})).await.unwrap();
    assert_eq!(engine.request(&url, Request::new(Method::GET, "")).await.status(), 405);
    let url = webhook(&engine, &json!({ "methods": ["GET", "PUT"] })).await.unwrap();
    let refused = engine.request(&url, Request::new(Method::POST, "")).await;
    assert_eq!(refused.headers()[header::ALLOW], "GET, PUT");
    for (method, status) in [(Method::GET, 202), (Method::PUT, 202), (Method::POST, 405), (Method::HEAD, 405)]
    {
        assert_eq!(engine.request(&url, Request::new(method.clone(), "")).await.status(), status, "{method}");
    }
    engine.settle().await;
    let methods: Vec<Value> = data(&engine).await.iter().map(|data| data["method"].clone()).collect();
    assert_eq!(methods, ["GET", "PUT"]);
}

#[tokio::test]
async fn t6_a_webhook_with_a_signature_refuses_what_is_not_signed() {
    let engine = engine().await;
    let signature = json!({ "scheme": "github", "secret": "It's a Secret to Everybody" });
    let response = json!({ "body": { "kind": "text", "text": "thanks" } });
    let config = json!({ "signature": signature, "response": response });
    let url = webhook(&engine, &config).await.unwrap();
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let signed = Request::new(Method::POST, "Hello, World!")
        .with_header(HeaderName::from_static("x-hub-signature-256"), HeaderValue::from_static(signature));
    assert_eq!(engine.request(&url, signed).await.status(), 200);
    assert_eq!(engine.request(&url, Request::new(Method::POST, "Hello, World!")).await.status(), 401);
}

#[tokio::test]
async fn t10_a_webhook_answers_as_its_config_says() {
    let server = Server::start().await;
    let send = async |response: Value| {
        let url = server.enable_as("flow", &workflow(&json!({ "response": response }))).await;
        let answer = server.client.post(url).body("{}").send().await.unwrap();
        let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let shown = (answer.status().as_u16(), header("content-type"), header("x-shop"));
        (shown, answer.text().await.unwrap())
    };
    let plain = || Some("text/plain; charset=utf-8".to_owned());
    assert_eq!(send(json!({})).await, ((200, None, None), String::new()));
    assert_eq!(send(json!({ "status": 204 })).await, ((204, None, None), String::new()));
    let json = json!({ "status": 201, "body": { "kind": "json", "value": { "ok": [true, null] } } });
    assert_eq!(
        send(json).await,
        ((201, Some("application/json".to_owned()), None), r#"{"ok":[true,null]}"#.to_owned())
    );
    let text = json!({ "headers": { "X-Shop": "seven" }, "body": { "kind": "text", "text": "Danke schön" } });
    assert_eq!(send(text).await, ((200, plain(), Some("seven".to_owned())), "Danke schön".to_owned()));
    let page = json!({ "kind": "text", "text": "<p>Thanks", "content_type": "text/html" });
    assert_eq!(
        send(json!({ "body": page })).await,
        ((200, Some("text/html".to_owned()), None), "<p>Thanks".to_owned())
    );
    let runs = server.get("/runs?workflow=flow").await;
    assert_eq!(runs["runs"].as_array().unwrap().len(), 5);
    // Without one it is the engine's own.
    let url = server.enable_as("flow", &workflow(&json!({}))).await;
    let answer = server.client.post(url).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 202);
    assert!(body(answer).await["run_id"].is_string());
    server.engine.shutdown().await;
}

#[tokio::test]
async fn t3_a_webhook_whose_answer_cannot_be_sent_is_not_enabled() {
    let engine = engine().await;
    let text = json!({ "kind": "text", "text": "thanks" });
    let odd = json!({ "kind": "text", "text": "thanks", "content_type": "text/\nhtml" });
    for (response, part) in [
        (json!({ "status": 204, "body": text }), "An answer with 204 has no body; remove it"),
        (json!({ "headers": { "X Shop": "7" } }), "`X Shop` is not the name of a header"),
        (
            json!({ "headers": { "X-Shop": "7\r\nSet-Cookie: a=b" } }),
            "trigger.config.response.headers.X-Shop",
        ),
        (json!({ "headers": { "Content-Length": "7" } }), "`Content-Length` follows from how"),
        (json!({ "body": odd }), "trigger.config.response.body.content_type"),
        (json!({ "status": 500 }), "trigger.config.response.status"),
        (json!({ "status": 199 }), "trigger.config.response.status"),
        (json!({ "stats": 200 }), "trigger.config.response.stats"),
        (json!({ "body": { "kind": "xml" } }), "trigger.config.response.body"),
    ] {
        let error = webhook(&engine, &json!({ "response": response })).await.unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let signature = json!({ "scheme": "hmac_sha256", "header": "X Shop", "secret": "s" });
    let error = webhook(&engine, &json!({ "signature": signature })).await.unwrap_err();
    assert!(error.contains("trigger.config.signature.header"), "{error}");
    assert!(error.contains("`X Shop` is not the name of a header"), "{error}");
    for methods in [json!([]), json!(["TRACE"]), json!("POST")] {
        let error = webhook(&engine, &json!({ "methods": methods })).await.unwrap_err();
        assert!(error.contains("trigger.config.methods"), "{error}");
    }
}

#[tokio::test]
async fn o3_a_sample_is_what_the_latest_run_began_with() {
    let server = Server::start().await;
    let sample = async || server.api(Method::GET, "/workflows/flow/sample").send().await.unwrap();
    assert_eq!(sample().await.status(), 404);
    let url = server.enable_as("flow", &workflow(&json!({}))).await;
    let none = sample().await;
    assert_eq!(none.status(), 404);
    assert!(body(none).await["detail"].as_str().unwrap().contains("send it an event"));
    for sent in [r#"{"n": 1}"#, r#"{"n": 2}"#] {
        let event = server.client.post(format!("{url}?q=x")).header("Authorization", "Basic eDp5").body(sent);
        assert_eq!(event.send().await.unwrap().status(), 202);
    }
    // What is refused leaves the sample as it was.
    assert_eq!(server.client.get(&url).send().await.unwrap().status(), 405);
    let shown = body(sample().await).await;
    let data = &shown["data"];
    assert_eq!((&shown["outcome"], &data["body"]["n"]), (&json!("received"), &json!(2)));
    assert_eq!(data["query"], json!({ "q": "x" }));
    assert_eq!(data["headers"]["authorization"], Value::Null);
    let runs = server.get("/runs?workflow=flow").await;
    assert_eq!(runs["runs"][0]["id"], shown["run_id"]);
    assert_eq!(runs["runs"][0]["created_at"], shown["created_at"]);
    let started = server.api(Method::POST, "/workflows/flow/runs").json(&json!({ "data": {
        "method": "GET", "query": {}, "headers": {}, "body": "by hand",
    } }));
    assert_eq!(started.send().await.unwrap().status(), 201);
    assert_eq!(body(sample().await).await["data"]["body"], "by hand");
    let stranger = server.open(Method::GET, "/api/v1/workflows/flow/sample").send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    server.engine.shutdown().await;
}

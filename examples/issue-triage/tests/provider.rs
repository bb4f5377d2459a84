//! The stand-in for the provider's API, over HTTP as the blocks use it.

use std::path::Path;

use http::{HeaderMap, Method, StatusCode};
use issue_triage::provider::Provider;
use serde_json::{Value, json};
use stepwell::prelude::{Request, signature};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn provider(path: &Path) -> Provider {
    Provider::start("127.0.0.1:0".parse().expect("it is an address"), path).await.expect("it starts")
}

/// A webhook that accepts deliveries one by one and gives each with its headers.
async fn received(listener: &TcpListener) -> Request {
    let (mut stream, _) = listener.accept().await.expect("a delivery comes");
    let (head, body) = read(&mut stream).await;
    stream
        .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .await
        .expect("ok");
    let mut headers = HeaderMap::new();
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        let name = http::HeaderName::try_from(name).expect("it is a name");
        headers.insert(name, value.parse().expect("it is a value"));
    }
    Request::new(Method::POST, body).with_headers(headers)
}

async fn read(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let read = stream.read_buf(&mut bytes).await.expect("the request can be read");
        assert_ne!(read, 0, "the request ends too early");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).expect("it is text");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("it has a length").parse().expect("it is a number");
        if bytes.len() >= end + 4 + length {
            return (head, bytes[end + 4..].to_vec());
        }
    }
}

#[tokio::test]
async fn a_restarted_provider_still_knows_its_webhooks_and_signs_deliveries_for_them() {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("provider.json");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/hook", listener.local_addr().expect("it listens"));

    let first = provider(&path).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("it can be built");
    let hook =
        json!({ "events": ["issues"], "config": { "url": url, "secret": "s", "content_type": "json" } });
    let hooks = format!("{}/repos/a/b/hooks", first.url());
    let response = client.post(&hooks).json(&hook).send().await.expect("it answers");
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(received(&listener).await.header("X-GitHub-Event"), Ok("ping"));

    let second = provider(&path).await;
    let (delivered, request) = tokio::join!(second.deliver("issues", "{}"), received(&listener));
    assert_eq!(delivered[0].answer, Ok(202));
    assert_eq!(request.header("X-GitHub-Event"), Ok("issues"));
    assert_eq!(request.header("X-GitHub-Delivery"), Ok(delivered[0].delivery.as_str()));
    assert_eq!(request.verify(&signature::github("s")), Ok(()));
    assert_eq!(second.deliver("push", "{}").await, []);

    let listed: Value = client.get(&hooks).send().await.expect("it answers").json().await.expect("JSON");
    assert_eq!(listed[0]["config"]["secret"], "********");
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
        let gone = client.delete(format!("{}/repos/a/b/hooks/1", second.url())).send().await;
        assert_eq!(gone.expect("it answers").status(), status);
    }
}

#[tokio::test]
async fn one_idempotency_key_has_one_effect() {
    let directory = tempfile::tempdir().expect("there is room");
    let provider = provider(&directory.path().join("provider.json")).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("it can be built");
    for path in ["repos/a/b/issues/1/labels", "questions"] {
        let body = json!({ "labels": ["bug"], "question": "?", "label": "bug", "answer_url": "http://…" });
        for _ in 0..3 {
            let request = client.post(format!("{}/{path}", provider.url())).header("Idempotency-Key", "k");
            assert!(request.json(&body).send().await.expect("it answers").status().is_success());
        }
    }
    let ledger = provider.ledger();
    assert_eq!((ledger.labels.len(), ledger.labels["k"].requests), (1, 3));
    assert_eq!(ledger.questions.len(), 1);
}

//! Requests over real connections.

use std::collections::HashMap;

use axum::extract::{Path, Query};
use axum::response::Redirect;
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, Method, header};

use stepwell::network::Network;

use super::*;

fn allowed(url: &str) -> bool {
    Guard::new(false).check(&Url::parse(url).unwrap()).is_ok()
}

#[test]
fn private_addresses_are_refused_in_every_spelling() {
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "2130706433",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "[fd00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ] {
        assert!(!allowed(&format!("http://{host}/")), "{host}");
    }
}

#[test]
fn public_addresses_and_names_are_allowed() {
    for host in ["1.1.1.1", "example.com", "[2606:4700::1111]"] {
        assert!(allowed(&format!("https://{host}/")), "{host}");
    }
    let all = Guard::new(true);
    assert!(all.check(&Url::parse("http://127.0.0.1/").unwrap()).is_ok());
    assert!(all.check(&Url::parse("ftp://example.com/").unwrap()).is_err());
}

/// GETs a URL within `timeout`.
async fn fetch(allow_private: bool, url: &str, timeout: Duration) -> Result<HttpResponse, HttpError> {
    fetch_with(&GuardedClient::new(Guard::new(allow_private)).unwrap(), url, timeout).await
}

/// A GET of a URL.
fn request(url: &str) -> HttpRequest {
    HttpRequest {
        method: Method::GET,
        url: url.to_owned(),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
        timeout: None,
        redirects: Redirects::Follow,
        longest_response: None,
    }
}

async fn fetch_with(client: &GuardedClient, url: &str, timeout: Duration) -> Result<HttpResponse, HttpError> {
    client.send(HttpRequest { timeout: Some(timeout), ..request(url) }).await
}

/// A server that redirects as often as its path says, tells the agent, sends long bodies, or never answers.
async fn server() -> String {
    let redirect = async |Path(left): Path<u32>| match left {
        0 => Redirect::temporary("/agent"),
        left => Redirect::temporary(&format!("/redirect/{}", left - 1)),
    };
    let agent = async |headers: HeaderMap| headers[header::USER_AGENT].to_str().unwrap().to_owned();
    let seen = async |headers: HeaderMap| {
        let mut seen: Vec<String> = headers.keys().map(ToString::to_string).collect();
        seen.retain(|name| name.starts_with("x-") || name == "authorization");
        seen.sort();
        Json(seen)
    };
    let routes = Router::new()
        .route("/redirect/{left}", get(redirect))
        .route("/agent", get(agent))
        .route("/long/{bytes}", get(async |Path(bytes): Path<usize>| vec![b'x'; bytes]))
        .route(
            "/to",
            get(async |Query(query): Query<HashMap<String, String>>| Redirect::temporary(&query["url"])),
        )
        .route("/seen", get(seen))
        .route("/never", get(std::future::pending::<()>));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, routes).into_future());
    format!("http://{address}")
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    let error = fetch(false, "http://localhost:9/", TIMEOUT).await.unwrap_err();
    assert!(error.to_string().contains("private address localhost"), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    let server = server().await;
    // Lets the first request out to the test's server by its name, and guards what follows.
    let client = GuardedClient {
        client: GuardedClient::new(Guard::new(true)).unwrap().client,
        guard: Guard::new(false),
    };
    let named = server.replace("127.0.0.1", "localhost");
    assert!(fetch_with(&client, &format!("{named}/agent"), TIMEOUT).await.is_ok());
    let error = fetch_with(&client, &format!("{named}/to?url={server}/agent"), TIMEOUT).await.unwrap_err();
    assert!(error.to_string().contains("private address 127.0.0.1"), "{error}");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn five_redirects_are_followed_and_six_refused() {
    let server = server().await;
    let response = fetch(true, &format!("{server}/redirect/4"), TIMEOUT).await.unwrap();
    assert_eq!(response.body, concat!("stepwell/", env!("CARGO_PKG_VERSION")));
    let error = fetch(true, &format!("{server}/redirect/5"), TIMEOUT).await.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1: more than 5 redirects");
    assert!(!error.is_retryable());
    let client = GuardedClient::new(Guard::new(true)).unwrap();
    let once = HttpRequest { redirects: Redirects::Return, ..request(&format!("{server}/redirect/4")) };
    let response = client.send(once).await.unwrap();
    assert_eq!(response.status, 307);
    assert_eq!(response.headers["location"], "/redirect/3");
}

#[tokio::test]
async fn a_response_may_be_as_long_as_the_limit_and_no_longer() {
    let server = server().await;
    let long = async |bytes: usize| fetch(true, &format!("{server}/long/{bytes}"), TIMEOUT).await;
    assert_eq!(long(LONGEST_RESPONSE).await.unwrap().body.len(), LONGEST_RESPONSE);
    let error = long(LONGEST_RESPONSE + 1).await.unwrap_err();
    assert!(error.to_string().contains("longer than 10485760 bytes"), "{error}");
    assert!(!error.is_retryable());
    let client = GuardedClient::new(Guard::new(true)).unwrap();
    for (bytes, longest, fits) in
        [(100, 100, true), (101, 100, false), (LONGEST_RESPONSE + 1, usize::MAX, false)]
    {
        let url = format!("{server}/long/{bytes}");
        let bounded = HttpRequest { longest_response: Some(longest), ..request(&url) };
        assert_eq!(client.send(bounded).await.is_ok(), fits, "{bytes} {longest}");
    }
}

#[tokio::test]
async fn o3_a_failure_may_pass_and_does_not_tell_the_path_or_query() {
    let server = server().await;
    let url = format!("{server}/never?key=s3cret");
    let error = fetch(true, &url, Duration::from_millis(50)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().starts_with("127.0.0.1: "), "{error}");
    assert!(!error.to_string().contains("s3cret") && !error.to_string().contains("never"), "{error}");
}

#[tokio::test]
async fn a_redirect_to_another_server_gets_no_credentials() {
    let other = server().await.replace("127.0.0.1", "localhost");
    let server = server().await;
    let client = GuardedClient::new(Guard::new(true)).unwrap();
    let mut headers = HeaderMap::new();
    let mut key = http::HeaderValue::from_static("s3cret");
    headers.insert("x-open", key.clone());
    key.set_sensitive(true);
    headers.insert("x-key", key);
    headers.insert(header::AUTHORIZATION, http::HeaderValue::from_static("Bearer t0ken"));
    for (target, seen) in [
        (format!("{server}/seen"), vec!["authorization", "x-key", "x-open"]),
        (format!("{other}/seen"), vec!["x-open"]),
    ] {
        let url = format!("{server}/to?url={target}");
        let response = client.send(HttpRequest { headers: headers.clone(), ..request(&url) }).await.unwrap();
        assert_eq!(response.json::<Vec<String>>().unwrap(), seen, "{target}");
    }
}

#[tokio::test]
async fn addresses_of_other_connections_are_guarded_too() {
    let (guarded, open) = (Guard::new(false), Guard::new(true));
    let private = guarded.addresses("localhost", 25).await.unwrap_err();
    assert!(private.to_string().contains("--allow-private-addresses"), "{private}");
    assert!(!private.is_retryable());
    assert!(open.addresses("127.0.0.1", 25).await.unwrap().contains(&([127, 0, 0, 1], 25).into()));
    assert_eq!(guarded.addresses("1.1.1.1", 25).await.unwrap(), [([1, 1, 1, 1], 25).into()]);
}

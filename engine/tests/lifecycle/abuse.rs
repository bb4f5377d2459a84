//! What a hostile or broken client can send: it is refused or well-formed, nobody hangs, and the next one is served.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use stepwell::prelude::*;
use stepwell_engine::Options;
use stepwell_engine::driver::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::blocks;
use crate::engine::{PATIENCE, workflow};
use crate::http::{Server, body};
use crate::support::postgres;

/// How deep a nested body goes: deeper than any stack holds.
const DEEP: usize = 100_000;

/// A server on `SQLite`, and one on `PostgreSQL`.
async fn both() -> [(Server, Option<Arc<postgres::Server>>); 2] {
    let postgres = tokio::task::spawn_blocking(postgres::Server::shared).await.unwrap();
    let options = Options { database: Some(postgres.database().await), ..Options::default() };
    [(Server::start().await, None), (Server::with(options).await, Some(postgres))]
}

/// Short, so that a test of a slow client is over soon.
fn impatient() -> Options {
    Options {
        limits: Limits { client: std::time::Duration::from_secs(1), ..Limits::default() },
        ..Options::default()
    }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.engine.url().strip_prefix("http://").unwrap()).await.unwrap()
    }

    /// The statuses of the answers to these bytes, until the connection is closed.
    async fn raw(&self, bytes: &[u8]) -> Vec<u16> {
        let mut stream = self.connect().await;
        // It may be closed before all has been sent.
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        statuses(stream).await
    }

    async fn is_well(&self) {
        assert_eq!(self.open(Method::GET, "/healthz").send().await.unwrap().status(), 200);
        assert_eq!(self.get("/workflows").await["workflows"], json!([]));
    }

    /// A workflow that takes any body, waits for any body, and goes on with both; the URL of its trigger.
    async fn takes_anything(&self) -> String {
        let definition = json!({
            "title": "Takes anything",
            "trigger": { "block": "core/webhook", "on": { "received": "wait" } },
            "steps": {
                "wait": { "block": "core/wait-for-callback", "on": { "received": "set" } },
                "set": {
                    "block": "core/set",
                    "config": { "values": { "trigger": "{{ trigger.body }}", "callback": "{{ wait.body }}" } },
                    "on": { "done": "end" },
                },
            },
        });
        let put = self.api(Method::PUT, "/workflows/anything").json(&definition).send().await.unwrap();
        assert_eq!(put.status(), 200, "{}", put.text().await.unwrap());
        let enabled = self.api(Method::POST, "/workflows/anything/enable").send().await.unwrap();
        body(enabled).await["trigger_callback_url"].as_str().unwrap().to_owned()
    }

    async fn post(&self, url: &str, sent: impl Into<reqwest::Body>) -> (u16, Value) {
        let answer = self.client.post(url).body(sent).send().await.unwrap();
        (answer.status().as_u16(), body(answer).await)
    }
}

async fn statuses(mut stream: TcpStream) -> Vec<u16> {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A reset is an end as well.
    let _ = read.expect("the connection ends");
    let text = String::from_utf8_lossy(&answer);
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].parse().unwrap()).collect()
}

#[tokio::test]
async fn t11_heads_that_are_no_heads_are_refused_and_others_are_served() {
    let server = Server::start().await;
    let many = (0..101).map(|number| format!("X-{number}: x\r\n")).collect::<Vec<_>>().concat();
    let post = |more: &str| format!("POST /callbacks/trigger/x HTTP/1.1\r\nHost: x\r\n{more}");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let refused: [(&str, Vec<u8>); 13] = [
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03rubbish\r\n\r\n".to_vec()),
        ("a NUL in a header", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: a\0b\r\n\r\n".to_vec()),
        ("a header without a name", b"GET /healthz HTTP/1.1\r\n: x\r\n\r\n".to_vec()),
        ("a path that is no ASCII", b"GET /callbacks/trigger/\x01\xfe HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("a path that is no UTF-8", get("/callbacks/trigger/%ff%fe").into_bytes()),
        ("a path with a NUL", get("/callbacks/trigger/a%00b").into_bytes()),
        ("a path that is too long", get(&format!("/{}", "a".repeat(70_000))).into_bytes()),
        ("a long path", get(&format!("/callbacks/trigger/{}", "a".repeat(50_000))).into_bytes()),
        ("too many headers", format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n").into_bytes()),
        ("a head that is too large", post(&format!("X-Large: {}\r\n\r\n", "x".repeat(100_000))).into_bytes()),
        ("two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab").into_bytes()),
        ("a negative length", post("Content-Length: -1\r\n\r\n").into_bytes()),
        ("a huge length", post("Content-Length: 99999999999999999999999\r\n\r\n").into_bytes()),
    ];
    for (what, bytes) in refused {
        let statuses = server.raw(&bytes).await;
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{what}: {statuses:?}");
        assert!(!statuses.is_empty() || what.contains("no HTTP"), "{what} is answered");
        server.is_well().await;
    }
    let rubbish = [&b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"[..], b"\0\xffrubbish\r\n\r\n"].concat();
    assert_eq!(server.raw(&rubbish).await, [200, 400], "what comes before rubbish is answered");
    server.is_well().await;
}

#[tokio::test]
async fn t11_bodies_that_do_not_end_are_refused_and_start_nothing() {
    let server = Server::with(impatient()).await;
    let url = server.takes_anything().await;
    let path = url.strip_prefix(server.engine.url()).unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n");
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\n");

    // What is announced does not come, and the client has gone or waits.
    assert_eq!(server.raw(format!("{head}Content-Length: 100\r\n\r\nhalf").as_bytes()).await, [400]);
    assert_eq!(server.raw(format!("{chunks}5\r\nhal").as_bytes()).await, [400]);
    assert_eq!(server.raw(format!("{chunks}zz\r\nrubbish\r\n").as_bytes()).await, [400]);
    assert_eq!(server.raw(format!("{chunks}fffffffffffffffffff\r\nx").as_bytes()).await, [400]);
    for begun in [format!("{head}Content-Length: 100\r\n\r\nhalf"), format!("{chunks}4\r\nhalf\r\n")] {
        let mut slow = server.connect().await;
        slow.write_all(begun.as_bytes()).await.unwrap();
        assert_eq!(statuses(slow).await, [408]);
    }
    // More comes than is taken.
    assert_eq!(server.raw(format!("{head}Content-Length: 2000000\r\n\r\n").as_bytes()).await, [413]);
    let mut endless = server.connect().await;
    endless.write_all(chunks.as_bytes()).await.unwrap();
    let chunk = [&b"10000\r\n"[..], &vec![b'x'; 0x10000], b"\r\n"].concat();
    let sent = async { while endless.write_all(&chunk).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, sent).await.expect("the connection is closed");
    // What is longer than announced is the next request.
    let longer = format!("{head}Content-Length: 2\r\n\r\n{{}}rubbish\r\n\r\n");
    assert_eq!(server.raw(longer.as_bytes()).await, [202, 400]);
    assert_eq!(server.get("/runs?workflow=anything").await["runs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn t11_a_client_that_does_not_read_its_answers_is_dropped() {
    let limits = Limits { connections: 1, client: std::time::Duration::from_secs(1), ..Limits::default() };
    let server = Server::with(Options { limits, ..Options::default() }).await;
    let mut slow = server.connect().await;
    let token = server.engine.token();
    let ask = format!("GET /api/v1/blocks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    // It asks for more than the buffers of both sides hold, and reads nothing. No other connection is accepted.
    let asked = async { while slow.write_all(ask.as_bytes()).await.is_ok() {} };
    let next = server.open(Method::GET, "/healthz").timeout(PATIENCE).send();
    let (answer, _) = tokio::join!(next, tokio::time::timeout(PATIENCE, asked));
    assert_eq!(answer.unwrap().status(), 200, "it was dropped, and the next one is served");
}

#[tokio::test]
async fn d12_t6_any_body_is_refused_or_kept_as_it_came_on_both_databases() {
    for (server, _postgres) in both().await {
        let url = server.takes_anything().await;
        let list = format!("[{}0]", "0,".repeat(99_999));
        let as_text = |text: &str| Value::String(text.to_owned());
        let kept: [(Vec<u8>, Value); 8] = [
            (br#"{"a\u0000b": "c\u0000d"}"#.to_vec(), json!({ "a\0b": "c\0d" })),
            (b"a\0b".to_vec(), as_text("a\0b")),
            (br#"{"n": 18446744073709551616}"#.to_vec(), json!({ "n": 18_446_744_073_709_551_616.0 })),
            (br#"{"n": 1e400}"#.to_vec(), as_text(r#"{"n": 1e400}"#)),
            (br#"{"a": 1, "a": 2}"#.to_vec(), json!({ "a": 2 })),
            (br#""\ud800""#.to_vec(), as_text(r#""\ud800""#)),
            ("[".repeat(DEEP).into_bytes(), as_text(&"[".repeat(DEEP))),
            (list.clone().into_bytes(), serde_json::from_str(&list).unwrap()),
        ];
        for (sent, seen) in kept {
            let what = String::from_utf8_lossy(&sent[..sent.len().min(30)]).into_owned();
            let (status, started) = server.post(&url, sent.clone()).await;
            assert_eq!(status, 202, "{what}: {started}");
            let run = started["run_id"].as_str().unwrap();
            let view = server.get(&format!("/runs/{run}?wait=20&until=waiting")).await;
            assert_eq!(view["status"], "waiting", "{what}: {view}");
            let finish = view["executions"][0]["finish_callback_url"].as_str().unwrap();
            // Two large values are more than the config that takes both may hold.
            let sent = if sent.len() > 100_000 { b"{}".to_vec() } else { sent };
            let brought = if sent == b"{}" { json!({}) } else { seen.clone() };
            assert_eq!(server.post(finish, sent).await.0, 202, "{what}");
            let view = server.get(&format!("/runs/{run}?wait=20")).await;
            assert_eq!(view["status"], "completed", "{what}: {}", view["executions"][1]["error"]);
            let kept = &view["executions"][1]["data"];
            assert!(kept["trigger"] == seen && kept["callback"] == brought, "{what} is kept as it came");
        }
    }
}

#[tokio::test]
async fn d12_o9_a_callback_that_brings_too_much_ends_no_run() {
    for (server, _postgres) in both().await {
        let url = server.takes_anything().await;
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let (status, problem) = server.post(&url, nested(120)).await;
        assert_eq!((status, &problem["type"]), (422, &json!("/problems/rejected")));
        assert!(problem["detail"].as_str().unwrap().contains("nests deeper than 100 levels"), "{problem}");
        assert_eq!(server.post(&url, vec![0xff, 0xfe]).await.0, 400);
        let longest = vec![b'x'; 1024 * 1024];
        assert_eq!(server.post(&url, longest.clone()).await.0, 422);

        let (_, started) = server.post(&url, "{}").await;
        let run = started["run_id"].as_str().unwrap();
        let mut view = server.get(&format!("/runs/{run}?wait=20&until=waiting")).await;
        let finish = view["executions"][0]["finish_callback_url"].as_str().unwrap().to_owned();
        for stray in [nested(120).into_bytes(), vec![0xff, 0xfe], longest] {
            assert_eq!(server.post(&finish, stray).await.0, 202);
        }
        assert_eq!(server.post(&finish, nested(90)).await.0, 202);
        view = server.get(&format!("/runs/{run}?wait=20")).await;
        assert_eq!(view["status"], "completed", "{view}");
        let fates = view["executions"][0]["callbacks"].as_array().unwrap();
        let fates: Vec<_> = fates.iter().map(|callback| callback["status"].as_str().unwrap()).collect();
        assert_eq!(fates, ["rejected", "rejected", "rejected", "finished"]);
    }
}

#[tokio::test]
async fn ids_queries_and_definitions_that_no_database_takes_are_refused_on_both() {
    for (server, _postgres) in both().await {
        for (path, status) in [
            ("/workflows/a%00b", 404),
            ("/workflows/%ff", 400),
            ("/workflows/a%00b/versions", 404),
            ("/runs?workflow=a%00b", 422),
            ("/runs?status=%00", 422),
            ("/runs?cursor=%00", 422),
            ("/runs?limit=99999999999999999999999", 422),
            ("/runs/%00", 404),
        ] {
            assert_eq!(server.api(Method::GET, path).send().await.unwrap().status(), status, "{path}");
        }
        for path in ["/workflows/a%00b/enable", "/workflows/a%00b/disable", "/runs/a%00b/cancel"] {
            assert_eq!(server.api(Method::POST, path).send().await.unwrap().status(), 404, "{path}");
        }
        let start = server.api(Method::POST, "/workflows/a%00b/runs").json(&json!({}));
        assert_eq!(start.send().await.unwrap().status(), 404);

        let put = |text: Vec<u8>| {
            let put = server.api(Method::PUT, "/workflows/wrong");
            put.header("content-type", "application/json").body(text).send()
        };
        let trigger = r#""trigger":{"block":"core/webhook"}"#;
        let nul = format!(r#"{{"title":"a\u0000b",{trigger}}}"#).into_bytes();
        let many = format!(r#"{{"title":"x",{trigger},"steps":[{}0]}}"#, "0,".repeat(1_000_000)).into_bytes();
        let huge = br#"{"title":1e400}"#.to_vec();
        let lone = br#"{"title":"\ud800"}"#.to_vec();
        let deep = "[".repeat(DEEP).into_bytes();
        let nested = format!(r#"{{"title":{}{}}}"#, "[".repeat(100), "]".repeat(100)).into_bytes();
        for wrong in [nul, many, huge, lone, deep, nested, vec![0xff, 0xfe], b"{\"title\":\"\0\"}".to_vec()] {
            let answer = put(wrong).await.unwrap();
            assert!([400, 422].contains(&answer.status().as_u16()), "{}", answer.status());
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
        }
        // Two fields of one name are one in JSON: the last.
        let twice = format!(r#"{{"title":"x","title":"y",{trigger}}}"#).into_bytes();
        assert_eq!(body(put(twice).await.unwrap()).await["title"], "y");
        let kept = format!(r#"{{"title":"x","description":"a\u0000b",{trigger}}}"#).into_bytes();
        assert_eq!(body(put(kept).await.unwrap()).await["definition"]["description"], "a\0b");
    }
}

#[tokio::test]
async fn t11_a_token_that_is_percent_encoded_is_the_token() {
    let server = Server::start().await;
    let url = server.takes_anything().await;
    let (before, token) = url.rsplit_once('/').unwrap();
    let encoded = token.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    assert_eq!(server.post(&format!("{before}/{encoded}"), "{}").await.0, 202);
    for altered in
        [format!("{encoded}%00"), format!("{encoded}%20"), format!("{token}%3D"), token.to_lowercase()]
    {
        assert_eq!(server.post(&format!("{before}/{altered}"), "{}").await.0, 404, "{altered}");
    }
}

/// Something ticks
#[trigger(outcomes(ticked), activate = begin, deactivate = end, tick = tick)]
async fn ticking(
    _request: Request,
    _config: NoConfig,
    _cx: TriggerContext,
) -> Result<Trigger<TickingOutcome>, TriggerError> {
    Ok(Trigger::NoOp)
}

async fn begin(_config: NoConfig, _cx: ActivateContext) -> Result<Activated<()>, ActivationError> {
    Ok(Activated::new(()).tick_in(std::time::Duration::from_millis(10)))
}

async fn end(_config: NoConfig, _cx: DeactivateContext) -> Result<(), ActivationError> {
    Ok(())
}

async fn tick(_config: NoConfig, _cx: TickContext) -> Result<Tick<TickingOutcome>, TriggerError> {
    Ok(Tick::outcome(TickingOutcome::Ticked))
}

#[tokio::test]
async fn t7_t14_keys_that_no_index_takes_start_one_run_on_both_databases() {
    for (server, _postgres) in both().await {
        let enable = async |id: &str, trigger: Value| {
            let definition = json!({ "title": "x", "trigger": trigger });
            let put = server.api(Method::PUT, &format!("/workflows/{id}")).json(&definition);
            assert_eq!(put.send().await.unwrap().status(), 200);
            let enabled = server.api(Method::POST, &format!("/workflows/{id}/enable")).send().await.unwrap();
            body(enabled).await["trigger_callback_url"].as_str().unwrap().to_owned()
        };
        let feed = json!({ "block": "stepwell-engine/feed", "config": { "name": "t7-abuse" } });
        let url = enable("feed", feed).await;
        let long = (0..20_000).map(|number| format!("{number}/")).collect::<Vec<_>>().concat();
        for key in ["a\0b".to_owned(), long] {
            let (first, again) = (server.post(&url, key.clone()).await, server.post(&url, key.clone()).await);
            assert_eq!((first.0, &first.1["run_id"]), (202, &again.1["run_id"]), "{first:?} {again:?}");
            let other = server.post(&url, format!("{key}\0")).await;
            assert!(other.0 == 202 && other.1 != first.1, "another key starts another run");
        }

        enable("ticking", json!({ "block": "stepwell-engine/ticking" })).await;
        let ticked = async {
            while server.get("/runs?workflow=ticking").await["runs"].as_array().unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ticked).await.expect("the tick starts its run");
    }
}

#[tokio::test]
async fn t3_an_error_with_a_nul_is_shown_on_both_databases() {
    for (number, (server, _postgres)) in both().await.into_iter().enumerate() {
        let key = format!("t3-nul-{number}");
        blocks::fail(&key, "activate", "no\0permission");
        let put = server.api(Method::PUT, "/workflows/nul").json(&workflow(&key, &["done"]));
        assert_eq!(put.send().await.unwrap().status(), 200);
        let enabled = server.api(Method::POST, "/workflows/nul/enable").send().await.unwrap();
        let problem = body(enabled).await;
        assert!(problem["detail"].as_str().unwrap().contains("no\u{fffd}permission"), "{problem}");
    }
}

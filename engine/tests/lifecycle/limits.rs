//! Limits on how much is under way: what comes beyond them is refused before anything was done, and no callback is.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use stepwell_engine::Options;
use stepwell_engine::driver::{CallbackAnswer, Limits, Refusal, TriggerAnswer};
use stepwell_engine::model::{RunStatus, WorkflowId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::blocks::{gate, handlers};
use crate::engine::{Engine, PATIENCE, workflow};
use crate::http::{Server, body};
use crate::triggers::until;

fn limited(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

/// Sends the head of a POST and the beginning of its body, so that the request is under way.
async fn begin_post(server: &Server, url: &str) -> TcpStream {
    let address = server.engine.url().strip_prefix("http://").unwrap();
    let path = url.strip_prefix(server.engine.url()).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nX-Secret: s3cret\r\nContent-Length: 11\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Sends the rest of the body; the answer's status.
async fn end_post(mut stream: TcpStream) -> u16 {
    stream.write_all(br#""value":1}"#).await.unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await;
    read.expect("there is an answer").unwrap();
    std::str::from_utf8(&answer).unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

async fn event(server: &Server, url: &str) -> Response {
    server.client.post(url).header("x-secret", "s3cret").json(&json!({ "value": 1 })).send().await.unwrap()
}

/// Sends events until one is refused, which is when those that were begun before have arrived.
async fn refused(server: &Server, url: &str) -> (u16, Value) {
    let refused = async {
        loop {
            let answer = event(server, url).await;
            if answer.status() != 202 {
                assert_eq!(answer.headers()["retry-after"], "1");
                assert_eq!(answer.headers()["content-type"], "application/problem+json");
                return (answer.status().as_u16(), body(answer).await);
            }
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("the limit is reached")
}

async fn runs(server: &Server, workflow: &str) -> usize {
    server.get(&format!("/runs?workflow={workflow}&limit=200")).await["runs"].as_array().unwrap().len()
}

#[tokio::test]
async fn t11_one_url_takes_no_more_requests_at_once_than_its_limit() {
    let limits = Limits { trigger_requests_per_url: 2, ..Limits::default() };
    let server = Server::with(limited(limits)).await;
    let url = server.enable("per-url", &["done"]).await;
    let other = server.enable("per-url-other", &["done"]).await;
    let under_way = [begin_post(&server, &url).await, begin_post(&server, &url).await];
    let (status, problem) = refused(&server, &url).await;
    assert_eq!((status, &problem["type"]), (429, &json!("/problems/too-many-requests")));
    assert_eq!(event(&server, &other).await.status(), 202, "another URL has its own number");
    assert_eq!(server.open(Method::GET, "/healthz").send().await.unwrap().status(), 200);
    let (calls, started) = (handlers("per-url").len(), runs(&server, "per-url").await);
    assert_eq!(event(&server, &url).await.status(), 429);
    assert_eq!((handlers("per-url").len(), runs(&server, "per-url").await), (calls, started));
    for stream in under_way {
        assert_eq!(end_post(stream).await, 202);
    }
    assert_eq!(event(&server, &url).await.status(), 202, "there is room again");
}

#[tokio::test]
async fn o9_the_process_takes_no_more_events_than_its_limit_and_every_callback() {
    let limits = Limits { trigger_requests: 2, callbacks: 1, ..Limits::default() };
    let server = Server::with(limited(limits)).await;
    let waiting = server.enable("all-urls", &["defer"]).await;
    let run = server.event(&waiting).await;
    let view = server.get(&format!("/runs/{run}?wait=20&until=waiting")).await;
    let finish = view["executions"][0]["finish_callback_url"].as_str().unwrap();

    let url = server.enable("all-urls-other", &["done"]).await;
    let under_way = [begin_post(&server, &url).await, begin_post(&server, &waiting).await];
    let (status, problem) = refused(&server, &url).await;
    assert_eq!((status, &problem["type"]), (503, &json!("/problems/busy")));

    // All callbacks come while no event is let in; those beyond the one at a time wait.
    let no_op = json!({ "doing": "no_op" });
    let sent = (0..20).map(|_| tokio::spawn(server.client.post(finish).json(&no_op).send()));
    for answer in sent.collect::<Vec<_>>() {
        assert_eq!(answer.await.unwrap().unwrap().status(), 202);
    }
    assert_eq!(event(&server, &url).await.status(), 503, "the events are still under way");
    for stream in under_way {
        assert_eq!(end_post(stream).await, 202);
    }
    assert_eq!(event(&server, &url).await.status(), 202, "there is room again");
}

#[tokio::test]
async fn o9_the_api_has_a_limit_of_its_own() {
    let limits =
        Limits { api_requests: 2, trigger_requests: 1, callbacks: 1, trigger: PATIENCE, ..Limits::default() };
    let server = Server::with(limited(limits)).await;
    let url = server.enable("own-limits", &["defer"]).await;
    let run = server.event(&url).await;
    let view = server.get(&format!("/runs/{run}?wait=20&until=waiting")).await;
    let finish = view["executions"][0]["finish_callback_url"].as_str().unwrap().to_owned();

    // Neither an event nor a callback that is under way keeps an operator out.
    let (under_way, callback) = (begin_post(&server, &url).await, begin_post(&server, &finish).await);
    assert_eq!(refused(&server, &url).await.0, 503);
    assert_eq!(server.get("/workflows").await["workflows"].as_array().unwrap().len(), 1);

    // Operators who wait for the run fill the limit of the API, and nothing else.
    let watched = format!("/runs/{run}?wait=60");
    let watch = || {
        let request = server.api(Method::GET, &watched);
        tokio::spawn(async move {
            loop {
                // The requests below may come before.
                let answer = request.try_clone().unwrap().send().await.unwrap();
                if answer.status() == 200 {
                    return answer;
                }
            }
        })
    };
    let watching = [watch(), watch()];
    let busy = async {
        loop {
            let answer = server.api(Method::GET, "/workflows").send().await.unwrap();
            if answer.status() != 200 {
                return answer;
            }
        }
    };
    let busy = tokio::time::timeout(PATIENCE, busy).await.expect("the limit is reached");
    assert_eq!((busy.status().as_u16(), busy.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(body(busy).await["type"], "/problems/busy");
    assert_eq!(server.open(Method::GET, "/api/v1/workflows").send().await.unwrap().status(), 401);
    assert_eq!(end_post(under_way).await, 202);
    assert_eq!(event(&server, &url).await.status(), 202);
    assert_eq!(end_post(callback).await, 202);
    let done = server.client.post(&finish).json(&json!({ "doing": "exit" })).send().await.unwrap();
    assert_eq!(done.status(), 202);
    for watching in watching {
        assert_eq!(body(watching.await.unwrap()).await["status"], "completed");
    }
    assert_eq!(server.api(Method::GET, "/workflows").send().await.unwrap().status(), 200);
}

#[test]
fn o9_no_run_starts_beyond_the_limit_no_handler_is_called_and_callbacks_go_on() {
    let engine = Engine::with(Limits { runs: 2, ..Limits::default() });
    engine.block_on(async {
        engine.enable("waits", &workflow("room-waits", &["defer"])).await.unwrap();
        let waiting = engine.run("waits").await;
        engine.reaches(waiting, RunStatus::Waiting).await;
        engine.enable("flow", &workflow("room", &["gate done"])).await.unwrap();
        let activation = engine.activation("flow").await;
        let mut working = Vec::new();
        // The run that waits has no room once its task has ended.
        let full = async {
            loop {
                match engine.event(activation, 1).await {
                    TriggerAnswer::Started(run, _) => working.push(run),
                    TriggerAnswer::Busy if working.len() == 2 => break,
                    TriggerAnswer::Busy => tokio::task::yield_now().await,
                    other => panic!("{other:?}"),
                }
            }
        };
        tokio::time::timeout(PATIENCE, full).await.expect("the limit is reached");
        until(|| handlers("room").iter().filter(|handler| **handler == "execute").count() == 2).await;

        let before = handlers("room");
        assert!(matches!(engine.event(activation, 1).await, TriggerAnswer::Busy));
        let by_hand = engine.driver.start_run(&WorkflowId("flow".into()), None, json!({ "value": 1 })).await;
        assert!(matches!(by_hand, Err(Refusal::Busy)), "{by_hand:?}");
        assert_eq!(handlers("room"), before, "no handler was called");

        assert!(matches!(engine.finish(waiting, 1, "somebody").await, CallbackAnswer::Recorded));
        engine.reaches(waiting, RunStatus::Completed).await;
        let opener = tokio::spawn(async {
            loop {
                gate("room").notify_one();
                tokio::task::yield_now().await;
            }
        });
        for run in working {
            engine.reaches(run, RunStatus::Completed).await;
        }
        let again = async {
            while !matches!(engine.event(activation, 1).await, TriggerAnswer::Started(..)) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, again).await.expect("there is room again");
        opener.abort();
    });
}

#[test]
fn o9_runs_that_are_due_are_taken_up_as_there_is_room() {
    // One may start at a time, and two that wait are woken at a time; each of ten callbacks is kept until then.
    let engine = Engine::with(Limits { runs: 1, ..Limits::default() });
    engine.block_on(async {
        engine.enable("flow", &workflow("due", &["defer"])).await.unwrap();
        let activation = engine.activation("flow").await;
        let mut runs = Vec::new();
        while runs.len() < 10 {
            match engine.event(activation, 1).await {
                TriggerAnswer::Started(run, _) => {
                    engine.reaches(run, RunStatus::Waiting).await;
                    runs.push(run);
                }
                TriggerAnswer::Busy => tokio::task::yield_now().await,
                other => panic!("{other:?}"),
            }
        }
        for run in &runs {
            assert!(matches!(engine.finish(*run, 1, "somebody").await, CallbackAnswer::Recorded));
        }
        for run in runs {
            engine.reaches(run, RunStatus::Completed).await;
        }
    });
}

#[tokio::test]
async fn t11_what_is_refused_at_callback_urls_is_counted_for_the_operator() {
    let limits = Limits { trigger_requests_per_url: 1, ..Limits::default() };
    let server = Server::with(limited(limits)).await;
    let url = server.enable("counted", &["done"]).await;
    assert_eq!(server.get("/doctor").await["refused"]["by_reason"], json!({}));
    for route in ["trigger", "finish", "finish"] {
        let unknown = server.open(Method::POST, &format!("/callbacks/{route}/unknown")).send().await.unwrap();
        assert_eq!(unknown.status(), 404);
    }
    let under_way = begin_post(&server, &url).await;
    assert_eq!(refused(&server, &url).await.0, 429);
    assert_eq!(end_post(under_way).await, 202);
    let told = server.get("/doctor").await["refused"].clone();
    assert_eq!(told["by_reason"], json!({ "not_found": 3, "too_many_requests": 1 }));
    assert!(told["since"].is_string(), "{told}");
}

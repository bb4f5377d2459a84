//! The same over real HTTP: statuses, problem documents, tokens, limits.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use stepwell_engine::{Engine, Options};

use crate::blocks::{gate, handlers};
use crate::database::Data;
use crate::engine::{PATIENCE, workflow};
use crate::triggers::until;

/// An engine that listens on a port of its own.
pub(crate) struct Server {
    pub(crate) engine: Engine,
    pub(crate) client: Client,
    pub(crate) data: Data,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let data = Data::new().await;
        let options = Options {
            data: data.directory.path().join("data"),
            database: data.shared.as_ref().map(|shared| shared.url.clone()),
            listen: ([127, 0, 0, 1], 0).into(),
            ..options
        };
        let engine = Engine::start(options).await.unwrap();
        Self { engine, client: Client::builder().no_proxy().build().unwrap(), data }
    }

    pub(crate) fn open(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.engine.url()))
    }

    pub(crate) fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.open(method, &format!("/api/v1{path}")).bearer_auth(self.engine.token())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        body(self.api(Method::GET, path).send().await.unwrap()).await
    }

    /// Stores and enables a workflow; the callback URL of its trigger.
    pub(crate) async fn enable(&self, key: &str, doing: &[&str]) -> String {
        self.enable_as(key, &workflow(key, doing)).await
    }

    /// As [`enable`](Self::enable), with a definition; empty if its trigger takes no requests.
    pub(crate) async fn enable_as(&self, key: &str, definition: &Value) -> String {
        let put = self.api(Method::PUT, &format!("/workflows/{key}")).json(definition);
        assert_eq!(put.send().await.unwrap().status(), 200);
        let enabled = self.api(Method::POST, &format!("/workflows/{key}/enable")).send().await.unwrap();
        assert_eq!(enabled.status(), 200);
        let versions = self.get(&format!("/workflows/{key}/versions")).await;
        let url = &versions["versions"][0]["activation"]["trigger_callback_url"];
        url.as_str().unwrap_or_default().to_owned()
    }

    /// The run once its last execution has had so many attempts and none goes on.
    pub(crate) async fn finished_attempts(&self, run: &str, attempts: usize) -> Value {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let row = self.get(&format!("/runs/{run}")).await;
            let had = row["executions"].as_array().and_then(|all| all.last()?["attempts"].as_array());
            if had.is_some_and(|had| had.len() == attempts && had.iter().all(|one| !one["result"].is_null()))
            {
                return row;
            }
            assert!(tokio::time::Instant::now() < until, "{row}");
            self.get(&format!("/runs/{run}?wait=1&after={}", row["sequence"])).await;
        }
    }

    /// Sends an event; the run that it started.
    pub(crate) async fn event(&self, url: &str) -> String {
        let sent = self
            .client
            .post(url)
            .header("x-secret", "s3cret")
            .json(&json!({ "value": 1 }))
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), 202);
        body(sent).await["run_id"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn body(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

/// The events that have been read from a stream so far.
struct Events {
    response: Response,
    text: String,
}

impl Events {
    async fn subscribe(server: &Server) -> Self {
        Self::subscribe_to(server, "/events").await
    }

    async fn subscribe_to(server: &Server, path: &str) -> Self {
        let response = server.api(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event's name and data; none at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        let event = loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                // A comment keeps the connection alive.
                if !event.starts_with(':') {
                    break event;
                }
            } else {
                let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.unwrap().unwrap()?;
                self.text.push_str(std::str::from_utf8(&chunk).unwrap());
            }
        };
        let field = |name| event.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();
        Some((field("event:").to_owned(), serde_json::from_str(field("data:")).unwrap()))
    }

    /// The statuses that a run goes through until it has this one.
    async fn statuses(&mut self, run: &str, until: &str) -> Vec<String> {
        let mut statuses = Vec::new();
        while statuses.last().is_none_or(|last| last != until) {
            let (name, data) = self.next().await.unwrap();
            if name == "run" && data["id"] == run {
                statuses.push(data["status"].as_str().unwrap().to_owned());
            }
        }
        statuses
    }
}

#[tokio::test]
async fn events_tell_what_changes() {
    let server = Server::start().await;
    let refused = server.open(Method::GET, "/api/v1/events").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    let mut events = Events::subscribe(&server).await;
    let url = server.enable("events", &["defer"]).await;
    let (name, data) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &data["id"]), ("workflow", &json!("events")));

    let run = server.event(&url).await;
    assert_eq!(events.statuses(&run, "waiting").await, ["running", "waiting"]);
    let waiting = server.get(&format!("/runs/{run}")).await;
    let finish = waiting["executions"][0]["finish_callback_url"].as_str().unwrap();
    let post = server.client.post(finish).json(&json!({ "doing": "events" })).send().await.unwrap();
    assert_eq!(post.status(), 202);
    let statuses = events.statuses(&run, "completed").await;
    // What an event tells is durable: whoever reads then sees it.
    assert_eq!(server.get(&format!("/runs/{run}")).await["status"], "completed", "after {statuses:?}");
}

#[tokio::test]
async fn events_tell_only_of_the_statuses_that_are_asked_for() {
    let server = Server::start().await;
    let refused = server.api(Method::GET, "/events?status=completed,done").send().await.unwrap();
    assert_eq!(refused.status(), 422);
    let problem = body(refused).await;
    assert_eq!(problem["errors"][0]["path"], "status", "{problem}");
    let url = server.enable("events", &["defer"]).await;
    let mut events = Events::subscribe_to(&server, "/events?status=waiting,completed").await;
    let run = server.event(&url).await;
    assert_eq!(events.statuses(&run, "waiting").await, ["waiting"]);
    let waiting = server.get(&format!("/runs/{run}")).await;
    let finish = waiting["executions"][0]["finish_callback_url"].as_str().unwrap();
    let post = server.client.post(finish).json(&json!({ "doing": "events" })).send().await.unwrap();
    assert_eq!(post.status(), 202);
    let statuses = events.statuses(&run, "completed").await;
    assert!(!statuses.contains(&"running".to_owned()), "{statuses:?}");
    // What changes of workflows is told as ever.
    server.enable("other", &["defer"]).await;
    assert_eq!(events.next().await.unwrap().0, "workflow");
}

#[tokio::test]
async fn events_end_when_the_engine_stops() {
    let server = Server::start().await;
    let mut events = Events::subscribe(&server).await;
    server.engine.shutdown().await;
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_run_from_its_event_to_its_callback() {
    let server = Server::start().await;
    let url = server.enable("http", &["defer"]).await;
    let run = server.event(&url).await;
    let waiting = server.get(&format!("/runs/{run}?wait=20&until=waiting")).await;
    assert_eq!(waiting["status"], "waiting");
    let execution = &waiting["executions"][0];
    assert_eq!((&execution["step"], &execution["status"]), (&json!("first"), &json!("waiting")));
    assert_eq!(execution["waiting_for"]["text"], "the answer");
    let listed = server.get("/waiting").await;
    assert_eq!(listed["waiting"][0]["finish_callback_url"], execution["finish_callback_url"]);

    let finish = execution["finish_callback_url"].as_str().unwrap();
    let get = server.client.get(finish).send().await.unwrap();
    assert_eq!((get.status().as_u16(), get.headers()["allow"].to_str().unwrap()), (405, "POST"), "d1");
    let post = server.client.post(finish).json(&json!({ "doing": "http" })).send().await.unwrap();
    assert_eq!(post.status(), 202);
    let done = server.get(&format!("/runs/{run}?wait=20")).await;
    assert_eq!(done["status"], "completed");
    assert_eq!(done["executions"][0]["data"], json!({ "by": "http" }));
    assert_eq!(done["executions"][0]["callbacks"][0]["status"], "finished");
    assert_eq!(done["executions"][0].get("finish_callback_url"), None);
    assert_eq!(server.client.post(finish).body("{}").send().await.unwrap().status(), 410, "d6");
    server.engine.shutdown().await;
}

#[tokio::test]
async fn t11_unknown_tokens_and_long_bodies_reach_no_handler() {
    let server = Server::start().await;
    let url = server.enable("t11", &["done"]).await;
    for path in
        ["/callbacks/trigger/x", "/callbacks/finish/x", &url[url.find("/callbacks").unwrap()..url.len() - 1]]
    {
        let answer = server.open(Method::POST, path).body("{}").send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(body(answer).await["detail"], "There is nothing at this address");
    }
    let long = server.client.post(&url).body(vec![b' '; 2 * 1024 * 1024]).send().await.unwrap();
    assert_eq!(long.status(), 413);
    assert_eq!(handlers("t11"), ["activate"]);
}

#[tokio::test]
async fn the_api_is_closed_without_a_token() {
    let server = Server::start().await;
    for request in
        [server.open(Method::GET, "/api/v1/runs"), server.open(Method::GET, "/api/v1/runs").bearer_auth("x")]
    {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    assert_eq!(server.open(Method::GET, "/healthz").send().await.unwrap().status(), 200);
    assert_eq!(server.open(Method::GET, "/readyz").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_bad_definition_is_refused_with_every_path_and_nothing_is_stored() {
    let server = Server::start().await;
    let mut definition = workflow("bad", &["done"]);
    definition["steps"]["first"]["block"] = "stepwell-engine/atc".into();
    definition["steps"]["second"]["config"]["key"] = 7.into();
    definition["steps"]["second"]["on"] = json!({ "done": "third" });
    let answer = server.api(Method::PUT, "/workflows/bad").json(&definition).send().await.unwrap();
    assert_eq!(answer.status(), 422);
    let problem = body(answer).await;
    let paths: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["path"].clone()).collect();
    assert_eq!(paths, ["steps.first.block", "steps.second.config.key", "steps.second.on.done"]);
    let stored = server.api(Method::GET, "/workflows/bad").send().await.unwrap();
    assert_eq!(stored.status(), 404);
    let check = server.api(Method::POST, "/workflows/check").json(&definition).send().await.unwrap();
    assert_eq!(check.status(), 200);
    assert_eq!(body(check).await["problems"], problem["errors"]);
}

#[tokio::test]
async fn a_run_is_started_by_hand_with_data_that_fits() {
    let server = Server::start().await;
    server.enable("by-hand", &["done"]).await;
    let start = |data: Value| {
        server
            .api(Method::POST, "/workflows/by-hand/runs")
            .json(&json!({ "outcome": "happened", "data": data }))
    };
    let misfit = start(json!({ "value": "x" })).send().await.unwrap();
    assert_eq!(misfit.status(), 422);
    assert_eq!(body(misfit).await["errors"][0]["path"], "data.value");
    let started = start(json!({ "value": 1 })).send().await.unwrap();
    assert_eq!(started.status(), 201);
    let run = body(started).await["id"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/runs/{run}?wait=20")).await["status"], "completed");
    let listed = server.get("/runs?workflow=by-hand&status=completed").await;
    assert_eq!(listed["runs"][0]["id"], json!(run));
    let unknown = server.api(Method::GET, "/runs?status=done").send().await.unwrap();
    assert_eq!(body(unknown).await["errors"][0]["path"], "status");
}

#[tokio::test]
async fn s8_a_workflow_is_exported_without_its_secrets_and_an_exported_file_keeps_them() {
    let server = Server::start().await;
    let flow = |title: &str, token: Value| {
        json!({
            "title": title,
            "trigger": { "block": "core/manual", "on": { "started": "call" } },
            "steps": { "call": {
                "block": "core/http-request",
                "config": { "url": "https://example.com/", "token": token },
            } },
        })
    };
    let put = async |id: &str, definition: &Value| {
        let sent =
            server.api(Method::PUT, &format!("/workflows/{id}")).json(definition).send().await.unwrap();
        (sent.status().as_u16(), body(sent).await)
    };
    let export = async |id: &str| {
        let sent = server.api(Method::GET, &format!("/workflows/{id}/export")).send().await.unwrap();
        assert_eq!(sent.headers()["content-type"], "application/yaml");
        sent.text().await.unwrap()
    };
    let told =
        |(status, view): (u16, Value)| (status, view["unchanged"].as_bool(), view["published"].as_bool());
    let clear = flow("Flow", json!("t0p-secret"));
    assert_eq!(told(put("flow", &clear).await), (200, Some(false), Some(false)));
    let sealed = server.get("/workflows/flow").await["definition"].clone();
    assert_eq!(told(put("flow", &clear).await), (200, Some(true), Some(false)), "the secret is the same");
    assert_eq!(server.get("/workflows/flow").await["definition"], sealed);

    let file = export("flow").await;
    assert!(!file.contains("t0p-secret") && file.contains("$secret: stored"), "{file}");
    let exported: Value = serde_yaml_ng::from_str(&file).unwrap();
    assert_eq!(told(put("flow", &exported).await), (200, Some(true), Some(false)));
    let enabled = server.api(Method::POST, "/workflows/flow/enable").send().await.unwrap();
    assert_eq!(enabled.status(), 200);
    assert_eq!(told(put("flow", &exported).await), (200, Some(true), Some(true)));

    let stored = json!({ "$secret": "stored" });
    assert_eq!(told(put("flow", &flow("Renamed", stored.clone())).await), (200, Some(false), Some(false)));
    let kept = server.get("/workflows/flow").await["definition"].clone();
    assert_eq!(kept["steps"], sealed["steps"], "the secret is the one that was stored");
    let other = flow("Flow", json!("another"));
    assert_eq!(told(put("flow", &other).await), (200, Some(false), Some(false)));
    assert_ne!(server.get("/workflows/flow").await["definition"]["steps"], sealed["steps"]);

    let (status, problem) = put("copy", &flow("Copy", stored)).await;
    assert_eq!(status, 422);
    assert_eq!(problem["errors"][0]["path"], "steps.call.config.token", "{problem}");
    let schema = server.get("/schema").await;
    assert_eq!(schema["title"], "Stepwell workflow");
    let missing = server.api(Method::GET, "/workflows/none/export").send().await.unwrap();
    assert_eq!(missing.status(), 404);
}

#[tokio::test]
async fn o7_an_operation_is_asked_for_followed_and_not_stopped_once_it_has_ended() {
    let server = Server::start().await;
    let url = server.enable("o7-http", &["defer"]).await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        let run = server.event(&url).await;
        assert_eq!(server.get(&format!("/runs/{run}?wait=20&until=waiting")).await["status"], "waiting");
        runs.push(run);
    }
    let doctor = server.get("/doctor").await;
    assert_eq!((&doctor["oldest_waiting"]["id"], &doctor["blocks"]), (&json!(runs[0]), &json!([])));
    assert!(doctor["database"]["bytes"].as_u64().unwrap() > 0, "{doctor}");

    let ask = |asked: Value| server.api(Method::POST, "/operations").json(&asked).send();
    let filter = json!({ "workflow": "o7-http" });
    let counted = ask(json!({ "action": "cancel", "filter": filter, "dry_run": true })).await.unwrap();
    assert_eq!(counted.status(), 200);
    assert_eq!(body(counted).await, json!({ "matched": 3 }));
    for (wrong, path) in [
        (json!({ "action": "retry", "filter": { "status": "waiting" } }), "filter.status"),
        (json!({ "action": "cancel", "filter": {}, "rate": 0 }), "rate"),
    ] {
        let refused = ask(wrong).await.unwrap();
        assert_eq!(refused.status(), 422);
        assert_eq!(body(refused).await["errors"][0]["path"], path);
    }
    let started = ask(json!({ "action": "cancel", "filter": filter, "rate": 1000 })).await.unwrap();
    assert_eq!(started.status(), 202);
    let id = body(started).await["id"].as_str().unwrap().to_owned();
    for run in &runs {
        assert_eq!(server.get(&format!("/runs/{run}?wait=20")).await["status"], "cancelled");
    }
    let until = tokio::time::Instant::now() + PATIENCE;
    let operation = loop {
        let operation = server.get(&format!("/operations/{id}")).await;
        if operation["status"] != "running" {
            break operation;
        }
        assert!(tokio::time::Instant::now() < until, "{operation}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((&operation["status"], &operation["done"]), (&json!("completed"), &json!(3)));
    assert_eq!(server.get("/operations").await["operations"], json!([operation]));
    let stop = |id: &str| server.api(Method::DELETE, &format!("/operations/{id}")).send();
    assert_eq!(stop(&id).await.unwrap().status(), 409);
    assert_eq!(stop("none").await.unwrap().status(), 404);
}

#[tokio::test]
async fn t6_every_answer_of_a_trigger_has_its_status() {
    let server = Server::start().await;
    let url = server.enable("t6-http", &["done"]).await;
    for (secret, value, status) in
        [("s3cret", 1, 202), ("s3cret", 0, 200), ("wrong", 1, 401), ("s3cret", -1, 500), ("s3cret", -2, 500)]
    {
        let event = server.client.post(&url).header("x-secret", secret).json(&json!({ "value": value }));
        assert_eq!(event.send().await.unwrap().status(), status, "{secret} {value}");
    }
    let disabled = server.api(Method::POST, "/workflows/t6-http/disable").send().await.unwrap();
    assert_eq!(disabled.status(), 200);
    assert_eq!(server.client.post(&url).body("{}").send().await.unwrap().status(), 410, "t5");
    assert_eq!(server.get("/runs?workflow=t6-http").await["runs"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn t10_a_sender_that_hangs_up_does_not_cancel_its_event() {
    let server = Server::start().await;
    let key = "t10-http-gated";
    let put = server.api(Method::PUT, &format!("/workflows/{key}")).json(&workflow(key, &["done"]));
    assert_eq!(put.send().await.unwrap().status(), 200);
    let enable = tokio::spawn(server.api(Method::POST, &format!("/workflows/{key}/enable")).send());
    until(|| handlers(key) == ["activate"]).await;
    let versions = server.get(&format!("/workflows/{key}/versions")).await;
    let url = versions["versions"][0]["activation"]["trigger_callback_url"].as_str().unwrap();

    // The event is held while `activate` runs; its sender does not wait for so long.
    let event = server.client.post(url).header("x-secret", "s3cret").json(&json!({ "value": 1 }));
    let hung_up = event.timeout(Duration::from_millis(300)).send().await.unwrap_err();
    assert!(hung_up.is_timeout(), "{hung_up}");
    gate(key).notify_one();
    assert_eq!(enable.await.unwrap().unwrap().status(), 200);

    let started = async {
        loop {
            let listed = server.get(&format!("/runs?workflow={key}")).await;
            if let [run] = listed["runs"].as_array().unwrap().as_slice() {
                return run["id"].as_str().unwrap().to_owned();
            }
        }
    };
    let run = tokio::time::timeout(PATIENCE, started).await.expect("the event has started a run");
    assert_eq!(server.get(&format!("/runs/{run}?wait=20")).await["status"], "completed");
}

#[tokio::test]
async fn d4_d12_callbacks_tell_what_became_of_them() {
    let server = Server::start().await;
    let url = server.enable("fates", &["defer"]).await;
    let run = server.event(&url).await;
    let mut view = server.get(&format!("/runs/{run}?wait=20&until=waiting")).await;
    let finish = view["executions"][0]["finish_callback_url"].as_str().unwrap().to_owned();
    for (index, (sent, fate)) in
        [("no json", "rejected"), (r#"{"doing":"no_op"}"#, "no_op"), (r#"{"doing":"http"}"#, "finished")]
            .into_iter()
            .enumerate()
    {
        let posted = server.client.post(&finish).body(sent).send().await.unwrap();
        assert_eq!(posted.status(), 202, "{sent}");
        let decided = async {
            loop {
                let status = view["executions"][0]["callbacks"][index]["status"].as_str();
                if status.is_some_and(|status| !matches!(status, "pending" | "running")) {
                    break;
                }
                let sequence = view["sequence"].as_i64().unwrap();
                view = server.get(&format!("/runs/{run}?wait=1&since_sequence={sequence}")).await;
            }
        };
        tokio::time::timeout(PATIENCE, decided).await.expect("the callback is handled");
        assert_eq!(view["executions"][0]["callbacks"][index]["status"], fate, "{sent}");
    }
}

#[tokio::test]
async fn runs_are_listed_page_by_page_newest_first() {
    let server = Server::start().await;
    let url = server.enable("pages", &["done"]).await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.insert(0, server.event(&url).await);
    }
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.get(&format!("/runs?workflow=pages&limit=2{cursor}")).await;
        let ids = page["runs"].as_array().unwrap().iter();
        listed.extend(ids.map(|run| run["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, runs);
}

#[tokio::test]
async fn options_are_looked_up_by_the_function_that_a_field_names() {
    let server = Server::start().await;
    let ask = async |field: &str, text: &str, fields: Value| {
        let request =
            json!({ "block": "stepwell-engine/choose", "field": field, "text": text, "fields": fields });
        let answer = server.api(Method::POST, "/blocks/options").json(&request).send().await.unwrap();
        (answer.status().as_u16(), body(answer).await)
    };
    let beside = json!({ "workspace": "acme", "more": [] });
    let (status, answer) = ask("campaign", "spring", beside.clone()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer, json!({ "choices": [{ "value": "c1", "label": "acme/spring of 1" }] }));
    let (_, answer) = ask("more.0.campaign", "", beside.clone()).await;
    assert_eq!(answer["choices"][0]["label"], "/ of 0", "only what it depends on is handed on");

    for (field, detail) in [("campain", "has no field `campain`"), ("workspace", "Nothing looks up")] {
        let (status, answer) = ask(field, "", json!({})).await;
        assert_eq!((status, &answer["errors"][0]["path"]), (422, &json!("field")));
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains(detail), "{answer}");
    }
    for (text, fields, detail) in [
        ("fail", json!({}), "told to fail"),
        ("panic", json!({}), "the function `campaigns` panicked: told to panic"),
        ("", json!({ "workspace": 7 }), "The field `workspace` does not have the expected type; change it"),
    ] {
        let (status, answer) = ask("campaign", text, fields).await;
        assert_eq!((status, &answer["type"]), (502, &json!("/problems/options-failed")));
        assert_eq!(answer["detail"], format!("The options could not be looked up: {detail}"));
    }
    let unknown = server.api(Method::POST, "/blocks/options").json(&json!({ "block": "a/b", "field": "c" }));
    let unknown = unknown.send().await.unwrap();
    assert_eq!(unknown.status(), 422);
    assert_eq!(body(unknown).await["errors"][0]["path"], "block");
}

#[tokio::test]
async fn a_wrong_method_or_field_is_told_as_a_problem() {
    let server = Server::start().await;
    let method = server.api(Method::PATCH, "/runs").send().await.unwrap();
    assert_eq!((method.status().as_u16(), method.headers()["allow"].to_str().unwrap()), (405, "GET,HEAD"));
    assert_eq!(body(method).await["type"], "/problems/method-not-allowed");
    assert_eq!(server.open(Method::PATCH, "/api/v1/runs").send().await.unwrap().status(), 401);

    let fields = json!({ "outcome": 1, "dat": {} });
    let start = server.api(Method::POST, "/workflows/any/runs").json(&fields).send().await.unwrap();
    assert_eq!(start.status(), 422);
    let problem = body(start).await;
    let paths: Vec<_> = (0..2).map(|index| problem["errors"][index]["path"].clone()).collect();
    assert_eq!(paths, ["outcome", "dat"]);

    let put = server.api(Method::PUT, "/workflows/long").header("content-type", "application/json");
    assert_eq!(put.body(vec![b' '; 5 * 1024 * 1024]).send().await.unwrap().status(), 413);
}

#[tokio::test]
async fn a_client_that_sends_its_head_too_slowly_is_dropped_and_others_are_served() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = Server::start().await;
    let address = server.engine.url().strip_prefix("http://").unwrap().to_owned();
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(b"POST /callbacks/trigger/x HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
        slow.push(stream);
    }
    assert_eq!(server.open(Method::GET, "/healthz").send().await.unwrap().status(), 200);
    for mut stream in slow {
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        closed.expect("the connection is closed").unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let large = server.open(Method::GET, "/healthz").header("x-large", "x".repeat(1024 * 1024)).send().await;
    assert!(large.is_err() || large.is_ok_and(|answer| answer.status() == 431));
    assert_eq!(server.open(Method::GET, "/healthz").send().await.unwrap().status(), 200);
}

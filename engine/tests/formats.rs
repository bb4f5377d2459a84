//! Databases that older builds made, on `SQLite` and on `PostgreSQL`: they open, are read, and their runs go on.
//! `formats/README.md` says what they hold and how the next one is made.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use stepwell_engine::{Engine, Options};
use support::postgres::Server;
use tempfile::TempDir;

/// The folder of every format that was released.
fn formats() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let formats: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    assert!(!formats.is_empty());
    formats
}

/// A data directory with the keys of a format.
fn data(format: &Path) -> TempDir {
    let data = tempfile::tempdir().unwrap();
    let keys = data.path().join("keys");
    std::fs::copy(format.join("keys"), &keys).unwrap();
    std::fs::set_permissions(keys, std::fs::Permissions::from_mode(0o600)).unwrap();
    data
}

/// An engine on an old database.
struct Opened {
    engine: Engine,
    client: Client,
    /// The paths that the old build told.
    urls: Value,
    _data: TempDir,
}

impl Opened {
    async fn start(format: &Path, data: TempDir, database: Option<String>) -> Self {
        let urls = std::fs::read(format.join("urls.json")).unwrap();
        let mut urls: Value = serde_json::from_slice(&urls).unwrap();
        let urls = urls[if database.is_some() { "postgres" } else { "sqlite" }].take();
        let listen = ([127, 0, 0, 1], 0).into();
        let options = Options { data: data.path().to_owned(), database, listen, ..Options::default() };
        let engine = Engine::start(options).await.unwrap();
        Self { engine, client: Client::builder().no_proxy().build().unwrap(), urls, _data: data }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.engine.url());
        self.client.request(method, url).bearer_auth(self.engine.token())
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.request(Method::GET, &format!("/api/v1{path}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    /// Sends JSON to a path that the old build told.
    async fn post(&self, to: &str, body: &Value) -> Value {
        let path = self.urls[to].as_str().unwrap();
        let response = self.request(Method::POST, path).json(body).send().await.unwrap();
        assert_eq!(response.status(), 202, "{to}");
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    async fn run(&self, id: &str, until: &str) -> Value {
        let run = self.get(&format!("/runs/{id}?wait=20&until={until}")).await;
        assert_eq!(run["status"], until, "{run}");
        run
    }

    /// Every run of the workflow goes on from where the old build left it.
    async fn goes_on(&self) {
        let runs = self.get("/runs").await;
        let of = |status: &str| {
            let mut runs = runs["runs"].as_array().unwrap().iter().filter(|run| run["status"] == status);
            let id = runs.next().unwrap()["id"].as_str().unwrap().to_owned();
            assert!(runs.next().is_none(), "one run is {status}");
            id
        };
        let completed = self.run(&of("completed"), "completed").await;
        assert_eq!(completed["trigger"]["data"]["body"], json!({ "name": "Ada", "count": 1 }));
        let last = completed["executions"].as_array().unwrap().last().unwrap();
        assert_eq!(last["data"], json!({ "answer": "yes" }));
        let failed = self.run(&of("failed"), "failed").await;
        assert!(failed["error"].as_str().unwrap().contains("note"), "{failed}");

        let waits = of("waiting");
        let waiting = self.get("/waiting").await;
        let waiting = &waiting["waiting"][0];
        assert_eq!(
            (&waiting["run_id"], &waiting["waiting_for"]),
            (&json!(waits), &json!({ "text": "the answer of Eve" }))
        );
        let told = waiting["finish_callback_url"].as_str().unwrap();
        assert!(told.ends_with(self.urls["finish"].as_str().unwrap()), "{told}");
        self.post("finish", &json!({ "answer": 42 })).await;
        let finished = self.run(&waits, "completed").await;
        let executions = finished["executions"].as_array().unwrap();
        assert_eq!(executions[0]["data"], json!({ "name": "Eve", "count": 42 }));
        assert_eq!(executions.last().unwrap()["data"], json!({ "answer": 42 }));

        let started = self.post("trigger", &json!({ "name": "Ivy", "count": 1 })).await;
        let run = self.run(started["run_id"].as_str().unwrap(), "waiting").await;
        assert_eq!(run["executions"][1]["waiting_for"], json!({ "text": "the answer of Ivy" }));
    }
}

#[tokio::test]
async fn an_old_sqlite_database_opens_and_its_runs_go_on() {
    for format in formats() {
        let data = data(&format);
        std::fs::copy(format.join("sqlite.db"), data.path().join("stepwell.db")).unwrap();
        Opened::start(&format, data, None).await.goes_on().await;
    }
}

#[tokio::test]
async fn an_old_postgres_database_opens_and_its_runs_go_on() {
    let server = Server::shared();
    for format in formats() {
        let url = server.database().await;
        let dump = std::fs::read_to_string(format.join("postgres.sql")).unwrap();
        let name = url.rsplit('/').next().unwrap();
        server.connect(name).await.batch_execute(&dump).await.unwrap();
        Opened::start(&format, data(&format), Some(url)).await.goes_on().await;
    }
}

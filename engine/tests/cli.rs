//! The binary as a person or a script uses it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::postgres::Server;

/// How long a run may take to wait.
const PATIENCE: Duration = Duration::from_mins(1);

/// The binary, with nothing of the surroundings' settings.
fn stepwell(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepwell"));
    for name in ["URL", "TOKEN", "DATABASE", "LISTEN", "PUBLIC_URL", "ALLOW_PRIVATE_ADDRESSES"] {
        command.env_remove(format!("STEPWELL_{name}"));
    }
    command.env("STEPWELL_DATA", data);
    command
}

fn run(data: &Path, line: &str) -> Output {
    stepwell(data).args(line.split_whitespace()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A server on a free port, that has said where it listens.
fn serve(data: &Path) -> (Child, String) {
    serve_with(data, &[])
}

/// As [`serve`], with more arguments.
fn serve_with(data: &Path, arguments: &[&str]) -> (Child, String) {
    let log = data.join("log");
    let mut server = stepwell(data)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut line = || {
        let line = lines.next().map(Result::unwrap);
        line.unwrap_or_else(|| panic!("it has not started: {}", std::fs::read_to_string(&log).unwrap()))
    };
    let (first, second) = (line(), line());
    assert!(second.contains(&data.join("token").display().to_string()), "{second}");
    (server, first.split_whitespace().last().unwrap().to_owned())
}

/// Has a server stop, which it does without an error.
fn stop(data: &Path, mut server: Child) {
    signal(&server, "-TERM");
    let status = server.wait().unwrap();
    assert!(status.success(), "{status}: {}", std::fs::read_to_string(data.join("log")).unwrap());
}

fn signal(process: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &process.id().to_string()]).status().unwrap().success());
}

#[test]
fn wrong_usage_exits_with_2_and_a_refusal_with_1() {
    let data = tempfile::tempdir().unwrap();
    for line in ["", "unknown", "run", "start", "serve --listen nowhere"] {
        assert_eq!(run(data.path(), line).status.code(), Some(2), "{line}");
    }
    for line in
        ["workflows", "start flow", "start flow --data {}", "cancel 1", "check missing.yaml", "validate"]
    {
        let output = run(data.path(), line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(stderr(&output).starts_with("error: "), "{line}: {}", stderr(&output));
    }
    for line in ["blocks --json", "blocks --schema"] {
        assert_eq!(run(data.path(), line).status.code(), Some(0), "{line}");
    }
}

#[test]
fn a_file_with_problems_is_refused_with_their_paths() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("flow.yaml");
    std::fs::write(
        &file,
        "title: Flow\ntrigger:\n  block: no/such\n  on: { happened: nowhere }\nsteps: {}\n",
    )
    .unwrap();
    let output = run(data.path(), &format!("check {}", file.display()));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("trigger.block"), "{}", stderr(&output));
}

/// A workflow of built-in blocks.
const FLOW: &str = "\
title: Flow
trigger:
  block: core/manual
  on: { started: note }
steps:
  note:
    block: core/log
    config: { message: 'It is {{ run.id | upper }}' }
";

#[test]
fn several_files_are_checked_and_every_problem_has_its_line() {
    let data = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = data.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let right = write("right.yaml", FLOW);
    let wrong = write("wrong.yaml", &FLOW.replace("run.id | upper", "run.id | uper"));
    let twice = write("twice.yaml", &format!("{FLOW}title: Again\n"));
    let output = run(data.path(), &format!("check {right} {wrong} {twice} missing.yaml"));
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    for words in
        ["wrong.yaml:8:", "steps.note.config.message", "twice.yaml:9:1", "missing.yaml has 1 problem"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(!told.contains("right.yaml"), "{told}");

    let output = run(data.path(), &format!("check --json {right} {wrong} {twice} missing.yaml"));
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["files"][0], serde_json::json!({ "file": right, "problems": [], "notes": [] }));
    let problem = &told["files"][1]["problems"][0];
    assert_eq!((&problem["path"], &problem["line"]), (&"steps.note.config.message".into(), &8.into()));
    // The filter's name within the quoted text.
    assert_eq!(problem["column"].as_u64().unwrap(), 25 + "It is {{ run.id | ".len() as u64);
    assert_eq!(
        (&told["files"][2]["problems"][0]["path"], told["files"].as_array().unwrap().len()),
        (&"title".into(), 4)
    );

    let output = run(data.path(), &format!("check {right}"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// Runs a command that reads its standard input.
fn told(data: &Path, line: &str, input: &str) -> Output {
    let mut command = stepwell(data);
    let command = command.args(line.split_whitespace()).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_file_may_come_from_the_standard_input() {
    let data = tempfile::tempdir().unwrap();
    let output = told(data.path(), "check -", FLOW);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let output = told(data.path(), "check -", &FLOW.replace("core/log", "core/lok"));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("<stdin>:7:5"), "{}", stderr(&output));
}

#[test]
fn s14_apply_enables_first_what_others_call() {
    let data = tempfile::tempdir().unwrap();
    let (server, _) = serve(data.path());
    let file = |name: &str, text: &str| {
        let path = data.path().join(format!("{name}.yaml"));
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let calls = |of: &str| {
        format!(
            "title: Calls\ntrigger: {{ block: core/workflow-called, on: {{ called: call }} }}\nsteps:\n  call: {{ block: core/call-workflow, config: {{ workflow: {of} }} }}\n"
        )
    };
    let last = "title: Called\ntrigger: { block: core/workflow-called }\n";
    let files =
        [file("first", &calls("second")), file("second", &calls("third")), file("third", last)].join(" ");
    let output = run(data.path(), &format!("apply {files} --enable --json"));
    assert!(output.status.success(), "{}", stderr(&output));
    let applied: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ids: Vec<_> = applied["workflows"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
    assert_eq!(ids, ["third", "second", "first"]);
    stop(data.path(), server);
}

#[test]
fn an_export_can_be_applied_and_changes_nothing() {
    let data = tempfile::tempdir().unwrap();
    let (server, _) = serve(data.path());
    let file = data.path().join("flow.yaml");
    std::fs::write(&file, FLOW).unwrap();
    let said = |line: &str| {
        let output = run(data.path(), line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let apply = format!("apply {}", file.display());
    assert_eq!(said(&apply).trim(), "Applied flow");
    assert_eq!(said(&apply).trim(), "flow is unchanged");
    // People start it: no URL is told that would take no requests.
    assert_eq!(said(&format!("{apply} --enable")).trim(), "flow is unchanged and enabled it as version 1");
    assert_eq!(said(&format!("{apply} --enable")).trim(), "flow is unchanged and enabled already");

    let before: Value = serde_json::from_str(&said("workflows --json")).unwrap();
    let exported = said("export flow");
    assert!(exported.starts_with("id: flow\ntitle: Flow\n"), "{exported}");
    said(&format!("export flow -o {}", file.display()));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), exported);
    assert_eq!(said(&format!("{apply} --enable")).trim(), "flow is unchanged and enabled already");
    assert_eq!(said("export flow"), exported);
    assert_eq!(serde_json::from_str::<Value>(&said("workflows --json")).unwrap(), before);

    let changed = exported.replace("It is", "This is");
    let output = told(data.path(), "apply -", &changed);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(said("export flow"), changed);
    assert_eq!(said("export flow --version 1"), exported);
    let json: Value = serde_json::from_str(&said("export flow --json")).unwrap();
    assert_eq!((&json["id"], &json["steps"]["note"]["block"]), (&"flow".into(), &"core/log".into()));
    for (line, words) in [("export none", "no workflow"), ("export flow --version 9", "no version 9")] {
        let output = run(data.path(), line);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(stderr(&output).contains(words), "{line}: {}", stderr(&output));
    }

    // What the server finds wrong has its place in the file.
    std::fs::write(&file, exported.replace("core/log", "core/lok")).unwrap();
    let output = run(data.path(), &apply);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("flow.yaml:9:5"), "{}", stderr(&output));
    stop(data.path(), server);
}

#[test]
fn o3_a_sample_is_the_data_of_the_latest_run() {
    let data = tempfile::tempdir().unwrap();
    let (server, _) = serve(data.path());
    let said = |line: &str| {
        let output = run(data.path(), line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let file = data.path().join("flow.yaml");
    std::fs::write(&file, FLOW).unwrap();
    said(&format!("apply {} --enable", file.display()));
    for (id, words) in [("flow", "start it by hand"), ("none", "no workflow `none`")] {
        let output = run(data.path(), &format!("sample {id}"));
        assert!(output.status.code() == Some(1) && stderr(&output).contains(words), "{}", stderr(&output));
    }
    let id = said(r#"start flow --data {"n":7}"#).trim().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&said("sample flow")).unwrap(), serde_json::json!({ "n": 7 }));
    let whole: Value = serde_json::from_str(&said("sample flow --json")).unwrap();
    assert_eq!((&whole["run_id"], &whole["outcome"]), (&id.into(), &"started".into()));
    stop(data.path(), server);
}

#[test]
fn d1_the_links_of_a_run_are_shown_to_who_asks_for_them() {
    let data = tempfile::tempdir().unwrap();
    let (server, _) = serve(data.path());
    let said = |line: &str| {
        let output = run(data.path(), line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let flow = "title: Ask\n\
         trigger: { block: core/manual, on: { started: ask } }\n\
         steps: { ask: { block: core/approval, config: { message: Ready?, approvers: [{ name: Ann }] } } }\n";
    let file = data.path().join("ask.yaml");
    std::fs::write(&file, flow).unwrap();
    said(&format!("apply {} --enable", file.display()));
    let id = said("start ask").trim().to_owned();
    let shown = || said(&format!("links {id}"));
    let until = Instant::now() + PATIENCE;
    while !shown().contains("Ann") {
        assert!(Instant::now() < until, "{}", said(&format!("run {id} --json")));
    }
    let json: Value = serde_json::from_str(&said(&format!("links {id} --json"))).unwrap();
    let link = json["links"][0]["link"].as_str().unwrap();
    assert!(shown().contains(link) && link.contains("/callbacks/finish/"), "{}", shown());
    for line in ["waiting", "waiting --json", "runs --json", &format!("run {id} --json")] {
        assert!(!said(line).contains(link), "{line}");
    }
    let output = run(data.path(), "links 0190c6f0-0000-7000-8000-000000000000");
    assert!(output.status.code() == Some(1) && stderr(&output).contains("no run"), "{}", stderr(&output));
    stop(data.path(), server);
}

#[test]
fn o5_client_commands_find_the_server_by_its_directory_until_it_is_told_to_stop() {
    let data = tempfile::tempdir().unwrap();
    let (server, url) = serve(data.path());
    for (line, key) in
        [("workflows --json", "workflows"), ("runs --json", "runs"), ("waiting --json", "waiting")]
    {
        let output = run(data.path(), line);
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(value[key], Value::Array(Vec::new()), "{line}");
    }
    // A kind that this binary does not know: the credentials went to the server, which says so.
    let credentials = data.path().join("credentials.json");
    std::fs::write(&credentials, "{\"token\": \"hush\"}").unwrap();
    let output = run(data.path(), &format!("connections set no/kind --from {}", credentials.display()));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("kind") && !stderr(&output).contains("hush"), "{}", stderr(&output));
    std::fs::write(&credentials, "{\"token\": hush").unwrap();
    let output = run(data.path(), &format!("connections set no/kind --from {}", credentials.display()));
    assert!(stderr(&output).contains("column") && !stderr(&output).contains("hush"), "{}", stderr(&output));
    let output = run(data.path(), "connections");
    assert!(output.status.success());

    let output = run(data.path(), "start no-such-flow");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no-such-flow"), "{}", stderr(&output));

    // The port is taken now.
    let other = tempfile::tempdir().unwrap();
    let output = run(other.path(), &format!("serve --listen {}", url.trim_start_matches("http://")));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot be listened on"), "{}", stderr(&output));

    stop(data.path(), server);
    // Its port may be another server's by now, so that one is asked for here that never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    std::fs::write(data.path().join("url"), url).unwrap();
    let output = run(data.path(), "workflows");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("does not answer"), "{}", stderr(&output));
}

#[test]
fn o7_operations_on_many_runs_ask_first_and_are_followed() {
    let data = tempfile::tempdir().unwrap();
    let (server, _) = serve(data.path());
    let ask = |line: &str| -> Value {
        let output = run(data.path(), line);
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(ask("cancel --all --dry-run --json")["matched"], 0);
    let unasked = run(data.path(), "retry --all --workflow flow");
    assert_eq!(unasked.status.code(), Some(1));
    assert!(stderr(&unasked).contains("--yes"), "{}", stderr(&unasked));
    let started = ask("replay --all --status failed --rate 10 --yes --json");
    let id = started["id"].as_str().unwrap();
    let operation = ask(&format!("operation {id} --json"));
    assert_eq!((&operation["action"], &operation["rate"]), (&"replay".into(), &10.into()));
    assert_eq!(ask("operations --json")["operations"][0]["id"], id);
    assert_eq!(ask("doctor --json")["blocks"], Value::Array(Vec::new()));
    let looked = run(data.path(), "doctor");
    assert!(String::from_utf8(looked.stdout).unwrap().contains("No run waits"));
    stop(data.path(), server);
}

#[test]
fn engines_share_a_database_only_with_the_same_keys() {
    let server = Server::shared();
    let database = tokio::runtime::Runtime::new().unwrap().block_on(server.database());
    // Nobody dies here, however long the machine stands still.
    let arguments = ["--database", &database, "--lease", "600"];
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, _) = serve_with(first.path(), &arguments);
    let refused = run(second.path(), &["serve --listen 127.0.0.1:0", &arguments.join(" ")].join(" "));
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("other keys"), "{}", stderr(&refused));
    std::fs::copy(first.path().join("keys"), second.path().join("keys")).unwrap();
    let (two, _) = serve_with(second.path(), &arguments);
    stop(first.path(), one);
    stop(second.path(), two);
    let output = run(first.path(), "serve --listen 127.0.0.1:0 --database postgres://localhost:1/none");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot be reached"), "{}", stderr(&output));
}

#[test]
fn a_new_crate_has_its_files_and_a_wrong_name_or_a_taken_directory_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let place = data.path().join("my-blocks");
    let output = run(data.path(), &format!("new {}", place.display()));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for file in
        ["Cargo.toml", "src/lib.rs", "src/main.rs", "tests/blocks.rs", "workflows/welcome.yaml", "README.md"]
    {
        let text = std::fs::read_to_string(place.join(file)).unwrap();
        assert!(!text.contains("{{name}}") && !text.contains("{{crate}}"), "{file}");
    }
    let workflow = std::fs::read_to_string(place.join("workflows/welcome.yaml")).unwrap();
    assert!(workflow.contains("my-blocks/ask-host") && workflow.contains("{{ trigger.name }}"), "{workflow}");
    for wrong in ["my-blocks", "My_Blocks", "-blocks", "stepwell", "tokio"] {
        let output = run(data.path(), &format!("new {}", data.path().join(wrong).display()));
        assert_eq!(output.status.code(), Some(1), "{wrong}");
    }
}

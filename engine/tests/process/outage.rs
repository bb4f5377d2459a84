//! A `PostgreSQL` server that is stopped, or takes no writes.

use crate::process::{Process, serve, until};
use crate::runs::{enable, finish, is_refused_for_now, run, under_load, waits_at};
use crate::support::postgres::Server;

/// Carries SQL out as a superuser.
fn execute(server: &Server, sql: &str) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        server.connect("postgres").await.batch_execute(sql).await.unwrap();
    });
}

/// An empty database, as its URL and its name.
fn database(server: &Server) -> (String, String) {
    let url = tokio::runtime::Runtime::new().unwrap().block_on(server.database());
    let name = url.rsplit_once('/').unwrap().1.to_owned();
    (url, name)
}

#[test]
fn o1_a_server_that_is_stopped_for_a_while_loses_nothing() {
    let server = Server::start();
    let data = tempfile::tempdir().unwrap();
    let (url, _) = database(&server);
    let engine = Process::start(data.path(), &["--database", &url, "--lease", "2"]);
    let trigger = enable(&engine);
    let waiting = run(&engine, &trigger);
    let callback = waits_at(&engine, &waiting);
    under_load(&engine, &trigger, |acknowledged| {
        until(|| (acknowledged() > 20).then_some(()));
        server.tell("stop");
        is_refused_for_now(&engine, &trigger, &callback);
        assert_eq!(engine.is_ready(), Some(false));
        assert_eq!(engine.get("/healthz").unwrap().0, 200);
        let before = acknowledged();
        server.tell("start");
        until(|| engine.is_ready().filter(|ready| *ready));
        until(|| (acknowledged() > before + 20).then_some(()));
    });
    finish(&engine, &waiting);
}

#[test]
fn o1_a_database_that_takes_no_writes_for_a_while_loses_nothing() {
    let server = Server::shared();
    let data = tempfile::tempdir().unwrap();
    let (url, name) = database(&server);
    let engine = Process::start(data.path(), &["--database", &url, "--lease", "2"]);
    let trigger = enable(&engine);
    let waiting = run(&engine, &trigger);
    let callback = waits_at(&engine, &waiting);
    under_load(&engine, &trigger, |acknowledged| {
        until(|| (acknowledged() > 20).then_some(()));
        // It holds for sessions that begin after it.
        let sessions =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        execute(&server, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
        execute(&server, &sessions);
        is_refused_for_now(&engine, &trigger, &callback);
        until(|| engine.is_ready().filter(|ready| !ready));
        let before = acknowledged();
        execute(&server, &format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
        until(|| engine.is_ready().filter(|ready| *ready));
        until(|| (acknowledged() > before + 20).then_some(()));
    });
    finish(&engine, &waiting);
}

#[test]
fn a_database_that_takes_no_writes_is_refused_with_what_to_do() {
    let server = Server::shared();
    let data = tempfile::tempdir().unwrap();
    let (url, name) = database(&server);
    execute(&server, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let output = serve(data.path()).args(["--database", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("set `default_transaction_read_only` to off"), "{told}");
}

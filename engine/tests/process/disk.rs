//! A disk without room, and one that cannot be written.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::process::{Process, serve, until};
use crate::runs::{enable, finish, is_refused_for_now, run, under_load, waits_at};

/// Whom the engine runs as when the tests run as root, whom no permissions hold back.
const NOBODY: &str = "65534";

/// Starts an engine whose writes can be made to fail: beyond the largest size of a file they do, with an error instead
/// of a signal.
fn start(data: &Path) -> Process {
    let engine = serve(data);
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#]).arg(engine.get_program()).args(engine.get_args());
    Process::spawn(shell, data)
}

/// Sets the largest size of a file of this process, in bytes.
fn limit_files(engine: &Process, size: &str) {
    let size = format!("--fsize={size}:unlimited");
    assert!(Command::new("prlimit").args(["--pid", &engine.id(), &size]).status().unwrap().success());
}

#[test]
fn o1_a_full_disk_loses_nothing_and_the_engine_goes_on_when_there_is_room() {
    let data = tempfile::tempdir().unwrap();
    let mut engine = start(data.path());
    let trigger = enable(&engine);
    let waiting = run(&engine, &trigger);
    let callback = waits_at(&engine, &waiting);
    under_load(&engine, &trigger, |acknowledged| {
        until(|| (acknowledged() > 20).then_some(()));
        let log = data.path().join("stepwell.db-wal").metadata().unwrap().len();
        limit_files(&engine, &log.to_string());
        is_refused_for_now(&engine, &trigger, &callback);
        assert_eq!(engine.is_ready(), Some(false));
        let (status, seen) = engine.get(&format!("/api/v1/runs/{waiting}")).unwrap();
        assert_eq!(status, 200, "{seen:#}");
        assert!(engine.log().contains("the disk takes no writes"), "{}", engine.log());
        let before = acknowledged();
        limit_files(&engine, "unlimited");
        until(|| engine.is_ready().filter(|ready| *ready));
        until(|| (acknowledged() > before + 20).then_some(()));
    });
    // It may have been answered before the disk was seen to be full.
    if engine.get(&format!("/api/v1/runs/{waiting}")).unwrap().1["status"] == "waiting" {
        finish(&engine, &waiting);
    }
    assert!(engine.log().contains("the disk takes writes again"), "{}", engine.log());
    engine.signal("-TERM");
    assert!(engine.ends().success());
    let database = rusqlite::Connection::open(data.path().join("stepwell.db")).unwrap();
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

/// Runs `serve` as somebody whom permissions hold back, and gives what it says; nothing if that cannot be.
fn serve_unprivileged(data: &Path) -> Option<String> {
    let engine = serve(data);
    let root =
        std::fs::metadata("/proc/self").map(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    let mut command = if root.unwrap() {
        let user =
            [&format!("--reuid={NOBODY}"), &format!("--regid={NOBODY}"), "--clear-groups"].map(str::to_owned);
        let may =
            Command::new("setpriv").args(&user).arg("test").arg("-x").arg(engine.get_program()).status();
        if !may.is_ok_and(|status| status.success()) {
            eprintln!(
                "skipped: root is held back by no permissions, and nobody else may run the engine here"
            );
            return None;
        }
        let owner = format!("{NOBODY}:{NOBODY}");
        assert!(Command::new("chown").args(["-R", &owner]).arg(data).status().unwrap().success());
        let mut command = Command::new("setpriv");
        command.args(&user).arg(engine.get_program()).args(engine.get_args());
        command
    } else {
        engine
    };
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    Some(String::from_utf8(output.stderr).unwrap())
}

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn data_that_cannot_be_written_are_refused_with_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let mut engine = Process::start(data.path(), &[]);
    engine.signal("-TERM");
    assert!(engine.ends().success());
    for file in ["lock", "stepwell.db"] {
        let path = data.path().join(file);
        allow(&path, 0o400);
        let Some(told) = serve_unprivileged(data.path()) else { return };
        assert!(told.contains(file) && told.contains("writable for this user"), "{told}");
        allow(&path, 0o600);
    }
    let empty = tempfile::tempdir().unwrap();
    allow(empty.path(), 0o500);
    let Some(told) = serve_unprivileged(empty.path()) else { return };
    assert!(told.contains("key file") && told.contains("writable for this user"), "{told}");
    allow(empty.path(), 0o700);
}

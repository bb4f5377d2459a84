use super::*;
use crate::model::RunStatus;

/// The only execution of a run with this journal, one entry a record, from 1.
fn execution(entries: impl IntoIterator<Item = Entry>) -> ExecutionView {
    let begun = Entry::ExecutionStarted {
        round: None,
        execution: 1,
        step: "ask".into(),
        block: "app/ask".into(),
        config: json!({ "to": "someone" }),
    };
    let journal = std::iter::once(begun)
        .chain(entries)
        .zip(1..)
        .map(|(entry, record)| (RecordId(record), Timestamp::from_second(record).unwrap(), vec![entry]));
    let mut history =
        History::of(journal, |number| format!("run.{number}"), |number| format!("http://x/{number}"));
    assert_eq!(history.executions.len(), 1);
    history.executions.remove(0)
}

fn started(attempt: u32, handler: HandlerName, callback: Option<i64>) -> Entry {
    Entry::AttemptStarted { execution: 1, attempt, handler, callback: callback.map(RecordId), release: None }
}

fn ended(attempt: u32, handler: HandlerName, result: AttemptResult) -> Entry {
    Entry::AttemptEnded { execution: 1, attempt, handler, result }
}

fn callback(body: &str) -> Entry {
    let (method, query) = ("POST".to_owned(), String::new());
    let request =
        CallbackRequest { method, query, headers: Vec::new(), body: STANDARD.encode(body), sender: None };
    Entry::CallbackReceived { execution: 1, request }
}

/// Records 2 to 4: deferred, and a callback has come as record 4.
fn waiting_with_a_callback() -> Vec<Entry> {
    vec![
        started(1, HandlerName::Execute, None),
        ended(
            1,
            HandlerName::Execute,
            AttemptResult::Deferred { waiting_for: None, wake_at: None, question: None },
        ),
        callback("hello"),
    ]
}

/// As [`waiting_with_a_callback`], and `finish` was called with it and came to this.
fn finished_with(result: AttemptResult) -> Vec<Entry> {
    let mut entries = waiting_with_a_callback();
    entries.push(started(2, HandlerName::Finish, Some(4)));
    entries.push(ended(2, HandlerName::Finish, result));
    entries
}

#[test]
fn o3_a_deferred_execution_shows_since_when_and_where_it_waits() {
    let view = execution(waiting_with_a_callback());
    assert_eq!(view.status, ExecutionStatus::Waiting);
    assert_eq!(view.waiting_since, Some(Timestamp::from_second(3).unwrap()));
    assert_eq!(view.finish_callback_url.as_deref(), Some("http://x/1"));
    assert_eq!(view.unique_execution_id, "run.1");
    let callback = serde_json::to_value(&view.callbacks[0]).unwrap();
    assert_eq!(callback["status"], "pending");
    assert_eq!(callback["request"]["body"], "hello");
}

#[test]
fn d4_d5_d12_a_callback_shows_what_became_of_it() {
    let outcome = || AttemptResult::Outcome { outcome: "answered".into(), data: json!({ "by": "a person" }) };
    let error = |retryable| AttemptResult::Error { message: "broken".into(), retryable };
    let rejected = || AttemptResult::Rejected { message: "wrong secret".into() };
    for (result, status, callback) in [
        (outcome(), ExecutionStatus::Completed, json!({ "status": "finished" })),
        (AttemptResult::Exit, ExecutionStatus::Completed, json!({ "status": "finished" })),
        (AttemptResult::NoOp { wake_at: None }, ExecutionStatus::Waiting, json!({ "status": "no_op" })),
        (rejected(), ExecutionStatus::Waiting, json!({ "status": "rejected", "message": "wrong secret" })),
        (error(true), ExecutionStatus::Running, json!({ "status": "pending" })),
        (error(false), ExecutionStatus::Failed, json!({ "status": "finished" })),
    ] {
        let view = execution(finished_with(result.clone()));
        assert_eq!(view.status, status, "{result:?}");
        assert_eq!(serde_json::to_value(&view.callbacks[0].fate).unwrap(), callback, "{result:?}");
        assert_eq!(view.finish_callback_url.is_some(), status == ExecutionStatus::Waiting, "{result:?}");
    }
}

#[test]
fn d2_d8_a_callback_that_finish_never_gets_is_unused_with_its_reason() {
    let mut entries = waiting_with_a_callback();
    entries.push(Entry::CallbackUnused { execution: 1, callback: RecordId(4), reason: Unused::Deadline });
    let view = execution(entries);
    assert_eq!(view.callbacks[0].fate, CallbackFate::Unused { reason: Unused::Deadline });

    // A cancellation came between two calls of `finish`.
    let mut entries =
        finished_with(AttemptResult::Interrupted { message: "the engine died".into(), given_up: false });
    entries.push(Entry::ExecutionCancelled { execution: 1 });
    let view = execution(entries);
    assert_eq!(view.status, ExecutionStatus::Cancelled);
    assert_eq!(view.callbacks[0].fate, CallbackFate::Unused { reason: Unused::Cancelled });
}

#[test]
fn s4_every_attempt_is_told_with_its_times_and_its_result() {
    let error = AttemptResult::Error { message: "busy".into(), retryable: true };
    let view = execution([
        started(1, HandlerName::Execute, None),
        ended(1, HandlerName::Execute, error),
        started(2, HandlerName::Execute, None),
    ]);
    let attempts = serde_json::to_value(&view.attempts).unwrap();
    assert_eq!(
        attempts,
        json!([
            {
                "number": 1,
                "handler": "execute",
                "started_at": "1970-01-01T00:00:02Z",
                "ended_at": "1970-01-01T00:00:03Z",
                "result": "error",
                "message": "busy",
                "retryable": true,
            },
            { "number": 2, "handler": "execute", "started_at": "1970-01-01T00:00:04Z" },
        ])
    );
    assert_eq!((view.status, view.error), (ExecutionStatus::Running, None));
}

#[test]
fn o2_the_error_of_a_run_is_gone_once_it_is_retried() {
    let failed = Entry::RunEnded { status: RunStatus::Failed, error: Some("step `ask` failed".into()) };
    let journal = |entries: Vec<Entry>| {
        let journal = [(RecordId(1), Timestamp::UNIX_EPOCH, entries)];
        History::of(journal, |number| number.to_string(), |number| number.to_string())
    };
    assert_eq!(journal(vec![failed.clone()]).error.as_deref(), Some("step `ask` failed"));
    assert_eq!(journal(vec![failed, Entry::RetryRequested]).error, None);
}

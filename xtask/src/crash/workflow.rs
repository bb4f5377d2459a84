//! The workflow that the senders use.

use serde_json::{Value, json};

pub(super) const ID: &str = "crash";
/// The repository whose issues are its events.
pub(super) const REPOSITORY: &str = "crash/crash";
/// The secret-free header that GitHub names its events in.
pub(super) const EVENT_HEADER: &str = "X-GitHub-Event";

/// An issue goes two ways at once. One has an effect outside, asks a question, which is recorded with `once`, waits for
/// the answer and has another effect. The other sleeps, and then has an effect.
pub(super) fn definition(provider: &str) -> Value {
    let effect = |name: &str, next: &str| {
        json!({
            "block": "core/http-request",
            "config": {
                "method": "POST",
                "url": format!("{provider}/effects/{name}"),
                "body": { "kind": "json", "value": { "n": "{{ trigger.number }}" } },
            },
            "retry": { "attempts": 20, "first_delay": "100ms", "longest_delay": "2s" },
            "on": { "ok": next },
        })
    };
    json!({
        "id": ID,
        "title": "Crash",
        "trigger": {
            "block": "issue-triage/issue-opened",
            "config": { "api_url": provider, "repository": REPOSITORY },
            "on": { "opened": ["before", "sleep"] },
        },
        "steps": {
            "before": effect("before", "ask"),
            "ask": {
                "block": "issue-triage/ask-maintainer",
                "config": { "api_url": provider, "question": "{{ trigger.title }}", "label": "crash" },
                "on": { "approved": "after", "declined": "end" },
            },
            "after": effect("after", "end"),
            "sleep": {
                "block": "core/delay",
                "config": { "duration": "1s" },
                "on": { "elapsed": "late" },
            },
            "late": effect("late", "end"),
        },
    })
}

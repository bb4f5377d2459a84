//! The workflow that the senders use, and the one that it calls.

use serde_json::{Value, json};

pub(super) const ID: &str = "crash";
/// The workflow that each of its runs calls.
pub(super) const CALLED: &str = "crash-called";
/// The repository whose issues are its events.
pub(super) const REPOSITORY: &str = "crash/crash";
/// The secret-free header that GitHub names its events in.
pub(super) const EVENT_HEADER: &str = "X-GitHub-Event";

/// The effects that a run has once each, besides those that depend on the answer.
pub(super) const EFFECTS: [&str; 16] = [
    "before", "late", "left", "right", "met", "item-a", "item-b", "item-c", "item-d", "gathered", "round-0",
    "round-1", "round-2", "repeated", "called", "answered",
];
/// The steps of loops, with how often a run comes to each.
pub(super) const ROUNDS: [(&str, usize); 2] = [("item", 4), ("round", 3)];

/// An issue goes several ways at once. One has an effect outside, asks a question, which is recorded with `once`, waits
/// for the answer and has another effect. One sleeps, and then has an effect. Two have an effect each and meet. One has
/// an effect for each item of a list, two at once, and one an effect in each of three rounds. One calls another workflow,
/// which has an effect, and then has one itself.
pub(super) fn definition(provider: &str) -> Value {
    let effect = |name: &str, next: &str| effect(provider, name, next);
    json!({
        "id": ID,
        "title": "Crash",
        "trigger": {
            "block": "issue-triage/issue-opened",
            "config": { "api_url": provider, "repository": REPOSITORY },
            "on": { "opened": ["before", "sleep", "left", "right", "each", "again", "call"] },
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
            "left": effect("left", "meet"),
            "right": effect("right", "meet"),
            "meet": { "block": "core/join", "on": { "done": "met" } },
            "met": effect("met", "end"),
            "each": {
                "block": "core/for-each",
                "config": { "items": ["a", "b", "c", "d"], "concurrency": 2 },
                "on": { "each": "item", "done": "gathered" },
            },
            "item": effect("item-{{ each.item }}", "end"),
            "gathered": effect("gathered", "end"),
            "again": {
                "block": "core/repeat",
                "config": { "until": "{{ again.index == 2 }}", "at_most": 5 },
                "on": { "round": "round", "done": "repeated" },
            },
            "round": effect("round-{{ again.index }}", "end"),
            "repeated": effect("repeated", "end"),
            "call": {
                "block": "core/call-workflow",
                "config": { "workflow": CALLED, "data": { "number": "{{ trigger.number }}" } },
                "on": { "completed": "answered" },
            },
            "answered": effect("answered", "end"),
        },
    })
}

/// The workflow that is called has an effect.
pub(super) fn called(provider: &str) -> Value {
    json!({
        "id": CALLED,
        "title": "Called",
        "trigger": {
            "block": "core/workflow-called",
            "config": { "inputs": { "number": { "type": "number" } } },
            "on": { "called": "called" },
        },
        "steps": { "called": effect(provider, "called", "end") },
    })
}

fn effect(provider: &str, name: &str, next: &str) -> Value {
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
}

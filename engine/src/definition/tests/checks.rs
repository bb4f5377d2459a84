//! Rules that blocks have given their configs: judged as far as what they read is constant.

use super::{built_in, finds, found};
use crate::definition::{Definition, check};

fn step(block: &str, config: &str) -> String {
    format!("steps:\n  first: {{ block: core/{block}, config: {config} }}")
}

#[test]
fn what_a_block_would_refuse_is_refused_on_checking() {
    for (block, config, path, words) in [
        ("approval", "{ message: x, approvers: [] }", "approvers", "at least 1"),
        ("approval", "{ message: x, approvers: [{ name: A }], quorum: 2 }", "quorum", "make it 1 to 1"),
        (
            "approval",
            "{ message: x, approvers: [{ name: A }, { name: ' A' }] }",
            "approvers.1.name",
            "there twice",
        ),
        (
            "branch",
            "{ conditions: [{ name: a, when: true }, { name: a, when: true }] }",
            "conditions.1.name",
            "twice",
        ),
        (
            "switch",
            "{ value: 1, cases: [{ name: a, any_of: [1] }, { name: a, any_of: [2] }] }",
            "cases.1.name",
            "twice",
        ),
        ("http-request", "{ url: 'ftp://a.example' }", "url", "https://"),
        ("http-request", "{ url: 'https://a.example', timeout: 10m }", "timeout", "at most 4 minutes"),
        (
            "http-request",
            "{ url: 'https://a.example', token: t, headers: { authorization: x } }",
            "headers.authorization",
            "remove one of them",
        ),
        ("send-email", "{ to: [], subject: x, text: x }", "to", "at least 1"),
        ("send-email", "{ to: [a@b.example], subject: \"x\\ny\", text: x }", "subject", "line break"),
        ("join", "{ wait_for: some }", "count", "how many paths"),
        ("join", "{ wait_for: some, count: 0 }", "count", "at least 1"),
    ] {
        finds(&step(block, config), &format!("steps.first.config.{path}"), words);
    }
}

#[test]
fn s9_a_rule_is_judged_beside_expressions_that_it_does_not_read() {
    let approval = |approvers: &str| {
        let message = "'{{ trigger.message }}'";
        step("approval", &format!("{{ message: {message}, approvers: [{approvers}], quorum: 2 }}"))
    };
    finds(&approval("{ name: A }"), "steps.first.config.quorum", "make it 1 to 1");
    assert_eq!(found(&approval("{ name: '{{ trigger.name }}' }")), [], "it is judged when the step runs");
}

#[test]
fn the_header_of_a_signature_has_the_name_of_a_header() {
    let text = "title: Test\ntrigger:\n  block: core/webhook\n  config: { signature: { scheme: hmac_sha256, header: X Shop, secret: s } }\nsteps: {}";
    let parsed = Definition::parse(text).expect("its form is right");
    let problems = check(&parsed.definition, &built_in());
    let found = problems.iter().find(|problem| problem.path == "trigger.config.signature.header");
    assert!(found.is_some_and(|problem| problem.message.contains("X-Signature")), "{problems:#?}");
}

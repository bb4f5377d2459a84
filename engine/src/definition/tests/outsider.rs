//! Wrong files as somebody writes them who has not read the code: each is refused at its place, with what to do.

use super::built_in;
use crate::definition::{Problem, Source, check};

/// The problems of a file's text, as `stepwell check` finds them.
fn problems(text: &str) -> Vec<Problem> {
    let source = match Source::read(text) {
        Ok(source) => source,
        Err(problems) => return problems,
    };
    let mut problems =
        source.parse().map_or_else(|problems| problems, |parsed| check(&parsed.definition, &built_in()));
    source.locate(&mut problems);
    problems
}

#[track_caller]
fn refused(text: &str, path: &str, words: &str) {
    let problems = problems(text);
    let found = problems.iter().find(|problem| problem.path == path && problem.message.contains(words));
    let found = found.unwrap_or_else(|| panic!("expected {path}: …{words}…, found {problems:#?}\n{text}"));
    assert!(found.line.is_some() && found.column.is_some(), "{found:#?}");
}

/// A workflow of one step, `a`.
fn one(block: &str, config: &str) -> String {
    named("a", block, config)
}

fn named(id: &str, block: &str, config: &str) -> String {
    format!(
        "title: T\ntrigger: {{ block: core/manual, on: {{ started: {id} }} }}\nsteps:\n  {id}: {{ block: core/{block}, config: {config} }}\n"
    )
}

/// A workflow that begins with this trigger.
fn begun(block: &str, config: &str, outcome: &str) -> String {
    format!(
        "title: T\ntrigger: {{ block: core/{block}, config: {config}, on: {{ {outcome}: a }} }}\nsteps:\n  a: {{ block: core/log, config: {{ message: x }} }}\n"
    )
}

#[test]
fn what_these_are_made_of_is_right() {
    assert_eq!(problems(&one("log", "{ message: x }")), []);
    assert_eq!(problems(&begun("manual", "{}", "started")), []);
}

#[test]
fn tags_and_numbers_keep_what_was_written_or_are_refused() {
    for (value, words) in [
        ("!!python/object:os.system { message: x }", "no tags"),
        ("!!set { message }", "no tags"),
        ("!!map [x]", "no tags"),
        ("!x { message: x }", "no tags"),
    ] {
        refused(&one("log", value), "steps.a.config", words);
    }
    for (value, words) in [
        ("!!int \"5\"", "remove the tag, or the quotes"),
        ("!!bool 'yes'", "remove the tag, or the quotes"),
        ("18446744073709551616", "too large"),
        ("-9223372036854775809", "in quotes"),
        ("+99999999999999999999", "too large"),
    ] {
        refused(&one("set", &format!("{{ values: {{ x: {value} }} }}")), "steps.a.config.values.x", words);
    }
    for value in
        ["18446744073709551615", "-9223372036854775808", "!!str 5", "!!map { y: 1 }", "!!seq [1]", "!!int 5"]
    {
        assert_eq!(problems(&one("set", &format!("{{ values: {{ x: {value} }} }}"))), [], "{value}");
    }
}

#[test]
fn a_field_without_a_name_hides_nothing() {
    refused(&one("log", "{ \"\": \"{{ trigger.x }}\" }"), "steps.a.config.message", "is required");
    refused(&one("log", "{ message: x, \"\": \"{{ trigger.x }}\" }"), "steps.a.config.\"\"", "no field ``");
    refused(&one("log", "{ message: x, \"\": x }"), "steps.a.config.\"\"", "no field ``");
    assert_eq!(problems(&one("set", "{ values: { \"\": \"{{ trigger.x }}\" } }")), []);
    refused(
        &begun("manual", "{ inputs: { '': { type: text } } }", "started"),
        "trigger.config.inputs",
        "no name",
    );
}

#[test]
fn the_fields_of_run_and_workflow_are_known() {
    for (expression, words) in [
        ("{{ run.idd }}", "did you mean `id`?"),
        ("{{ workflow.name }}", "known are `id`, `title`, `url`, `version`"),
        ("{{ run }}", "is a map, but this field takes a text"),
        ("{{ workflow.version }}", "is a whole number"),
    ] {
        refused(&one("log", &format!("{{ message: '{expression}' }}")), "steps.a.config.message", words);
    }
    let keyed = |key: &str, trigger: &str| {
        let text = begun("manual", trigger, "started");
        text.replacen("title: T", &format!("title: T\nconcurrency: {{ limit: 1, key: '{key}' }}"), 1)
    };
    let inputs = "{ inputs: { customer: { type: text } } }";
    refused(&keyed("{{ trigger.custmer }}", inputs), "concurrency.key", "did you mean `customer`?");
    refused(&keyed("{{ trigger.customer }}-{{ workflow.nme }}", inputs), "concurrency.key", "known are");
    assert_eq!(problems(&keyed("{{ trigger.customer }}-{{ workflow.id }}", inputs)), []);
    assert_eq!(problems(&keyed("{{ trigger.anything }}", "{}")), []);
}

#[test]
fn a_step_is_not_called_like_a_word_of_expressions() {
    for word in ["and", "or", "not", "in", "is", "if", "else", "none"] {
        refused(&named(word, "log", "{ message: x }"), &format!("steps.{word}"), "word of expressions");
    }
}

#[test]
fn a_whole_number_is_written_as_one() {
    let count = "{ wait_for: some, count: 1e2 }";
    refused(&one("join", count), "steps.a.config.count", "without a point");
    let bytes = "{ url: 'https://x.example', max_bytes: 100.0 }";
    refused(&one("http-request", bytes), "steps.a.config.max_bytes", "the filter `int`");
}

#[test]
fn a_map_with_names_of_its_own_form_names_the_wrong_one() {
    let statuses = "{ url: 'https://x.example', statuses: { 404: ok, 600: ok } }";
    refused(&one("http-request", statuses), "steps.a.config.statuses.600", "The name `600` must match");
}

#[test]
fn what_could_never_work_is_refused() {
    for id in ["''", "' '", "a b", "a/b", "é"] {
        refused(&one("call-workflow", &format!("{{ workflow: {id} }}")), "steps.a.config.workflow", "no id");
    }
    for url in ["javascript:alert(1)", "file:///etc/passwd", "mailto:ada@example.com"] {
        refused(&one("http-request", &format!("{{ url: '{url}' }}")), "steps.a.config.url", "a URL in full");
    }
    let framed = "{ url: 'https://x.example', headers: { Content-Length: '5' } }";
    refused(&one("http-request", framed), "steps.a.config.headers.Content-Length", "follows from the body");
    refused(&one("branch", "{ conditions: [] }"), "steps.a.config.conditions", "nothing to choose");
    refused(&one("switch", "{ value: 1, cases: [] }"), "steps.a.config.cases", "nothing to choose");
    refused(&one("for-each", "{ items: [1], concurrency: 0 }"), "steps.a.config.concurrency", "at least 1");
    let nobody = "{ message: x, approvers: [{ name: A }, { name: ' ' }] }";
    refused(&one("approval", nobody), "steps.a.config.approvers.1.name", "has no name");
    refused(
        &one("send-email", "{ to: [x], subject: x, text: x }"),
        "steps.a.config.to.0",
        "The item must be an email",
    );
    let unsigned = "{ signature: { scheme: github, secret: '' } }";
    refused(&begun("webhook", unsigned, "received"), "trigger.config.signature.secret", "anybody could sign");
    let listed = "{ when: { kind: cron, expression: '1,2,,3 * * * *' } }";
    refused(&begun("schedule", listed, "due"), "trigger.config.when.expression", "an empty part");
}

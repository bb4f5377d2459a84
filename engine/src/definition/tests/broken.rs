//! Every workflow of the documentation, broken at every place in every way that fits the place: each is refused with a
//! path that names the place. What may stay right, or is felt elsewhere, is listed with its reason.

use serde_json::{Map, Value, json};

use super::{built_in, schema_errors};
use crate::definition::{Catalog, Definition, Problem, check};

/// What a person may write at will, below a config: any value under any name.
const FREE: [&str; 6] = ["values", "query", "value", "any_of", "data", "result"];

/// A broken definition.
struct Broken {
    how: String,
    /// The path that a problem must name.
    path: String,
    definition: Value,
}

/// The texts of the documented workflows, of an example, and one with what they lack.
fn texts() -> Vec<&'static str> {
    let page = include_str!("../../../../docs/workflows.md");
    let files = page.split("```yaml\n").skip(1).filter_map(|file| Some(file.split_once("```")?.0));
    let spending = include_str!("../../../../examples/workflows/spending.yaml");
    let rich = "
id: rich
title: Rich
description: All that a file can say
concurrency: { limit: 5, key: '{{ trigger.body.customer }}' }
time_limit: 2h
on_error: [tell, note]
trigger: { block: core/webhook, config: {}, on: { received: [call, wait] } }
steps:
  call:
    block: core/http-request
    config:
      method: POST
      url: 'https://example.com/{{ trigger.body.id }}'
      body: { kind: json, value: { id: '{{ trigger.body.id }}' } }
    retry: { attempts: 3, first_delay: 2s, longest_delay: 1m }
    deadline: 7d
    on: { ok: meet, refused: meet, deadline: end, error: end }
  wait:
    block: core/wait-for-callback
    config: { what_for: 'an answer for {{ trigger.body.id }}' }
    on: { received: meet }
  meet:
    block: core/join
    config: { wait_for: some, count: 2 }
    on: { done: pause, too_few: end }
  pause: { block: core/delay, config: { duration: 5m }, on: { elapsed: only } }
  only: { block: core/filter, config: { condition: '{{ meet.arrived | length > 1 }}' }, on: { passed: stop } }
  stop: { block: core/stop, config: { result: done } }
  tell: { block: core/log, config: { message: '{{ error.message }}' } }
  note: { block: core/log, config: { message: 'Run {{ run.id }} of {{ workflow.title }}' } }
";
    files.chain([spending, rich]).collect()
}

/// The same, read.
fn right() -> Vec<Value> {
    let parsed = texts().into_iter().map(|file| {
        let source =
            crate::definition::Source::read(file).unwrap_or_else(|problems| panic!("{problems:#?}\n{file}"));
        source.value()
    });
    parsed.collect()
}

fn problems(definition: &Value, catalog: &Catalog) -> Vec<Problem> {
    match Definition::from_value(definition) {
        Ok(parsed) => check(&parsed.definition, catalog),
        Err(problems) => problems,
    }
}

/// The pointers to all values below a value, and to those of maps the names.
fn places(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    let below = children.into_iter().flat_map(|(name, child)| {
        let deeper = places(child).into_iter().map(|place| format!("/{name}{place}")).collect::<Vec<_>>();
        [format!("/{name}")].into_iter().chain(deeper)
    });
    below.collect()
}

/// A definition and the places in it.
struct Subject<'a> {
    definition: &'a Value,
    broken: Vec<Broken>,
}

impl Subject<'_> {
    fn breaks(&mut self, how: &str, place: &str, path: &str, change: impl FnOnce(&mut Value)) {
        let mut definition = self.definition.clone();
        change(&mut definition);
        let (how, path) = (format!("{} {place} {how}", self.definition["title"]), path.to_owned());
        self.broken.push(Broken { how, path, definition });
    }

    fn sets(&mut self, place: &str, value: &Value) {
        let how = format!("= {value}");
        self.breaks(&how, place, &dotted(place), |definition| {
            if let Some(target) = definition.pointer_mut(place) {
                target.clone_from(value);
            }
        });
    }
}

fn dotted(place: &str) -> String {
    place.trim_start_matches('/').replace('/', ".")
}

/// The map that a place lies in, and its name there.
fn parent<'v>(definition: &'v mut Value, place: &str) -> (&'v mut Map<String, Value>, String) {
    let (above, name) = place.rsplit_once('/').expect("a place is a pointer");
    let above = definition.pointer_mut(above).and_then(Value::as_object_mut).expect("the place is in a map");
    (above, name.to_owned())
}

/// Whether anything may stand at a place.
fn is_free(place: &str) -> bool {
    let names: Vec<_> = place.split('/').collect();
    let config = names.iter().position(|name| *name == "config");
    config.is_some_and(|config| names[config..].iter().any(|name| FREE.contains(name)))
}

/// Every way in which a definition is broken.
fn broken(definition: &Value, catalog: &Catalog) -> Vec<Broken> {
    let mut subject = Subject { definition, broken: Vec::new() };
    for place in places(definition) {
        let value = definition.pointer(&place).expect("a place is there");
        names(&mut subject, &place, catalog);
        values(&mut subject, &place, value);
        if place.ends_with("/on") || place == "/on_error" || place.contains("/on/") {
            edges(&mut subject, &place, value);
        }
    }
    let missing = json!({ "no_such_outcome": "end" });
    for (id, step) in definition["steps"].as_object().into_iter().flatten() {
        let place = format!("/steps/{id}");
        // Who leads to it is told that it is not there any more.
        let leads_to_it = |place: &String| {
            definition.pointer(place).is_some_and(|value| value == id)
                && (place.contains("/on/") || place.starts_with("/on_error"))
        };
        if let Some(edge) = places(definition).into_iter().find(leads_to_it) {
            let edge = dotted(&edge);
            let edge = edge.trim_end_matches(|end: char| end.is_ascii_digit() || end == '.');
            subject.breaks("has another name", &place, edge, |broken| {
                let steps = broken["steps"].as_object_mut().expect("there are steps");
                let step = steps.shift_remove(id).expect("the step is there");
                steps.insert(format!("{id}_renamed"), step);
            });
        }
        // `on` may be missing, so that what is added makes it.
        subject.breaks(
            "has an unknown outcome",
            &place,
            &format!("steps.{id}.on.no_such_outcome"),
            |broken| {
                let mut on = step.get("on").cloned().unwrap_or_else(|| json!({}));
                on["no_such_outcome"] = missing["no_such_outcome"].clone();
                broken["steps"][id]["on"] = on;
            },
        );
        for (name, value) in [("deadline", "soon"), ("retry", "often"), ("on", "end")] {
            subject.breaks("has a wrong field", &place, &format!("steps.{id}.{name}"), |broken| {
                broken["steps"][id][name] = json!(value);
            });
        }
        if step["on"]
            .as_object()
            .is_some_and(|on| on.keys().any(|id| !matches!(id.as_str(), "deadline" | "error")))
        {
            subject.breaks("leads to itself", &place, &format!("steps.{id}"), |broken| {
                let on = broken["steps"][id]["on"].as_object_mut().expect("there are edges");
                let first = on.keys().next().cloned().expect("there are edges");
                on.insert(first, json!(id));
            });
        }
    }
    subject.broken
}

/// Drops and renames.
fn names(subject: &mut Subject<'_>, place: &str, catalog: &Catalog) {
    let (above, name) = place.rsplit_once('/').expect("a place is a pointer");
    let Some(Value::Object(_)) = subject.definition.pointer(above) else { return };
    let is_required = matches!(place, "/title" | "/trigger" | "/trigger/block" | "/concurrency/limit")
        || place.starts_with("/steps/") && place.ends_with("/block") && place.matches('/').count() == 3
        || is_required_field(subject.definition, place, catalog);
    if is_required {
        subject.breaks("dropped", place, &dotted(place), |definition| {
            let (above, name) = parent(definition, place);
            above.shift_remove(&name);
        });
    }
    // Names of steps and outcomes are broken as edges; free names are right, and inputs and headers are named by their
    // author.
    let is_step = above == "/steps";
    let is_named_freely = ["/trigger/config/inputs", "/trigger/config/response/headers"].contains(&above);
    if !is_step && !is_named_freely && !is_free(place) {
        subject.breaks("misspelled", place, &format!("{}q", dotted(place)), |definition| {
            let (above, name) = parent(definition, place);
            let value = above.shift_remove(&name).expect("the field is there");
            above.insert(format!("{name}q"), value);
        });
    }
    if is_step {
        subject.breaks(
            "called what no step may be called",
            place,
            &format!("steps.No {name}"),
            |definition| {
                let (above, name) = parent(definition, place);
                let value = above.shift_remove(&name).expect("the step is there");
                above.insert(format!("No {name}"), value);
            },
        );
    }
}

/// Whether the block's schema requires a field of the config.
fn is_required_field(definition: &Value, place: &str, catalog: &Catalog) -> bool {
    let Some((instance, field)) = place.split_once("/config/") else { return false };
    let block = definition.pointer(instance).and_then(|instance| instance["block"].as_str());
    let manifest = block.and_then(|block| catalog.get(block)).map(|block| &block.manifest);
    let required = manifest.and_then(|manifest| manifest.config.get("required")).and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|name| name == field))
}

/// Wrong values.
fn values(subject: &mut Subject<'_>, place: &str, value: &Value) {
    let name = place.rsplit('/').next().unwrap_or_default();
    if name == "block" {
        for wrong in [json!("core/no-such-block"), json!(""), json!(1), json!({})] {
            subject.sets(place, &wrong);
        }
        return;
    }
    if ["deadline", "time_limit", "first_delay", "longest_delay", "duration"].contains(&name)
        && value.is_string()
    {
        for wrong in ["", "soon", "0s", "-5m", "7", "1 fortnight"] {
            subject.sets(place, &json!(wrong));
        }
    }
    // A text may hold an expression wherever an expression makes sense, wrong ones are wrong everywhere.
    let holds_expressions =
        place.contains("/config/") && place.starts_with("/steps/") || place == "/concurrency/key";
    if value.is_string() && holds_expressions {
        let broken = [
            "{{ 1 + }}",
            "{{ trigger.x",
            "x {{ }}",
            "{% if x %}",
            "{{ no_such_variable }}",
            "{{ trigger | no_such_filter }}",
            "{{ no_such_function() }}",
            "{{ run.id is no_such_test }}",
        ];
        for wrong in broken {
            subject.sets(place, &json!(wrong));
        }
    }
    if is_free(place) {
        return;
    }
    let wrong = match value {
        Value::String(_) => vec![json!(true), json!(7.5), json!([[]]), json!({ "no_such_field": 1 })],
        Value::Number(_) => {
            vec![json!("x y"), json!(true), json!([]), json!({}), json!(-1), json!(0.5), json!(1e30)]
        }
        Value::Bool(_) => vec![json!("x y"), json!(7), json!([]), json!({})],
        Value::Array(_) => vec![json!(true), json!(7), json!({ "no_such_field": 1 })],
        Value::Object(_) => vec![json!(true), json!(7), json!("x y"), json!([1])],
        Value::Null => Vec::new(),
    };
    for wrong in wrong {
        subject.sets(place, &wrong);
    }
}

/// Edges to what is not there, or too often.
fn edges(subject: &mut Subject<'_>, place: &str, value: &Value) {
    if place.ends_with("/on") || value.is_object() {
        return;
    }
    subject.sets(place, &json!("no_such_step"));
    if value.is_array()
        || value == "end"
        || place.rsplit('/').next().is_some_and(|name| name.parse::<usize>().is_ok())
    {
        return;
    }
    subject.breaks("lists a step twice", place, &format!("{}.1", dotted(place)), |definition| {
        *definition.pointer_mut(place).expect("a place is there") = json!([value, value]);
    });
    subject.breaks("has `end` beside a step", place, &format!("{}.1", dotted(place)), |definition| {
        *definition.pointer_mut(place).expect("a place is there") = json!([value, "end"]);
    });
}

/// Breaks that are right all the same, by how they end, and why.
const STILL_RIGHT: [(&str, &str); 5] = [
    ("/config/duration = \"0s\"", "a pause may be none"),
    ("/config/items = [[]]", "a list is of any items"),
    ("/config/until = true", "a loop may end after its first round"),
    ("/config/condition = true", "a condition may hold always"),
    ("/when = true", "a condition may hold always"),
];

#[test]
fn every_break_of_every_documented_workflow_is_refused_with_its_place() {
    let catalog = built_in();
    let (mut refused, mut seen_by_schema, mut excused) = (0, 0, 0);
    let mut wrong = Vec::new();
    for definition in right() {
        assert_eq!(problems(&definition, &catalog), [], "{definition:#}");
        assert_eq!(schema_errors(&definition), [""; 0], "{definition:#}");
        for Broken { how, path, definition } in broken(&definition, &catalog) {
            let problems = problems(&definition, &catalog);
            let errors = schema_errors(&definition);
            seen_by_schema += usize::from(!errors.is_empty());
            if problems.is_empty() {
                if STILL_RIGHT.iter().any(|(end, _)| how.ends_with(end)) {
                    excused += 1;
                } else {
                    wrong.push(format!("{how}: not refused"));
                }
                if !errors.is_empty() {
                    wrong.push(format!("{how}: only the schema refuses it: {errors:?}"));
                }
                continue;
            }
            refused += 1;
            let names_it = |problem: &Problem| {
                let found = problem.path.as_str();
                let within = |outer: &str, inner: &str| {
                    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                // A tag that is misspelled is missed under its own name.
                let right_name = path.strip_suffix('q').filter(|_| how.ends_with("misspelled"));
                let above = found.contains('.') && within(found, &path);
                found == path || within(&path, found) || above || right_name == Some(found)
            };
            // What is wrong in an expression is told with its place in the text.
            let is_placed = |problem: &Problem| problem.at.is_some() || !how.contains("{{ no_such");
            if !problems.iter().any(|problem| names_it(problem) && is_placed(problem)) {
                wrong.push(format!("{how}: expected {path}, found {problems:#?}"));
            }
            assert!(problems.iter().all(|problem| !problem.message.is_empty()), "{how}");
        }
    }
    assert!(wrong.is_empty(), "{} of {refused}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        refused > 1_000 && seen_by_schema > 500 && excused < 40,
        "{refused}, {seen_by_schema}, {excused}"
    );
}

#[test]
fn every_field_of_every_documented_workflow_is_refused_where_it_stands_twice() {
    let mut refused = 0;
    for text in texts() {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            // A field with its value on one line, at any depth.
            let Some((name, value)) = line.trim_start().split_once(": ") else { continue };
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let balanced = |open, close| value.matches(open).count() == value.matches(close).count();
            if !is_name || value.ends_with('|') || !balanced('{', '}') || !balanced('[', ']') {
                continue;
            }
            let twice = [&lines[..=index], &lines[index..]].concat().join("\n");
            let Err(problems) = Definition::parse(&twice) else { panic!("not refused:\n{twice}") };
            let second = index + 2;
            let is_told = |problem: &Problem| {
                problem.path.rsplit('.').next() == Some(name) && problem.line == Some(second)
            };
            assert!(problems.iter().any(is_told), "line {second}: {problems:#?}\n{twice}");
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn right_files_are_not_refused() {
    let catalog = built_in();
    let flow = |rest: &str| {
        format!("title: Flow\ntrigger: {{ block: core/manual, on: {{ started: first }} }}\n{rest}")
    };
    let log = "core/log, config: { message: x }";
    let files = [
        "title: Alone\ntrigger: { block: core/manual }\n".to_owned(),
        "title: Alone\ntrigger: { block: core/manual, config: null, on: {} }\nsteps: {}\n".to_owned(),
        "# a comment\n---\ntitle: 'Quoted: it''s'\ntrigger: { block: \"core/manual\" }\n...\n".to_owned(),
        r#"{"title":"J\u00e4","trigger":{"block":"core/manual","on":{"started":"end"}},"steps":{}}"#
            .to_owned(),
        flow(&format!("steps: {{ first: {{ block: {log} }} }}\n")),
        flow(&format!("steps: {{ first: {{ block: {log}, on: {{ done: [] }} }} }}\n")),
        flow(&format!(
            "steps: {{ first: {{ block: {log}, on: {{ done: [last], error: last }} }}, last: {{ block: {log} }} }}\n"
        )),
        flow(&format!(
            "time_limit: P1DT12H\nsteps: {{ first: {{ block: {log}, deadline: 1h 30m, on: {{ deadline: end }} }} }}\n"
        )),
        flow(&format!("steps: {{ first: {{ block: {log}, retry: {{}} }} }}\n")),
        flow("x-log: 1\nsteps: {}\n")
            .replace("x-log: 1\n", "")
            .replace("on: { started: first }", "config: {}"),
        flow(
            "steps:\n  first:\n    block: core/log\n    config:\n      message: |\n        one {{ trigger.a | default('x', true) }}\n        two\n",
        ),
        flow(
            "steps:\n  first: &log { block: core/log, config: { message: x } , on: { done: other } }\n  other: { block: core/log, config: { message: >-\n      folded\n      text } }\n",
        ),
        flow(
            "steps:\n  first:\n    block: core/for-each\n    config: { items: [1, two, { three: 3 }], concurrency: '{{ trigger.many }}' }\n    on: { each: inside }\n  inside: { block: core/set, config: { values: { a: null, b: [1.5, true], 'two words': '{{ first.item }}' } } }\n",
        ),
        flow("steps:\n  first:\n    block: core/delay\n    config: { duration: '{{ trigger.minutes }}m' }\n"),
        flow(
            "steps:\n  first:\n    block: core/http-request\n    config: { url: 'https://{{ trigger.host }}/a b?c={{ trigger.c | urlencode }}', headers: { X-Test: '1' } }\n",
        ),
        flow(
            "steps:\n  first:\n    block: core/http-request\n    config: { url: https://müller.example:8443/a?b#c }\n",
        ),
    ];
    for file in files {
        let parsed = Definition::parse(&file).unwrap_or_else(|problems| panic!("{problems:#?}\n{file}"));
        assert_eq!(check(&parsed.definition, &catalog), [], "{file}");
        let value = crate::definition::Source::read(&file).ok().unwrap().value();
        assert_eq!(schema_errors(&value), [""; 0], "{file}");
        assert_eq!(
            Definition::parse(&parsed.definition.to_file("flow")).unwrap().definition,
            parsed.definition,
            "{file}"
        );
    }
}

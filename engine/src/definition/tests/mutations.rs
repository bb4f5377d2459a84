//! Right definitions, broken in many ways: each is refused at or above the place of the break, or is still right.

use std::fmt::Write as _;

use schemars::json_schema;
use serde_json::{Value, json};
use stepwell::manifest::{App, BlockKind, BlockManifest, MANIFEST_FORMAT, Manifest};
use stepwell::outcome::OutcomeDescription;

use crate::definition::{Catalog, Definition, Problem, check};

fn catalog() -> Catalog {
    let data = json_schema!({
        "type": "object",
        "properties": {
            "title": { "type": "string" },
            "count": { "type": "integer" },
            "note": { "type": ["string", "null"] },
            "labels": { "type": "array", "items": { "type": "string" } },
            "owner": { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
        },
        "required": ["title", "count", "note", "labels", "owner"],
    });
    let config = json_schema!({
        "type": "object",
        "properties": {
            "text": { "type": "string" },
            "number": { "type": "integer" },
            "maybe": { "type": ["string", "null"] },
            "list": { "type": "array", "items": { "type": "string" } },
        },
        "required": ["text"],
        "additionalProperties": false,
    });
    let block = |id: &str, kind, outcomes: &[&str]| {
        let outcomes = outcomes
            .iter()
            .map(|&id| OutcomeDescription { schema: Some(data.clone()), ..OutcomeDescription::new(id, id) });
        BlockManifest::new(id, kind, config.clone(), outcomes.collect())
    };
    let blocks = vec![
        block("test/event", BlockKind::Trigger, &["happened"]),
        block("test/act", BlockKind::Step, &["done", "failed"]),
    ];
    Catalog::new(&Manifest { format: MANIFEST_FORMAT, apps: vec![App { blocks, ..App::new("test", "1") }] })
        .unwrap()
}

/// A workflow in which everything is needed.
fn right() -> Value {
    json!({
        "title": "Right",
        "trigger": { "block": "test/event", "config": { "text": "x" }, "on": { "happened": "find" } },
        "steps": {
            "find": {
                "block": "test/act",
                "config": {
                    "text": "{{ trigger.title }}", "number": "{{ trigger.count }}", "maybe": "{{ trigger.note }}",
                    "list": "{{ trigger.labels }}",
                },
                "retry": { "attempts": 3, "first_delay": "2s" },
                "deadline": "7d",
                "on": { "done": "tell", "failed": "end", "deadline": "warn" },
            },
            "tell": {
                "block": "test/act",
                "config": { "text": "Hi {{ find.owner.name | upper }}, {{ trigger.labels[0] }}", "list": ["a"] },
                "on": { "done": "finish_up", "failed": "end" },
            },
            "warn": { "block": "test/act", "config": { "text": "late" }, "on": { "done": "end" } },
            "finish_up": { "block": "test/act", "config": { "text": "{{ tell.title }}", "number": 3 } },
        },
    })
}

fn problems(definition: &Value) -> Vec<Problem> {
    match Definition::from_value(definition) {
        Ok(parsed) => check(&parsed.definition, &catalog()),
        Err(problems) => problems,
    }
}

#[track_caller]
fn refused(pointer: &str, value: Value, path: &str, words: &str) {
    let mut definition = right();
    *definition.pointer_mut(pointer).expect(pointer) = value;
    let problems = problems(&definition);
    assert!(
        problems.iter().any(|problem| problem.path == path && problem.message.contains(words)),
        "{path}: …{words}…, found {problems:#?}"
    );
}

#[test]
fn what_an_expression_reads_must_be_there_and_fit_the_field() {
    assert_eq!(problems(&right()), []);
    let text = ("/steps/find/config/text", "steps.find.config.text");
    refused(text.0, json!("{{ trigger.tilte }}"), text.1, "did you mean `title`?");
    refused(text.0, json!("Hi {{ trigger.owner.nam }}"), text.1, "did you mean `name`?");
    refused(text.0, json!("{{ trigger.title.deep }}"), text.1, "There is no field in `trigger.title`");
    refused(text.0, json!("{{ trigger.count }}"), text.1, "is a whole number, but this field takes a text");
    refused(text.0, json!("{{ trigger.owner }}"), text.1, "is a map");
    refused(text.0, json!("{{ trigger.note }}"), text.1, "may be missing");
    refused(text.0, json!("Hi {{ trigger.note }}"), text.1, "may be missing");
    refused(
        "/steps/find/config/list",
        json!("{{ trigger.title }}"),
        "steps.find.config.list",
        "takes a list",
    );
    refused(
        "/steps/tell/config/list/0",
        json!("{{ find.count }}"),
        "steps.tell.config.list.0",
        "takes a text",
    );
}

#[test]
fn an_error_handler_reads_what_has_started_the_run() {
    let handled = |text: &str| {
        let mut definition = right();
        definition["on_error"] = json!("sorry");
        definition["steps"]["sorry"] = json!({ "block": "test/act", "config": { "text": text } });
        problems(&definition)
    };
    assert_eq!(handled("{{ trigger.title }}"), []);
    let problems = handled("{{ trigger.tilte }}");
    assert!(problems.len() == 1 && problems[0].message.contains("did you mean `title`?"), "{problems:#?}");
}

/// A sequence of numbers that is the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

/// The pointers to all values below a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        _ => Vec::new(),
    };
    for (name, child) in children {
        let pointer = format!("{at}/{name}");
        pointers(child, &pointer, found);
        found.push(pointer);
    }
}

/// Breaks the value at a pointer in one of many ways, and says how.
fn mutate(definition: &mut Value, pointer: &str, numbers: &mut Numbers) -> String {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut how = pointer.to_owned();
    match numbers.below(6) {
        0 => {
            let _ = write!(how, " dropped");
            match definition.pointer_mut(parent).unwrap() {
                Value::Object(fields) => drop(fields.shift_remove(name)),
                Value::Array(items) => drop(items.remove(name.parse().unwrap())),
                _ => unreachable!("a value with a child"),
            }
        }
        1 => {
            let others =
                [json!(null), json!(true), json!(-1), json!([]), json!({}), json!([[{}]]), json!(1.5)];
            let other = others[numbers.below(others.len())].clone();
            let _ = write!(how, " = {other}");
            *definition.pointer_mut(pointer).unwrap() = other;
        }
        2 | 3 => {
            let value = definition.pointer_mut(pointer).unwrap();
            if let Value::String(text) = value {
                let at = numbers.below(text.len());
                text.remove(at);
                let _ = write!(how, " = {text}");
            } else if let Some(Value::Object(fields)) = definition.pointer_mut(parent)
                && let Some(value) = fields.shift_remove(name)
            {
                let _ = write!(how, " misspelled");
                fields.insert(format!("{name}q"), value);
            }
        }
        4 => {
            let mut deep = json!("x");
            for _ in 0..200 {
                deep = json!([deep]);
            }
            let _ = write!(how, " nested deeply");
            *definition.pointer_mut(pointer).unwrap() = deep;
        }
        _ => {
            let steps = ["find", "tell", "warn", "finish_up", "nobody"];
            let step = steps[numbers.below(steps.len())];
            let _ = write!(how, " = {step}");
            *definition.pointer_mut(pointer).unwrap() = json!(step);
        }
    }
    how
}

#[test]
fn a_broken_definition_is_refused_or_reads_back_as_it_is() {
    let mut places = Vec::new();
    pointers(&right(), "", &mut places);
    let mut numbers = Numbers(7);
    let (mut refused, mut fine, mut far) = (0, 0, Vec::new());
    for _ in 0..600 {
        let mut definition = right();
        let place = places[numbers.below(places.len())].clone();
        let how = mutate(&mut definition, &place, &mut numbers);
        let problems = problems(&definition);
        if problems.is_empty() {
            // Still right: it reads back as the same, and so a check of what is kept agrees.
            let parsed = Definition::from_value(&definition).unwrap().definition;
            let again = Definition::from_value(&parsed.to_value()).unwrap().definition;
            assert_eq!(again, parsed, "{how}");
            fine += 1;
            continue;
        }
        refused += 1;
        // A break of the graph is felt by the steps that it no longer leads to, and by those that read them.
        // A deadline and its edge need each other.
        let of_graph =
            place.contains("/on") || place.matches('/').count() <= 2 || place.ends_with("/deadline");
        let path = place[1..].replace('/', ".");
        let near = problems.iter().any(|problem| {
            let other = problem.path.as_str();
            other.is_empty() || path.starts_with(other) || other.starts_with(&path)
        });
        if !near && !of_graph {
            far.push(format!("{how}: {problems:#?}"));
        }
        assert!(problems.iter().all(|problem| !problem.message.is_empty()), "{how}");
    }
    assert!(far.is_empty(), "{}", far.join("\n"));
    assert!(refused > 300 && fine > 10, "{refused} refused, {fine} fine");
}

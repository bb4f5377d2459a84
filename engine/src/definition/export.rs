//! A workflow as a file: what stands there for secrets, and what a file that has it means.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::parse::join;
use super::{Definition, Problem, Source};
use crate::secrets::{SEALED, visit_sealed};

/// What stands for a secret that is stored: `{"$secret": "stored"}`.
const STORED: &str = "stored";

impl Definition {
    /// The definition as a file in YAML, the same text for the same definition. A sealed secret is
    /// `{"$secret": "stored"}`. Where a text has line breaks that writers of YAML get wrong, such as U+2028, the file
    /// is in JSON, which is YAML too.
    pub fn to_file(&self, id: &str) -> String {
        let value = self.to_export(id);
        let yaml = serde_yaml_ng::to_string(&value).ok();
        let right = yaml.filter(|yaml| Source::read(yaml).is_ok_and(|source| source.value() == value));
        right.unwrap_or_else(|| format!("{value:#}\n"))
    }

    fn to_export(&self, id: &str) -> Value {
        let mut definition = self.clone();
        for (_, _, config) in definition.configs_mut() {
            visit_sealed(config, &mut |_, secret| *secret = json!({ SEALED: STORED }));
        }
        let mut value = json!({ "id": id });
        if let (Value::Object(fields), Value::Object(others)) = (&mut value, definition.to_value()) {
            fields.extend(others);
        }
        value
    }

    /// Puts the secrets of the stored draft where the definition says `{"$secret": "stored"}`: that of the same
    /// field of the same instance of the same block. An item of a list keeps its secrets only if it is otherwise as
    /// it was, so that none moves to another item.
    ///
    /// # Errors
    ///
    /// Each field for which no secret is stored.
    pub fn restore_secrets(&mut self, stored: Option<&Self>) -> Result<(), Vec<Problem>> {
        let mut stored = stored.cloned();
        let mut stored: Vec<_> = stored.iter_mut().flat_map(Self::configs_mut).collect();
        let mut problems = Vec::new();
        for (place, block, config) in self.configs_mut() {
            let before = config.clone();
            let mut kept = HashMap::new();
            if let Some((_, _, earlier)) =
                stored.iter_mut().find(|(at, same, _)| *at == place && *same == block)
            {
                let was = earlier.clone();
                visit_sealed(earlier, &mut |path, secret| {
                    if secret[SEALED] != STORED && same_items(&before, &was, path) {
                        kept.insert(path.to_owned(), secret.take());
                    }
                });
            }
            visit_sealed(config, &mut |path, secret| {
                if secret[SEALED] != STORED {
                    return;
                }
                match kept.remove(path) {
                    Some(sealed) => *secret = sealed,
                    None => problems.push(Problem::new(
                        join(&join(&place, "config"), path),
                        "No secret is stored for this field; write the secret itself",
                    )),
                }
            });
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The configs of all instances, each with its path and its block.
    pub(crate) fn configs_mut(&mut self) -> Vec<(String, String, &mut Value)> {
        let trigger = &mut self.trigger;
        let first = ("trigger".to_owned(), trigger.block.clone(), &mut trigger.config);
        let steps = self.steps.iter_mut();
        let steps = steps.map(|(id, step)| (format!("steps.{id}"), step.block.clone(), &mut step.config));
        [first].into_iter().chain(steps).collect()
    }
}

/// Whether the items of lists that a path leads through are the same in both configs, but for their secrets.
fn same_items(config: &Value, other: &Value, path: &str) -> bool {
    let mut parent = String::new();
    path.split('.').all(|name| {
        let in_list = at(config, &parent).is_some_and(Value::is_array);
        parent = join(&parent, name);
        !in_list || at(config, &parent).map(without_secrets) == at(other, &parent).map(without_secrets)
    })
}

fn without_secrets(value: &Value) -> Value {
    let mut value = value.clone();
    visit_sealed(&mut value, &mut |_, secret| *secret = Value::Null);
    value
}

fn at<'v>(config: &'v Value, path: &str) -> Option<&'v Value> {
    config.pointer(&pointer(path))
}

fn pointer(path: &str) -> String {
    let names = path.split('.').filter(|name| !name.is_empty());
    names.fold(String::new(), |pointer, name| pointer + "/" + &name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn definition(config: &Value) -> Definition {
        let value = json!({
            "title": "Flow", "steps": { "call": { "block": "app/call", "config": config } },
            "trigger": { "block": "app/event", "on": { "happened": "call" } },
        });
        Definition::from_value(&value).unwrap().definition
    }

    fn read(file: &str) -> Definition {
        Definition::parse(file).unwrap_or_else(|problems| panic!("{problems:?}\n{file}")).definition
    }

    #[test]
    fn an_export_shows_no_secret_and_means_the_one_that_is_stored() {
        let stored = definition(&json!({ "auth": { "token": { "$secret": "c2VhbGVk" } }, "note": "x" }));
        let file = stored.to_file("flow");
        assert!(file.starts_with("id: flow\ntitle: Flow\n") && !file.contains("c2VhbGVk"), "{file}");
        assert_eq!(Definition::parse(&file).unwrap().id.as_deref(), Some("flow"));
        let mut applied = read(&file);
        assert_eq!(applied.restore_secrets(Some(&stored)), Ok(()));
        assert_eq!(applied, stored);
        assert_eq!(applied.to_file("flow"), file);
    }

    #[test]
    fn a_secret_that_is_not_stored_is_asked_for() {
        let config = |secret: &Value| json!({ "auth": { "token": secret } });
        let placeholder = definition(&config(&json!({ "$secret": "stored" })));
        let mut other = definition(&config(&json!({ "$secret": "c2VhbGVk" })));
        other.steps[0].block = "app/other".into();
        for stored in [None, Some(&other), Some(&definition(&config(&json!("clear")))), Some(&placeholder)] {
            let problems = placeholder.clone().restore_secrets(stored).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].path, "steps.call.config.auth.token");
        }
    }

    #[test]
    fn no_secret_moves_to_another_item_of_a_list() {
        let config = |first: &str, second: &str, secrets: [&str; 2]| {
            json!({ "headers": [
                { "name": first, "value": { "$secret": secrets[0] } },
                { "name": second, "value": { "$secret": secrets[1] } },
            ] })
        };
        let stored = definition(&config("a", "b", ["MQ==", "Mg=="]));
        let mut same = definition(&config("a", "b", ["stored"; 2]));
        assert_eq!(same.restore_secrets(Some(&stored)), Ok(()));
        assert_eq!(same, stored);
        let mut turned = definition(&config("b", "a", ["stored"; 2]));
        assert_eq!(turned.restore_secrets(Some(&stored)).unwrap_err().len(), 2);
        let mut renamed = definition(&config("a", "c", ["stored"; 2]));
        let problems = renamed.restore_secrets(Some(&stored)).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].path, "steps.call.config.headers.1.value");
    }

    /// Texts that a writer of YAML may get wrong.
    const TRICKY: &[&str] = &[
        "",
        "~",
        "null",
        "Null",
        "true",
        "True",
        "yes",
        "off",
        "on",
        "1",
        "-1",
        "+1",
        "007",
        "0x1F",
        "0o17",
        "0b1",
        "1_000",
        "1e3",
        ".5",
        ".inf",
        ".NaN",
        "-",
        "?",
        ":",
        "#",
        "# a",
        "a #b",
        "a: b",
        "a:",
        "- a",
        "{{ a.b }}",
        "Hi {{ a }}: b",
        "[a]",
        "{a}",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        "\"",
        "it's",
        " a",
        "a ",
        "a\n",
        "\na",
        "a\n\nb",
        "a\n b\n",
        " a\nb",
        "\t",
        "a\tb",
        "\r",
        "a\r\nb",
        "---",
        "...",
        "--- a",
        "<<",
        "=",
        "2026-01-31",
        "12:30",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{feff}",
        "\u{2028}",
        "😀",
        "a\\nb",
    ];

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![proptest::sample::select(TRICKY).prop_map(str::to_owned), "\\PC{0,12}", "(.|\n){0,12}"]
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()).prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                fields(inner).prop_map(Value::from),
            ]
        })
    }

    fn fields(of: impl Strategy<Value = Value>) -> impl Strategy<Value = serde_json::Map<String, Value>> {
        proptest::collection::vec((text(), of), 0..4).prop_map(|fields| fields.into_iter().collect())
    }

    prop_compose! {
        fn step()(
            block in text(), connection in proptest::option::of("[a-z]{1,4}"), config in fields(value()), deadline in proptest::option::of(1..u64::from(u32::MAX)),
            retry in proptest::option::of((1..100_u32, 1..100_000_u64)),
            on in proptest::collection::vec((text(), proptest::collection::vec("[a-d]", 0..3)), 0..3),
        ) -> Value {
            let on = on.into_iter().map(|(outcome, mut steps)| {
                steps.dedup();
                steps.truncate(if steps.first() == steps.last() { 1 } else { 3 });
                (outcome, if steps.is_empty() { json!("end") } else { json!(steps) })
            });
            let mut step = json!({ "block": block, "config": config, "on": on.collect::<serde_json::Map<_, _>>() });
            if let Some(connection) = connection {
                step["connection"] = json!(connection);
            }
            if let Some(deadline) = deadline {
                step["deadline"] = json!(format!("{deadline}ms"));
            }
            if let Some((attempts, delay)) = retry {
                step["retry"] = json!({ "attempts": attempts, "first_delay": format!("{delay}ms") });
            }
            step
        }
    }

    prop_compose! {
        fn any_definition()(
            title in text().prop_filter("a title has characters", |title| !title.trim().is_empty() && !title.contains('\0')),
            description in proptest::option::of(text()),
            trigger in (text(), fields(value())),
            steps in proptest::collection::vec(("[a-d]_[0-9]{1,3}", step()), 0..4),
            limit in proptest::option::of((1..1_000_u32, proptest::option::of(text()))),
            on_error in proptest::option::of("[a-d]"),
            time_limit in proptest::option::of(1..u64::from(u32::MAX)),
        ) -> Definition {
            let steps: serde_json::Map<_, _> = steps.into_iter().collect();
            let mut value = json!({
                "title": title, "trigger": { "block": trigger.0, "config": trigger.1 }, "steps": steps,
            });
            let mut set = |name: &str, field: Option<Value>| if let Some(field) = field { value[name] = field };
            set("description", description.map(Value::from));
            set("on_error", on_error.map(Value::from));
            set("time_limit", time_limit.map(|limit| json!(format!("{limit}ms"))));
            set("concurrency", limit.map(|(limit, key)| match key {
                Some(key) => json!({ "limit": limit, "key": key }),
                None => json!({ "limit": limit }),
            }));
            Definition::from_value(&value).unwrap_or_else(|problems| panic!("{problems:?}\n{value:#}")).definition
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_file_is_read_as_what_was_exported(definition in any_definition()) {
            let file = definition.to_file("flow");
            let read = read(&file);
            prop_assert_eq!(&read, &definition, "{}", file);
            prop_assert_eq!(read.to_file("flow"), file);
        }
    }
}

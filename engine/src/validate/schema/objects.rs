//! Objects and maps compared.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::alternatives::Alternative;
use super::{Comparison, Finding, Reliance, Sides};

/// A path with one more segment.
pub(in crate::validate) fn below(path: &str, segment: &str) -> String {
    if path.is_empty() { segment.to_owned() } else { format!("{path}.{segment}") }
}

/// The fields that an object may have beside those that it names.
enum Rest {
    /// Any; they are ignored.
    Ignored,
    /// None.
    Refused,
    /// Those that fit a schema: the object is a map.
    Map(Value),
}

impl Comparison<'_> {
    pub(super) fn objects(
        &mut self,
        path: &str,
        value: &Alternative,
        accepting: &Alternative,
    ) -> Vec<Finding> {
        let sides = self.by_time(value, accepting);
        let mut findings = self.fields(path, sides);
        findings.extend(self.rest(path, sides));
        findings.extend(self.patterns(path, sides));
        findings.extend(self.sizes(path, ["minProperties", "maxProperties"], value, accepting));
        findings
    }

    fn fields(&mut self, path: &str, sides: Sides<&Alternative>) -> Vec<Finding> {
        let (old, new) = (fields(sides.old), fields(sides.new));
        let (was_required, is_required) = (required(sides.old), required(sides.new));
        let mut findings = Vec::new();
        let mut names: Vec<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
        names.extend(was_required.iter().chain(&is_required));
        let mut seen = BTreeSet::new();
        let is_named = |name: &str| new.contains_key(name) || !old.contains_key(name);
        for name in names.into_iter().filter(|name| seen.insert(*name)) {
            let path = below(path, name);
            findings.extend(match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) => self.field(&path, old, new),
                (Some(old), None) => self.removed(&path, old, &rest(sides.new)),
                (None, Some(new)) => match rest(sides.old) {
                    Rest::Map(old) => self.schemas(&path, &old, new),
                    Rest::Ignored | Rest::Refused => Vec::new(),
                },
                (None, None) => Vec::new(),
            });
            let (was_required, is_required) = (was_required.contains(name), is_required.contains(name));
            let change = match self.reliance {
                Reliance::Stored if is_required && !was_required && old.contains_key(name) => {
                    "the field is now required"
                }
                Reliance::Stored if is_required && !was_required => {
                    "the field is new and required; give it a default"
                }
                Reliance::Read if was_required && !is_required && is_named(name) => {
                    "the field was always there and may now be missing"
                }
                _ => continue,
            };
            findings.push(Finding::breaks(&path, change));
        }
        findings
    }

    fn field(&mut self, path: &str, old: &Value, new: &Value) -> Vec<Finding> {
        let mut findings = self.schemas(path, old, new);
        if self.reliance == Reliance::Stored
            && let Some(was) = old.get("default")
            && new.get("default") != Some(was)
        {
            let now = new.get("default").map_or_else(|| "none".to_owned(), Value::to_string);
            findings.push(Finding::notice(path, format!("its default was {was}, now {now}")));
        }
        findings
    }

    /// A field that the new schema does not name.
    fn removed(&mut self, path: &str, old: &Value, rest: &Rest) -> Vec<Finding> {
        match (self.reliance, rest) {
            (Reliance::Stored, Rest::Ignored) => Vec::new(),
            (Reliance::Stored, Rest::Map(new)) => self.schemas(path, old, new),
            (Reliance::Stored, Rest::Refused) | (Reliance::Read, _) => {
                vec![Finding::breaks(path, "the field is gone")]
            }
        }
    }

    fn rest(&mut self, path: &str, sides: Sides<&Alternative>) -> Vec<Finding> {
        let each = below(path, "*");
        let any = Value::Bool(true);
        match (self.reliance, rest(sides.old), rest(sides.new)) {
            (_, Rest::Map(old), Rest::Map(new)) => self.schemas(&each, &old, &new),
            (Reliance::Stored, Rest::Ignored, Rest::Map(new)) => self.schemas(&each, &any, &new),
            (Reliance::Read, Rest::Map(old), Rest::Ignored) => self.schemas(&each, &old, &any),
            (Reliance::Stored, Rest::Ignored | Rest::Map(_), Rest::Refused) => {
                vec![Finding::breaks(path, "fields that it does not name are now refused")]
            }
            (Reliance::Read, Rest::Map(_), Rest::Refused) => {
                vec![Finding::breaks(path, "fields that it does not name are gone")]
            }
            _ => Vec::new(),
        }
    }

    /// Maps whose keys follow a pattern.
    fn patterns(&mut self, path: &str, Sides { old, new }: Sides<&Alternative>) -> Vec<Finding> {
        let patterns = |one: &Alternative| one.get("patternProperties").and_then(Value::as_object).cloned();
        let (old, new) = (patterns(old).unwrap_or_default(), patterns(new).unwrap_or_default());
        if old.len() != new.len() || old.keys().any(|pattern| !new.contains_key(pattern)) {
            return vec![Finding::breaks(path, "`patternProperties` has changed and cannot be compared")];
        }
        old.iter()
            .flat_map(|(pattern, old)| {
                self.schemas(&below(path, &format!("/{pattern}/")), old, &new[pattern])
            })
            .collect()
    }
}

fn fields(object: &Alternative) -> Map<String, Value> {
    object.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn required(object: &Alternative) -> BTreeSet<&str> {
    let names = object.get("required").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn rest(object: &Alternative) -> Rest {
    match object.get("additionalProperties").or_else(|| object.get("unevaluatedProperties")) {
        None => Rest::Ignored,
        Some(Value::Bool(false)) => Rest::Refused,
        Some(schema) => Rest::Map(schema.clone()),
    }
}

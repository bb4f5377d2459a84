//! Alternatives compared: types, enums, and enums with data.

use std::collections::BTreeSet;

use serde_json::Value;

use super::alternatives::{Alternative, Kind};
use super::variants::{best_matches, summary, variant};
use super::{Comparison, Finding, Reliance, Weight};

/// Keywords that comparisons know. Of any other, every change counts.
const KNOWN: [&str; 24] = [
    "type",
    "enum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "properties",
    "required",
    "additionalProperties",
    "unevaluatedProperties",
    "patternProperties",
    "minProperties",
    "maxProperties",
    "const",
];

impl Comparison<'_> {
    pub(super) fn unions(&mut self, path: &str, old: &[Alternative], new: &[Alternative]) -> Vec<Finding> {
        let (values, accepting) = self.ordered(old, new);
        let mut findings = Vec::new();
        if !values.iter().all(|value| accepting.iter().any(|accepting| accepts_type(accepting, value))) {
            findings.push(Finding::breaks(path, format!("its type was {}, now {}", types(old), types(new))));
        }
        for kind in values.iter().map(|value| value.kind).collect::<BTreeSet<_>>() {
            let of_kind = |alternatives: &[Alternative]| -> Vec<Alternative> {
                alternatives.iter().filter(|alternative| alternative.kind == kind).cloned().collect()
            };
            let (values, accepting) = (of_kind(values), of_kind(accepting));
            let comparable = |value: &&Alternative| accepting.iter().any(|one| accepts_type(one, value));
            let values: Vec<_> = values.iter().filter(comparable).cloned().collect();
            if !values.is_empty() {
                findings.extend(self.one_kind(path, &values, &accepting));
            }
        }
        findings
    }

    /// Alternatives of one type.
    fn one_kind(&mut self, path: &str, values: &[Alternative], accepting: &[Alternative]) -> Vec<Finding> {
        if let ([value], [accepting]) = (values, accepting)
            && value.choices().is_none()
        {
            return self.pair(path, value, accepting);
        }
        let mut findings = Vec::new();
        for value in values {
            if let Some(choices) = value.choices() {
                let lost = choices.iter().filter(|choice| !self.accepts_value(accepting, choice));
                let phrase = match self.reliance {
                    Reliance::Stored => |choice| format!("the choice {choice} is gone"),
                    Reliance::Read => |choice| format!("it may now be {choice}"),
                };
                findings.extend(lost.map(phrase).map(|change| Finding::breaks(path, change)));
                continue;
            }
            let name = variant(value);
            match (best_matches(value, accepting).as_slice(), name) {
                ([only], Some(name)) => {
                    findings.extend(self.pair(&format!("{path}[{name}]"), value, only));
                }
                _ if self.accepts(accepting, path, value) => {}
                (_, name) => findings.push(Finding::breaks(path, self.lost(value, name))),
            }
        }
        findings
    }

    /// One alternative of each side.
    fn pair(&mut self, path: &str, value: &Alternative, accepting: &Alternative) -> Vec<Finding> {
        let mut findings = Vec::new();
        if accepting.choices().is_some() && value.choices().is_none() {
            let change = match self.reliance {
                Reliance::Stored => "it is now limited to choices",
                Reliance::Read => "it is no longer limited to choices",
            };
            findings.push(Finding::breaks(path, change));
        }
        findings.extend(match value.kind {
            Kind::Number => self.numbers(path, value, accepting),
            Kind::String => self.strings(path, value, accepting),
            Kind::Array => self.arrays(path, value, accepting),
            Kind::Object => self.objects(path, value, accepting),
            Kind::Null | Kind::Boolean => Vec::new(),
        });
        let names: BTreeSet<_> = value.keywords.keys().chain(accepting.keywords.keys()).collect();
        let changed = names
            .into_iter()
            .filter(|name| !KNOWN.contains(&name.as_str()) && value.get(name) != accepting.get(name));
        findings.extend(
            changed.map(|name| Finding::breaks(path, format!("`{name}` has changed and cannot be compared"))),
        );
        findings
    }

    /// Whether one of these alternatives accepts every value of that one.
    fn accepts(&mut self, accepting: &[Alternative], path: &str, value: &Alternative) -> bool {
        accepting.iter().any(|accepting| {
            let findings = self.pair(path, value, accepting);
            accepts_type(accepting, value) && findings.iter().all(|finding| finding.weight == Weight::Notice)
        })
    }

    /// Whether one of these alternatives accepts the value.
    fn accepts_value(&self, accepting: &[Alternative], value: &Value) -> bool {
        let root = self.ordered(self.roots.old, self.roots.new).1;
        accepting.iter().any(|alternative| {
            if let Some(choices) = alternative.choices() {
                return choices.contains(value);
            }
            let mut schema = alternative.keywords.clone();
            for definitions in ["$defs", "definitions"] {
                schema.extend(root.get(definitions).map(|value| (definitions.to_owned(), value.clone())));
            }
            jsonschema::validator_for(&Value::Object(schema)).is_ok_and(|schema| schema.is_valid(value))
        })
    }

    fn lost(&self, value: &Alternative, variant: Option<String>) -> String {
        let (what, name) = match variant {
            Some(name) => ("variant", format!("`{name}`")),
            None => ("alternative", summary(value)),
        };
        match self.reliance {
            Reliance::Stored => format!("the {what} {name} is gone or accepts less"),
            Reliance::Read => format!("it may now be the {what} {name}"),
        }
    }
}

fn accepts_type(accepting: &Alternative, value: &Alternative) -> bool {
    accepting.kind == value.kind
        && (value.is_integer() || !accepting.is_integer() || value.choices().is_some())
}

/// The types of the alternatives as a person reads them.
fn types(alternatives: &[Alternative]) -> String {
    let mut names: BTreeSet<_> = alternatives.iter().map(Alternative::type_name).collect();
    if names.contains("number") {
        names.remove("integer");
    }
    match names.len() {
        0 => "nothing".to_owned(),
        6 => "any".to_owned(),
        _ => names.into_iter().collect::<Vec<_>>().join(" or "),
    }
}

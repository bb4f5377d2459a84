//! A schema as a list of alternatives, each of one type: what `anyOf`, `oneOf`, `allOf`, `$ref` and lists of types
//! come to.

use serde_json::{Map, Value};

use super::merge::{product, type_names};
use super::variants::are_disjoint;

/// A chain of references and combinations longer than this goes round in a circle.
const LONGEST_CHAIN: usize = 32;

/// Keywords that say something to people or hold other schemas, and bind no value.
const ANNOTATIONS: [&str; 17] = [
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "$comment",
    "$schema",
    "$id",
    "$anchor",
    "$defs",
    "definitions",
    "discriminator",
];

/// Keywords that combine schemas.
const COMBINATIONS: [&str; 4] = ["$ref", "allOf", "anyOf", "oneOf"];

/// The types of JSON. An integer is a number whose schema says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

const KINDS: [Kind; 6] = [Kind::Null, Kind::Boolean, Kind::Number, Kind::String, Kind::Array, Kind::Object];

/// A schema of one type, without combinations and annotations.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alternative {
    pub(super) kind: Kind,
    /// Its keywords, `type` among them; `const` is written as `enum`.
    pub(super) keywords: Map<String, Value>,
}

/// The alternatives of a schema, of which a value must fit one; none if it allows nothing.
pub(super) fn alternatives(schema: &Value, root: &Value) -> Result<Vec<Alternative>, String> {
    Ok(branches(schema, root, 0)?.iter().flat_map(by_type).collect())
}

impl Alternative {
    pub(super) fn get(&self, keyword: &str) -> Option<&Value> {
        self.keywords.get(keyword)
    }

    /// The values that it enumerates; `None` if it does not.
    pub(super) fn choices(&self) -> Option<&Vec<Value>> {
        self.get("enum").and_then(Value::as_array)
    }

    pub(super) fn is_integer(&self) -> bool {
        self.get("type").is_some_and(|name| name == "integer")
    }

    /// Its type, as a schema names it.
    pub(super) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Number if self.is_integer() => "integer",
            kind => kind.name(),
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(_) => Self::Number,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// Every value of the type, if they can be counted.
    fn every_value(self) -> Option<Vec<Value>> {
        match self {
            Self::Null => Some(vec![Value::Null]),
            Self::Boolean => Some(vec![false.into(), true.into()]),
            _ => None,
        }
    }

    /// Whether a keyword says something about values of this type. One that is not known may say anything.
    fn heeds(self, keyword: &str, value: &Value) -> bool {
        match keyword {
            "minLength" | "maxLength" | "pattern" => self == Self::String,
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                self == Self::Number
            }
            "format" => {
                let numeric = value.as_str().is_some_and(super::scalars::is_numeric_format);
                self == if numeric { Self::Number } else { Self::String }
            }
            "items" | "prefixItems" | "minItems" | "maxItems" | "uniqueItems" | "contains"
            | "minContains" | "maxContains" | "unevaluatedItems" => self == Self::Array,
            "properties"
            | "required"
            | "additionalProperties"
            | "patternProperties"
            | "propertyNames"
            | "minProperties"
            | "maxProperties"
            | "unevaluatedProperties"
            | "dependentRequired"
            | "dependentSchemas" => self == Self::Object,
            _ => true,
        }
    }
}

/// The schema as alternatives that each may have several types.
fn branches(schema: &Value, root: &Value, chain: usize) -> Result<Vec<Map<String, Value>>, String> {
    if chain > LONGEST_CHAIN {
        return Err("its references go round in a circle".to_owned());
    }
    let keywords = match schema {
        Value::Bool(false) => return Ok(Vec::new()),
        Value::Object(keywords) => keywords,
        _ => return Ok(vec![Map::new()]),
    };
    let binds =
        |name: &str| !ANNOTATIONS.contains(&name) && !COMBINATIONS.contains(&name) && !name.starts_with("x-");
    let own = keywords.iter().filter(|(name, _)| binds(name));
    let mut combined = vec![own.map(|(name, value)| (name.clone(), value.clone())).collect()];
    if let Some(reference) = keywords.get("$ref") {
        let target = resolve(reference, root)?;
        combined = product(&combined, &branches(target, root, chain + 1)?)?;
    }
    for all in list(keywords, "allOf") {
        combined = product(&combined, &branches(all, root, chain + 1)?)?;
    }
    for combination in ["anyOf", "oneOf"].into_iter().filter(|name| keywords.contains_key(*name)) {
        let mut either: Vec<Map<String, Value>> = Vec::new();
        for one in list(keywords, combination) {
            let one = branches(one, root, chain + 1)?;
            if combination == "oneOf" && overlap(&either, &one) {
                return Err("alternatives of its `oneOf` overlap".to_owned());
            }
            either.extend(one);
        }
        combined = product(&combined, &either)?;
    }
    Ok(combined)
}

/// Whether a value might fit one alternative of each, which `oneOf` refuses.
fn overlap(left: &[Map<String, Value>], right: &[Map<String, Value>]) -> bool {
    let right: Vec<_> = right.iter().flat_map(by_type).collect();
    left.iter().flat_map(by_type).any(|left| right.iter().any(|right| !are_disjoint(&left, right)))
}

fn list<'a>(keywords: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    keywords.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// What a reference within the schema points to.
fn resolve<'a>(reference: &Value, root: &'a Value) -> Result<&'a Value, String> {
    let target = reference.as_str().and_then(|text| root.pointer(text.strip_prefix('#')?));
    target.ok_or_else(|| format!("it refers to {reference}, which is not in the schema"))
}

/// One alternative for each type that the keywords allow.
fn by_type(keywords: &Map<String, Value>) -> Vec<Alternative> {
    let choices = match (keywords.get("const"), keywords.get("enum").and_then(Value::as_array)) {
        (Some(only), None) => Some(vec![only.clone()]),
        (Some(only), Some(choices)) => {
            Some(choices.iter().filter(|choice| *choice == only).cloned().collect())
        }
        (None, choices) => choices.cloned(),
    };
    let names = keywords.get("type").map(type_names);
    let allows = |name: &str| names.as_ref().is_none_or(|names| names.contains(&name));
    let mut alternatives = Vec::new();
    for kind in KINDS {
        let integer = kind == Kind::Number && !allows("number");
        if !allows(if integer { "integer" } else { kind.name() }) {
            continue;
        }
        let mut own: Map<String, Value> = keywords
            .iter()
            .filter(|(name, value)| *name != "const" && *name != "enum" && kind.heeds(name, value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        own.insert("type".to_owned(), if integer { "integer" } else { kind.name() }.into());
        let choices = match &choices {
            Some(choices) => {
                Some(choices.iter().filter(|choice| Kind::of(choice) == kind).cloned().collect())
            }
            None => kind.every_value(),
        };
        if choices.as_ref().is_some_and(Vec::is_empty) {
            continue;
        }
        own.extend(choices.map(|choices| ("enum".to_owned(), Value::Array(choices))));
        alternatives.push(Alternative { kind, keywords: own });
    }
    alternatives
}

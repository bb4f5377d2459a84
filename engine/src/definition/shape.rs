//! What a schema says of a value: its types, and what lies within it.

use std::collections::BTreeSet;

use serde_json::Value;

/// How often references and alternatives are followed: schemas are finite, but one may be wrong.
const DEEPEST: usize = 16;

/// What is known of the values that a schema allows.
#[derive(Debug, Default, Clone)]
pub(super) struct Shape<'s> {
    /// The schemas of the values, without references and alternatives.
    leaves: Vec<&'s Value>,
    /// Whether the value may be missing or `null`.
    pub(super) optional: bool,
    /// Whether there may be values of which nothing is known.
    pub(super) open: bool,
}

/// What lies at a name within a value.
pub(super) enum Within<'s> {
    Found(Shape<'s>),
    /// Nothing, and the names that there are.
    Nothing(Vec<&'s str>),
}

impl<'s> Shape<'s> {
    pub(super) fn of(schema: &'s Value, root: &'s Value) -> Self {
        let mut shape = Self::default();
        shape.add(schema, root, DEEPEST);
        shape
    }

    fn add(&mut self, schema: &'s Value, root: &'s Value, left: usize) {
        let choices = || ["anyOf", "oneOf"].into_iter().find_map(|key| schema.get(key)?.as_array());
        if left == 0 || schema.get("allOf").is_some() {
            self.open = true;
        } else if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            match reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
                Some(schema) => self.add(schema, root, left - 1),
                None => self.open = true,
            }
        } else if let (Some(choices), None) = (choices(), schema.get("properties")) {
            for choice in choices {
                self.add(choice, root, left - 1);
            }
        } else {
            let types = types(schema);
            self.optional |= types.contains("null");
            self.open |= types.is_empty();
            if types.iter().any(|one| *one != "null") {
                self.leaves.push(schema);
            }
        }
    }

    /// The types of the values, without `null`.
    pub(super) fn types(&self) -> BTreeSet<&'s str> {
        self.leaves.iter().flat_map(|leaf| types(leaf)).filter(|one| *one != "null").collect()
    }

    /// What lies at a name or index.
    pub(super) fn within(&self, name: &str, root: &'s Value) -> Within<'s> {
        let mut found = Self { optional: self.optional, open: self.open, ..Self::default() };
        let (mut hits, mut misses, mut known) = (0, 0, Vec::new());
        for leaf in &self.leaves {
            let property = leaf.get("properties").and_then(|properties| properties.get(name));
            let item = || leaf.get("items").filter(|_| name.bytes().all(|digit| digit.is_ascii_digit()));
            if let Some(schema) = property {
                let required = leaf.get("required").and_then(Value::as_array);
                let is_required = required.is_some_and(|names| names.iter().any(|one| one == name));
                found.optional |= !is_required && schema.get("default").is_none();
                found.add(schema, root, DEEPEST);
                hits += 1;
            } else if let Some(schema) = item() {
                found.add(schema, root, DEEPEST);
                hits += 1;
            } else if is_open(leaf) {
                found.open = true;
                hits += 1;
            } else {
                misses += 1;
                let properties = leaf.get("properties").and_then(Value::as_object);
                known.extend(properties.into_iter().flat_map(|fields| fields.keys().map(String::as_str)));
            }
        }
        if hits == 0 && !self.open {
            return Within::Nothing(known);
        }
        found.optional |= misses > 0;
        Within::Found(found)
    }

    /// Both together, for a value that has either shape.
    pub(super) fn or(mut self, other: Self) -> Self {
        self.leaves.extend(other.leaves);
        Self { optional: self.optional || other.optional, open: self.open || other.open, ..self }
    }
}

/// Whether a value may have fields or items that its schema does not name.
fn is_open(schema: &Value) -> bool {
    let types = types(schema);
    let listed = |key| schema.get(key).is_some();
    let open_map = types.contains("object")
        && match schema.get("additionalProperties") {
            None => !listed("properties"),
            Some(more) => *more != Value::Bool(false),
        };
    let open_list = types.contains("array") && !listed("items");
    open_map || open_list || listed("patternProperties")
}

/// The JSON types that a schema allows; none if it does not say.
fn types(schema: &Value) -> BTreeSet<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => BTreeSet::from([one.as_str()]),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => {
            let values = schema.get("enum").and_then(Value::as_array);
            let constants = values.into_iter().flatten().chain(schema.get("const"));
            constants.map(type_of).collect()
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

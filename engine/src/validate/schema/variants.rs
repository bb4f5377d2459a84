//! Variants: what tells alternatives of one type apart.

use serde_json::{Value, json};

use super::alternatives::Alternative;

/// The alternatives that have the most tags in common with this one, if there are any.
pub(super) fn best_matches<'a>(value: &Alternative, among: &'a [Alternative]) -> Vec<&'a Alternative> {
    let wanted = tags(value);
    let common = |one: &Alternative| tags(one).iter().filter(|tag| wanted.contains(tag)).count();
    let most = among.iter().map(common).max().unwrap_or_default();
    among.iter().filter(|one| most > 0 && common(one) == most).collect()
}

/// What tells a variant from the others: required fields with a fixed value, or the only field there is.
fn tags(alternative: &Alternative) -> Vec<(String, Value)> {
    let Some(fields) = alternative.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let required = alternative.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
    let mut tags: Vec<_> = fields
        .iter()
        .filter(|(name, _)| is_required(name))
        .filter_map(|(name, schema)| Some((name.clone(), fixed(schema)?)))
        .collect();
    let closed = alternative.get("additionalProperties") == Some(&json!(false));
    let mut names = fields.keys();
    if let (true, Some(only), None) = (tags.is_empty() && closed, names.next(), names.next())
        && is_required(only)
    {
        tags.push((String::new(), Value::from(only.as_str())));
    }
    tags
}

fn fixed(schema: &Value) -> Option<Value> {
    let choices = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice);
    let only = match choices {
        Some([only]) => Some(only),
        _ => schema.get("const"),
    };
    only.cloned()
}

/// A variant's name.
pub(super) fn variant(alternative: &Alternative) -> Option<String> {
    let (_, value) = tags(alternative).into_iter().next()?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// An alternative in a few words.
pub(super) fn summary(alternative: &Alternative) -> String {
    let fields = alternative.get("properties").and_then(Value::as_object);
    let names: Vec<_> = fields.into_iter().flat_map(|fields| fields.keys().cloned()).collect();
    if names.is_empty() { alternative.type_name().to_owned() } else { format!("{{{}}}", names.join(", ")) }
}

/// Whether no value can fit both alternatives, as far as types, choices and tags show.
pub(super) fn are_disjoint(left: &Alternative, right: &Alternative) -> bool {
    if left.kind != right.kind {
        return true;
    }
    if let (Some(left), Some(right)) = (left.choices(), right.choices()) {
        return left.iter().all(|choice| !right.contains(choice));
    }
    let others = tags(right);
    tags(left).iter().any(|(name, value)| others.iter().any(|(other, tag)| name == other && value != tag))
}

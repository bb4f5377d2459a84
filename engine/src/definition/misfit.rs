//! What is wrong with a value, in words for the person who wrote it.
//!
//! The messages never show the value: it may be a secret, or someone's mail.

use std::collections::BTreeSet;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use super::formats;
use super::parse::{field, join, unknown};

/// A value that does not fit a schema.
pub(super) struct Misfit {
    /// The path of the value, or of the field that is missing or too much.
    pub(super) path: String,
    pub(super) message: String,
}

/// The paths of values that are not known yet: those with expressions, and sealed secrets.
pub(super) type Unknown = BTreeSet<String>;

/// Keywords that apply a part of a schema because of other values.
const CONDITIONS: [&str; 3] = ["then", "else", "dependentSchemas"];

/// The misfits behind one error of a schema that hold whatever the values are that are not known yet.
pub(super) fn misfits(error: &ValidationError<'_>, schema: &Value, open: &Unknown) -> Vec<Misfit> {
    if !is_certain(error, open) {
        return Vec::new();
    }
    let judged = path(error);
    let name = judged.rsplit('.').next().filter(|name| !name.is_empty());
    let here = |message: String| vec![(judged.clone(), message)];
    let found = match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![(join(&judged, name), format!("`{name}` is required; give it a value"))]
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = if judged.is_empty() { fields(schema) } else { Vec::new() };
            unexpected
                .iter()
                .map(|name| (field(&judged, name), unknown("field", name, known.iter().copied())))
                .collect()
        }
        ValidationErrorKind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default();
            let rule = rule(error.kind()).unwrap_or_else(|| "be another".to_owned());
            vec![(field(&judged, name), format!("The name `{name}` must {rule}; change it"))]
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            if let Some(branch) = meant(context, &judged) {
                return branch.iter().flat_map(|error| misfits(error, schema, open)).collect();
            }
            tag(context, &judged).unwrap_or_else(|| {
                here(choice(context).unwrap_or_else(|| {
                    "The value has none of the forms that this field takes; see the block's config".to_owned()
                }))
            })
        }
        kind => {
            let subject = match name {
                None => "The config".to_owned(),
                Some(index) if index.bytes().all(|digit| digit.is_ascii_digit()) => "The item".to_owned(),
                Some(name) => format!("`{name}`"),
            };
            let rule = rule(kind).map(|rule| format!("{subject} must {rule}; change it"));
            here(rule.unwrap_or_else(|| format!("{subject} does not fit: {}", error.masked())))
        }
    };
    found.into_iter().map(|(path, message)| Misfit { path, message }).collect()
}

/// Whether an error stays whatever the values are that are not known yet.
fn is_certain(error: &ValidationError<'_>, open: &Unknown) -> bool {
    if open.is_empty() {
        return true;
    }
    let steps = error.evaluation_path().to_string();
    if steps.split('/').any(|step| CONDITIONS.contains(&step)) {
        return false;
    }
    let judged = path(error);
    if open.contains(&judged) {
        return false;
    }
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context.iter().all(|branch| branch.iter().any(|error| is_certain(error, open)))
        }
        kind if is_compound(kind) => {
            let below = format!("{judged}.");
            !open.iter().any(|path| judged.is_empty() || path.starts_with(&below))
        }
        _ => true,
    }
}

/// Whether an error at a value may be due to something within it.
fn is_compound(kind: &ValidationErrorKind) -> bool {
    matches!(
        kind,
        ValidationErrorKind::OneOfMultipleValid { .. }
            | ValidationErrorKind::Enum { .. }
            | ValidationErrorKind::Constant { .. }
            | ValidationErrorKind::Not { .. }
            | ValidationErrorKind::Contains
            | ValidationErrorKind::UnevaluatedItems { .. }
            | ValidationErrorKind::UnevaluatedProperties { .. }
            | ValidationErrorKind::UniqueItems
    )
}

/// The only alternative whose type and tag the value has: the one that its author meant.
fn meant<'e>(
    context: &'e [Vec<ValidationError<'static>>],
    judged: &str,
) -> Option<&'e [ValidationError<'static>]> {
    let by_type = |error: &ValidationError<'_>| {
        matches!(error.kind(), ValidationErrorKind::Type { .. }) && path(error) == judged
    };
    let by_tag = |error: &ValidationError<'_>| {
        matches!(error.kind(), ValidationErrorKind::Constant { .. } | ValidationErrorKind::Enum { .. })
    };
    let typed: Vec<_> = context.iter().filter(|branch| !branch.iter().any(by_type)).collect();
    if let [only] = typed.as_slice() {
        return Some(only);
    }
    let tagged: Vec<_> = typed.into_iter().filter(|branch| !branch.iter().any(by_tag)).collect();
    match tagged.as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// The tag of which no alternative has the value, or which is missing.
fn tag(context: &[Vec<ValidationError<'static>>], judged: &str) -> Option<Vec<(String, String)>> {
    let constant = |error: &ValidationError<'_>| match error.kind() {
        ValidationErrorKind::Constant { expected_value } => Some((path(error), vec![shown(expected_value)])),
        ValidationErrorKind::Enum { options } => {
            Some((path(error), options.as_array()?.iter().map(shown).collect()))
        }
        _ => None,
    };
    let missing = |error: &ValidationError<'_>| match error.kind() {
        ValidationErrorKind::Required { property } => {
            Some((join(&path(error), property.as_str()?), Vec::new()))
        }
        _ => None,
    };
    let mut tags = context
        .iter()
        .map(|branch| branch.iter().find_map(constant).or_else(|| branch.iter().find_map(missing)));
    let (place, mut values) = tags.next()??;
    for one in tags {
        let (other, more) = one?;
        if other != place {
            return None;
        }
        values.extend(more);
    }
    let name = place.rsplit('.').next().filter(|_| place != judged)?;
    let message = if values.is_empty() {
        format!("`{name}` is required; give it a value")
    } else {
        format!("`{name}` must be one of `{}`; choose one", values.join("`, `"))
    };
    Some(vec![(place, message)])
}

/// The values to choose from, where each alternative is one, or several.
fn choice(context: &[Vec<ValidationError<'static>>]) -> Option<String> {
    let mut values = Vec::new();
    for branch in context {
        match branch.iter().map(ValidationError::kind).collect::<Vec<_>>().as_slice() {
            [ValidationErrorKind::Constant { expected_value }] => values.push(shown(expected_value)),
            [ValidationErrorKind::Enum { options }] => values.extend(options.as_array()?.iter().map(shown)),
            _ => return None,
        }
    }
    Some(format!("The value must be one of `{}`; choose one", values.join("`, `")))
}

/// What a value must be or have.
fn rule(kind: &ValidationErrorKind) -> Option<String> {
    Some(match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(expected) } => {
            format!("be {}", type_name(*expected))
        }
        ValidationErrorKind::Type { kind: TypeKind::Multiple(expected) } => {
            let names: Vec<_> = expected.iter().map(type_name).collect();
            format!("be {}", names.join(" or "))
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<_> = options.as_array()?.iter().map(shown).collect();
            format!("be one of `{}`", options.join("`, `"))
        }
        ValidationErrorKind::Constant { expected_value } => format!("be `{}`", shown(expected_value)),
        ValidationErrorKind::Minimum { limit } => format!("be at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("be at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("be more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("be less than {limit}"),
        ValidationErrorKind::MinLength { limit } => format!("have at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("have at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("have at least {limit} items"),
        ValidationErrorKind::MaxItems { limit } => format!("have at most {limit} items"),
        ValidationErrorKind::MinProperties { limit } => format!("have at least {limit} fields"),
        ValidationErrorKind::MaxProperties { limit } => format!("have at most {limit} fields"),
        ValidationErrorKind::UniqueItems => "have no item twice".to_owned(),
        ValidationErrorKind::Pattern { pattern } => format!("match the pattern `{pattern}`"),
        ValidationErrorKind::Format { format } => formats::described(format)
            .map_or_else(|| format!("have the format `{format}`"), |described| format!("be {described}")),
        _ => return None,
    })
}

fn type_name(expected: JsonType) -> &'static str {
    match expected {
        JsonType::Array => "a list",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "a whole number",
        JsonType::Null => "`null`",
        JsonType::Number => "a number",
        JsonType::Object => "a map",
        JsonType::String => "a text",
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The path of the value that an error is about, with dots.
fn path(error: &ValidationError<'_>) -> String {
    let pointer = error.instance_path().to_string();
    let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
    names.fold(String::new(), |path, name| field(&path, &name))
}

/// The names of the fields that a schema has at the top.
fn fields(schema: &Value) -> Vec<&str> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(schema: &Value, value: &Value, expected: &[(&str, &str)]) {
        checked_with(schema, value, &[], expected);
    }

    /// Checks a value of which some is not known yet.
    #[track_caller]
    fn checked_with(schema: &Value, value: &Value, open: &[&str], expected: &[(&str, &str)]) {
        let validator = jsonschema::validator_for(schema).unwrap();
        let open = open.iter().map(ToString::to_string).collect();
        let found: Vec<_> =
            validator.iter_errors(value).flat_map(|error| misfits(&error, schema, &open)).collect();
        let found: Vec<_> = found.iter().map(|one| (one.path.as_str(), one.message.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_value_is_told_what_it_must_be() {
        let schema = json!({ "properties": {
            "count": { "type": "integer", "minimum": 1 },
            "size": { "enum": ["s", "m"] },
            "name": { "type": ["string", "null"], "maxLength": 3 },
        } });
        check(&schema, &json!({ "count": "x" }), &[("count", "`count` must be a whole number; change it")]);
        check(&schema, &json!({ "count": 0 }), &[("count", "`count` must be at least 1; change it")]);
        check(&schema, &json!({ "size": "l" }), &[("size", "`size` must be one of `s`, `m`; change it")]);
        check(
            &schema,
            &json!({ "name": "secret" }),
            &[("name", "`name` must have at most 3 characters; change it")],
        );
    }

    #[test]
    fn an_optional_value_is_judged_as_if_it_were_required() {
        let inner =
            json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["m"] });
        let schema = json!({ "properties": { "a": { "anyOf": [inner, { "type": "null" }] } } });
        check(
            &schema,
            &json!({ "a": { "n": "x" } }),
            &[("a.m", "`m` is required; give it a value"), ("a.n", "`n` must be a whole number; change it")],
        );
    }

    #[test]
    fn a_tagged_value_is_judged_by_its_tag() {
        let variant = |tag: &str, field: &str| json!({ "type": "object", "properties": { "type": { "const": tag } }, "required": ["type", field] });
        let schema = json!({ "oneOf": [variant("mail", "to"), variant("chat", "room")] });
        check(&schema, &json!({ "type": "chat" }), &[("room", "`room` is required; give it a value")]);
        let choice = json!({ "oneOf": [{ "const": "up" }, { "enum": ["down", "left"] }] });
        check(&choice, &json!("right"), &[("", "The value must be one of `up`, `down`, `left`; choose one")]);
    }

    #[test]
    fn a_tag_is_judged_and_what_is_not_known_yet_is_not() {
        let variant = |tag: &str, field: &str| {
            json!({
                "type": "object",
                "properties": { "kind": { "type": "string", "const": tag }, field: { "type": "integer" } },
                "required": ["kind", field],
            })
        };
        let schema =
            json!({ "properties": { "to": { "oneOf": [variant("mail", "box"), variant("chat", "room")] } } });
        let body = |kind: Value| json!({ "to": { "kind": kind, "box": "{{ a }}" } });
        let open = &["to.box"];
        checked_with(&schema, &body(json!("mail")), open, &[]);
        checked_with(&schema, &body(json!("{{ b }}")), &["to.box", "to.kind"], &[]);
        let choose = "`kind` must be one of `mail`, `chat`; choose one";
        checked_with(&schema, &body(json!("post")), open, &[("to.kind", choose)]);
        checked_with(&schema, &body(json!(7)), open, &[("to.kind", choose)]);
        let missing = json!({ "to": { "box": "{{ a }}" } });
        checked_with(&schema, &missing, open, &[("to.kind", "`kind` is required; give it a value")]);
        let other = json!({ "to": { "kind": "chat", "rom": "{{ a }}" } });
        checked_with(&schema, &other, &["to.rom"], &[("to.room", "`room` is required; give it a value")]);
    }

    #[test]
    fn what_depends_on_other_values_is_not_judged_before_they_are_known() {
        let schema =
            json!({ "if": { "properties": { "kind": { "const": "a" } } }, "then": { "required": ["b"] } });
        let value = json!({ "kind": "a" });
        check(&schema, &value, &[("b", "`b` is required; give it a value")]);
        checked_with(&schema, &value, &["kind"], &[]);
    }
}

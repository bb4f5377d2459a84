//! Conditions on a config: when a field is shown, when an outcome exists.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A condition on one field of a config: that it is set, or that it has one of some values.
///
/// `show_if(kind = "issue" | "pull_request", company)` in [`#[field(…)]`](macro@crate::config) gives two of them, and
/// `when(…)` in `#[outcome(…)]` takes the same; all of a list must hold.
///
/// ```
/// use serde_json::json;
/// use stepwell::config::Condition;
///
/// let kind = Condition { field: "kind".into(), any_of: Some(vec!["issue".into(), "pull_request".into()]) };
/// assert!(kind.holds(&json!({ "kind": "issue" })));
/// assert!(!kind.holds(&json!({ "kind": "discussion" })));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// The name of the field.
    pub field: String,
    /// The values of which the field must have one; `None` where it must only be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any_of: Option<Vec<Value>>,
}

impl Condition {
    /// Whether the condition holds for a config whose defaults are filled in, as
    /// [`with_defaults`](super::with_defaults) does.
    ///
    /// A field is set unless it is missing, `null`, `false`, or an empty text, list or map. A field that holds a
    /// list has one of the values if one of its items is one.
    pub fn holds(&self, config: &Value) -> bool {
        let value = config.get(&self.field).unwrap_or(&Value::Null);
        match (&self.any_of, value) {
            (None, value) => is_set(value),
            (Some(values), Value::Array(items)) => items.iter().any(|item| values.contains(item)),
            (Some(values), value) => values.contains(value),
        }
    }
}

/// "`kind` is `issue` or `pull_request`", for a person.
impl std::fmt::Display for Condition {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(values) = &self.any_of else { return write!(formatter, "`{}` is set", self.field) };
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let values: Vec<String> = values.iter().map(|value| format!("`{}`", shown(value))).collect();
        write!(formatter, "`{}` is {}", self.field, values.join(" or "))
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use schemars::json_schema;
    use serde_json::json;

    use super::*;
    use crate::config::with_defaults;

    #[test]
    fn a_field_is_set_unless_it_is_empty() {
        let condition = Condition { field: "company".into(), any_of: None };
        for set in [json!("x"), json!(0), json!(true), json!([1]), json!({ "a": null })] {
            assert!(condition.holds(&json!({ "company": set })), "{set}");
        }
        for unset in [json!(null), json!(""), json!(false), json!([]), json!({})] {
            assert!(!condition.holds(&json!({ "company": unset })), "{unset}");
        }
        assert!(!condition.holds(&json!({})));
    }

    #[test]
    fn a_field_has_one_of_the_values() {
        let condition =
            Condition { field: "kind".into(), any_of: Some(vec![json!("a"), json!(1), json!(true)]) };
        for holding in [json!("a"), json!(1), json!(true), json!(["b", "a"])] {
            assert!(condition.holds(&json!({ "kind": holding })), "{holding}");
        }
        for other in [json!("b"), json!(null), json!(2), json!("1"), json!([])] {
            assert!(!condition.holds(&json!({ "kind": other })), "{other}");
        }
    }

    #[test]
    fn defaults_count_where_a_field_is_left_out() {
        let schema = json_schema!({ "properties": { "kind": { "default": "a" }, "other": {} } });
        let condition = Condition { field: "kind".into(), any_of: Some(vec![json!("a")]) };
        assert!(condition.holds(&with_defaults(&json!({}), &schema)));
        assert!(!condition.holds(&with_defaults(&json!({ "kind": "b" }), &schema)));
    }

    #[test]
    fn conditions_read_as_sentences_and_as_json() {
        let condition = Condition { field: "kind".into(), any_of: Some(vec![json!("a"), json!(2)]) };
        assert_eq!(condition.to_string(), "`kind` is `a` or `2`");
        assert_eq!(serde_json::to_value(&condition).unwrap(), json!({ "field": "kind", "any_of": ["a", 2] }));
        let set = Condition { field: "company".into(), any_of: None };
        assert_eq!(set.to_string(), "`company` is set");
        assert_eq!(serde_json::to_value(&set).unwrap(), json!({ "field": "company" }));
    }
}

//! What a workflow takes that is called or started by hand: the inputs that its trigger names, as a schema.

use serde_json::{Map, Value, json};

use super::control::{MANUAL, WORKFLOW_CALLED};
use super::misfit::{Unknown, misfits};
use super::parse::join;
use super::{Problem, TriggerInstance};

/// The schema of the data that a run takes which this trigger starts; `None` if it names no inputs.
pub(crate) fn inputs_schema(trigger: &TriggerInstance) -> Option<Value> {
    if ![MANUAL, WORKFLOW_CALLED].contains(&trigger.block.as_str()) {
        return None;
    }
    let inputs = trigger.config.get("inputs")?.as_object().filter(|inputs| !inputs.is_empty())?;
    let is_required = |input: &Value| input.get("required") != Some(&Value::Bool(false));
    let properties: Map<String, Value> = inputs
        .iter()
        .map(|(name, input)| {
            let kind = input.get("type").and_then(Value::as_str).unwrap_or_default();
            (name.clone(), input_schema(kind, is_required(input)))
        })
        .collect();
    let required: Vec<&String> =
        inputs.iter().filter(|(_, input)| is_required(input)).map(|(name, _)| name).collect();
    Some(json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }))
}

/// The schema of one input. One that may be left out may be null.
fn input_schema(kind: &str, required: bool) -> Value {
    let kind = match kind {
        "text" => "string",
        "number" => "number",
        "boolean" => "boolean",
        "list" => "array",
        "object" => "object",
        _ => return json!({}),
    };
    if required { json!({ "type": kind }) } else { json!({ "type": [kind, "null"] }) }
}

/// What is wrong with the data of a call or a start whatever these of its values are, each problem with a path such as
/// `data.customer`.
pub(crate) fn data_problems(schema: &Value, data: &Value, open: &Unknown) -> Vec<Problem> {
    // The schema is made of types alone.
    let Ok(validator) = jsonschema::validator_for(schema) else { return Vec::new() };
    if validator.is_valid(data) {
        return Vec::new();
    }
    let misfits = validator.iter_errors(data).flat_map(|error| misfits(&error, schema, open));
    misfits
        .map(|misfit| {
            let message = misfit.message.replacen("The config must", "The data must", 1);
            Problem::new(join("data", &misfit.path), message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::Edges;

    fn trigger(block: &str, config: Value) -> TriggerInstance {
        TriggerInstance { block: block.to_owned(), connection: None, config, on: Edges::default() }
    }

    fn schema() -> Value {
        let inputs = json!({
            "customer": { "type": "text" },
            "amount": { "type": "number", "title": "In euros", "required": true },
            "notes": { "type": "list", "required": false },
            "more": { "type": "any", "required": false },
        });
        inputs_schema(&trigger(WORKFLOW_CALLED, json!({ "inputs": inputs }))).unwrap()
    }

    #[track_caller]
    fn check(data: &Value, open: &[&str], expected: &[(&str, &str)]) {
        let open = open.iter().map(ToString::to_string).collect();
        let problems = data_problems(&schema(), data, &open);
        let found: Vec<_> = problems.iter().map(|one| (one.path.as_str(), one.message.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn s14_data_fits_if_it_has_what_is_required_and_nothing_unknown() {
        check(&json!({ "customer": "x", "amount": 1.5, "notes": null, "more": [] }), &[], &[]);
        check(
            &json!({ "customer": 7, "amount": "{{ a }}", "mor": 1 }),
            &["data.amount", "amount"],
            &[
                ("data.customer", "`customer` must be a text; change it"),
                ("data.mor", "There is no field `mor`; did you mean `more`?"),
            ],
        );
        check(&json!({ "customer": "x" }), &[], &[("data.amount", "`amount` is required; give it a value")]);
        check(&json!([]), &[], &[("data", "The data must be a map; change it")]);
    }

    #[test]
    fn s14_a_trigger_without_inputs_takes_anything() {
        let inputs = json!({ "inputs": { "n": { "type": "any" } } });
        assert_eq!(inputs_schema(&trigger(MANUAL, json!({}))), None);
        assert_eq!(inputs_schema(&trigger(MANUAL, json!({ "inputs": {} }))), None);
        assert_eq!(inputs_schema(&trigger("shop/order", inputs.clone())), None);
        assert!(inputs_schema(&trigger(MANUAL, inputs)).is_some());
    }
}

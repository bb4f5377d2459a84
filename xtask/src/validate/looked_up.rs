//! The functions that fields name to look their options up.

use std::collections::BTreeSet;

use serde_json::Value;
use stepwell::manifest::App;

/// Every function of a crate that is named and not there, or there twice, in words.
pub(super) fn check(app: &App) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut known = BTreeSet::new();
    for function in &app.options {
        if !known.insert(function.as_str()) {
            mistakes.push(format!(
                "{}: two functions with `#[options]` are called `{function}`; rename one",
                app.name
            ));
        }
    }
    for block in &app.blocks {
        let mut named = BTreeSet::new();
        collect(block.config.as_value(), &mut named);
        let missing = named.difference(&known);
        mistakes.extend(missing.map(|function| {
            format!(
                "{}: config: the function `{function}` is not registered; put `#[options]` on it",
                block.id
            )
        }));
    }
    mistakes
}

fn collect<'s>(schema: &'s Value, named: &mut BTreeSet<&'s str>) {
    match schema {
        Value::Object(fields) => {
            let source = fields.get("x-stepwell").and_then(|hints| hints.pointer("/options_source/function"));
            named.extend(source.and_then(Value::as_str));
            fields.values().for_each(|schema| collect(schema, named));
        }
        Value::Array(schemas) => schemas.iter().for_each(|schema| collect(schema, named)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn functions_are_there_once() {
        let mut app: App =
            serde_json::from_str(include_str!("fixtures/lock.json")).expect("it is well-formed");
        assert_eq!(check(&app), Vec::<String>::new());
        let source = json!({ "options_source": { "function": "campaigns", "depends_on": [] } });
        app.blocks[1].config = json!({ "items": { "properties": { "campaign": { "x-stepwell": source } } } })
            .try_into()
            .expect("it is a schema");
        assert_eq!(
            check(&app),
            ["shop/greet: config: the function `campaigns` is not registered; put `#[options]` on it"]
        );
        app.options = vec!["campaigns".to_owned(), "campaigns".to_owned()];
        assert_eq!(
            check(&app),
            [format!("{}: two functions with `#[options]` are called `campaigns`; rename one", app.name)]
        );
    }
}

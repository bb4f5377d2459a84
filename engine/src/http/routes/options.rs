//! What a person can choose while somebody configures a block.

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use crate::definition::Problem as Finding;
use crate::driver::OptionsRequest;
use crate::http::Api;
use crate::http::problem::Problem;

pub(in crate::http) fn routes() -> Router<Api> {
    Router::new().route("/api/v1/blocks/options", post(options))
}

async fn options(
    State(api): State<Api>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Json<Value>, Problem> {
    let Json(body) = body?;
    let request = read(body).map_err(Problem::invalid)?;
    let choices = api.driver.options(request).await?;
    Ok(Json(json!({ "choices": choices })))
}

/// Reads a body; all mistakes are told at once, each with its field.
fn read(body: Value) -> Result<OptionsRequest, Vec<Finding>> {
    let Value::Object(mut given) = body else {
        return Err(vec![Finding::new(
            "",
            "Send an object with `block`, `field`, `text`, `connection` and `fields`",
        )]);
    };
    let mut findings = Vec::new();
    let mut text = |name: &str, required: bool| match given.shift_remove(name) {
        Some(Value::String(text)) => text,
        None | Some(Value::Null) if !required => String::new(),
        None => {
            findings.push(Finding::new(name, format!("`{name}` is missing; give it a value")));
            String::new()
        }
        Some(_) => {
            findings.push(Finding::new(name, format!("`{name}` is a text")));
            String::new()
        }
    };
    let (block, field) = (text("block", true), text("field", true));
    let (text, connection) = (text("text", false), text("connection", false));
    let connection = Some(connection).filter(|connection| !connection.is_empty());
    let fields = match given.shift_remove("fields") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(fields)) => fields,
        Some(_) => {
            findings.push(Finding::new("fields", "`fields` is a map from field to value"));
            Map::new()
        }
    };
    let unknown = given.keys();
    let wrong = "Not a field; use `block`, `field`, `text`, `connection` and `fields`";
    findings.extend(unknown.map(|name| Finding::new(name, wrong)));
    if findings.is_empty() {
        Ok(OptionsRequest { block, field, text, connection, fields })
    } else {
        Err(findings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_tells_every_mistake_with_its_field() {
        let paths = |body| -> Vec<String> {
            read(body).unwrap_err().into_iter().map(|finding| finding.path).collect()
        };
        assert_eq!(paths(json!("x")), [""]);
        assert_eq!(
            paths(json!({ "block": 1, "fields": [], "txt": "" })),
            ["block", "field", "fields", "txt"]
        );
        let request = read(json!({ "block": "a/b", "field": "c" })).unwrap();
        assert_eq!((request.block.as_str(), request.text.as_str()), ("a/b", ""));
    }
}

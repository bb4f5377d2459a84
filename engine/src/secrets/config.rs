//! Secrets in configs: sealed wherever a config is kept, in clear only for the handler that is called with it.
//!
//! A secret is a field whose schema says `writeOnly`, as that of `Secret<T>` does. Sealed it is
//! `{"$secret": "…"}`, bound to its workflow, its block and its field, so that it opens nowhere else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Keys, OpenError};

/// The only field of a sealed secret.
pub(crate) const SEALED: &str = "$secret";
/// What a sealed secret is shown as.
const SHOWN: &str = "[secret]";

/// Where a config belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The workflow's id.
    pub workflow: &'a str,
    /// The block's id.
    pub block: &'a str,
}

impl Place<'_> {
    fn purpose(self, path: &str) -> String {
        let Self { workflow, block } = self;
        format!("secret:{workflow}:{block}:{path}")
    }
}

impl Keys {
    /// Seals the secrets of a config that are in clear. What holds an expression stays: it is no secret yet.
    pub fn seal_config(&self, place: Place<'_>, schema: &Value, config: &mut Value) {
        visit(Some(schema), schema, config, "", &mut |is_secret, path, value| {
            let is_expression = value.as_str().is_some_and(|text| text.contains("{{"));
            if is_secret && !is_expression && !value.is_null() && sealed(value).is_none() {
                let text = STANDARD.encode(self.seal(&place.purpose(path), value.to_string().as_bytes()));
                *value = json!({ SEALED: text });
            }
            is_secret
        });
    }

    /// Opens the secrets of a config.
    ///
    /// # Errors
    ///
    /// When one was sealed for another place, is damaged, or its key is gone.
    pub fn open_config(&self, place: Place<'_>, config: &mut Value) -> Result<(), OpenError> {
        let mut result = Ok(());
        if !holds_sealed(config) {
            return result;
        }
        visit_sealed(config, &mut |path, value| {
            let opened = sealed(value)
                .and_then(|text| STANDARD.decode(text).ok())
                .ok_or(OpenError)
                .and_then(|bytes| self.unseal(&place.purpose(path), &bytes))
                .and_then(|plain| serde_json::from_slice(&plain).map_err(|_| OpenError));
            match opened {
                Ok(opened) => *value = opened,
                Err(error) => result = Err(error),
            }
        });
        result
    }
}

/// Whether any part of a schema makes a secret.
pub fn has_secrets(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            fields.get("writeOnly").is_some_and(|it| *it == true) || fields.values().any(has_secrets)
        }
        Value::Array(items) => items.iter().any(has_secrets),
        _ => false,
    }
}

/// The paths of the secrets of a config that are sealed, such as `auth.token`.
pub fn sealed_paths(config: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    visit_sealed(&mut config.clone(), &mut |path, _| paths.push(path.to_owned()));
    paths
}

/// Replaces sealed secrets by what may be shown of them.
pub fn hide_secrets(value: &mut Value) {
    visit_sealed(value, &mut |_, value| *value = SHOWN.into());
}

fn sealed(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get(SEALED)?.as_str()
}

/// Whether there is a sealed secret in it: most configs have none.
fn holds_sealed(value: &Value) -> bool {
    match value {
        Value::Object(fields) => sealed(value).is_some() || fields.values().any(holds_sealed),
        Value::Array(items) => items.iter().any(holds_sealed),
        _ => false,
    }
}

/// Visits the secrets of a config that are sealed, each with its path.
pub(crate) fn visit_sealed(config: &mut Value, found: &mut impl FnMut(&str, &mut Value)) {
    visit(None, &Value::Null, config, "", &mut |_, path, value| {
        let is_sealed = sealed(value).is_some();
        if is_sealed {
            found(path, value);
        }
        is_sealed
    });
}

/// Visits every value, with whether its schema makes it a secret; what `found` says to be done is not looked into.
fn visit(
    schema: Option<&Value>,
    root: &Value,
    value: &mut Value,
    path: &str,
    found: &mut impl FnMut(bool, &str, &mut Value) -> bool,
) {
    let schemas = alternatives(schema, root);
    if found(schemas.iter().any(|schema| schema["writeOnly"] == true), path, value) {
        return;
    }
    let child = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let of_field = schemas.iter().find_map(|schema| {
                    schema["properties"].get(name).or_else(|| schema.get("additionalProperties"))
                });
                visit(of_field, root, value, &child(name), found);
            }
        }
        Value::Array(items) => {
            let of_item = schemas.iter().find_map(|schema| schema.get("items"));
            for (index, item) in items.iter_mut().enumerate() {
                visit(of_item, root, item, &child(&index.to_string()), found);
            }
        }
        _ => {}
    }
}

/// The schema with those that it refers to and those of which one holds.
fn alternatives<'a>(schema: Option<&'a Value>, root: &'a Value) -> Vec<&'a Value> {
    /// How often references are followed: schemas of configs are finite, but one may be wrong.
    const DEEPEST: usize = 16;
    let mut found: Vec<&Value> = schema.into_iter().collect();
    let mut level = found.clone();
    for _ in 0..DEEPEST {
        let next: Vec<&Value> = level
            .iter()
            .flat_map(|schema| {
                let reference =
                    schema["$ref"].as_str().and_then(|path| root.pointer(path.strip_prefix('#')?));
                let choices =
                    ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|key| schema[key].as_array());
                reference.into_iter().chain(choices.flatten())
            })
            .collect();
        if next.is_empty() {
            break;
        }
        found.extend(&next);
        level = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use stepwell::config::schema_of;
    use stepwell::prelude::*;

    use super::*;

    #[data]
    enum Login {
        Basic { user: String, password: Secret },
        None,
    }

    #[config]
    struct Call {
        token: Option<Secret>,
        logins: Vec<Login>,
        note: String,
    }

    const HERE: Place<'static> = Place { workflow: "flow", block: "app/call" };

    fn config() -> Value {
        json!({
            "token": "t0ken",
            "logins": [{ "Basic": { "user": "ada", "password": "passw0rd" } }, "None"],
            "note": "n0te",
        })
    }

    #[test]
    fn s8_secrets_are_sealed_where_they_are_and_opened_in_their_place_alone() {
        let keys = Keys::ephemeral();
        let schema = schema_of::<Call>();
        let mut sealed = config();
        keys.seal_config(HERE, schema.as_value(), &mut sealed);
        let text = sealed.to_string();
        assert!(!text.contains("t0ken") && !text.contains("passw0rd") && text.contains("n0te"), "{text}");
        assert_eq!(sealed_paths(&sealed), ["token", "logins.0.Basic.password"]);
        let mut again = sealed.clone();
        keys.seal_config(HERE, schema.as_value(), &mut again);
        assert_eq!(again, sealed, "what is sealed stays");

        let mut opened = sealed.clone();
        assert_eq!(keys.open_config(HERE, &mut opened), Ok(()));
        assert_eq!(opened, config());
        let elsewhere = Place { block: "app/other", ..HERE };
        assert_eq!(keys.open_config(elsewhere, &mut sealed.clone()), Err(OpenError));
        let mut moved = json!({ "note": sealed["token"] });
        assert_eq!(keys.open_config(HERE, &mut moved), Err(OpenError), "not in another field");

        hide_secrets(&mut sealed);
        assert_eq!((&sealed["token"], &sealed["note"]), (&json!("[secret]"), &json!("n0te")));
    }

    #[test]
    fn what_holds_an_expression_is_no_secret_yet() {
        let mut config = json!({ "token": "{{ trigger.token }}", "logins": [], "note": "" });
        let before = config.clone();
        Keys::ephemeral().seal_config(HERE, schema_of::<Call>().as_value(), &mut config);
        assert_eq!(config, before);
    }
}

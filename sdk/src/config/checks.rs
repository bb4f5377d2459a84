//! Configs within configs, and their rules.

use serde_json::Value;

use super::{ConfigField, FieldCheck};

/// The rules of one config, and where it lies.
#[derive(Debug, Clone)]
pub struct Checks<'v> {
    /// The names and indices that lead to the config, such as `items.2`; empty for the outermost.
    pub path: String,
    /// The config: an object.
    pub config: &'v Value,
    /// Its rules, of which there is one at least.
    pub rules: &'static [FieldCheck],
}

impl<'v> Checks<'v> {
    /// Adds a config that has rules.
    pub fn add(rules: &'static [FieldCheck], config: &'v Value, found: &mut Vec<Self>) {
        if !rules.is_empty() && config.is_object() {
            found.push(Self { path: String::new(), config, rules });
        }
    }

    /// Adds what `look` adds for a part of a value that lies there under `name`.
    pub fn add_at(
        part: &'v Value,
        name: &(impl ToString + ?Sized),
        found: &mut Vec<Self>,
        look: impl FnOnce(&'v Value, &mut Vec<Self>),
    ) {
        let before = found.len();
        look(part, found);
        for checks in &mut found[before..] {
            let (name, rest) = (name.to_string(), &checks.path);
            checks.path = if rest.is_empty() { name } else { format!("{name}.{rest}") };
        }
    }

    /// Adds the configs within the items of a list.
    pub fn add_items<T: ConfigField>(list: &'v Value, found: &mut Vec<Self>) {
        for (index, item) in list.as_array().into_iter().flatten().enumerate() {
            Self::add_at(item, &index, found, T::checks_within);
        }
    }

    /// Adds the configs within the values of a map.
    pub fn add_values<T: ConfigField>(map: &'v Value, found: &mut Vec<Self>) {
        for (name, value) in map.as_object().into_iter().flatten() {
            Self::add_at(value, name, found, T::checks_within);
        }
    }
}

//! What a workflow takes that is started by hand or called: named inputs.

use std::collections::BTreeMap;

use stepwell::prelude::*;

/// Inputs by their names.
pub(super) type Inputs = BTreeMap<String, Input>;

/// Whether steps can name each of them.
pub(super) fn have_names(inputs: &Inputs) -> Result<(), &'static str> {
    if inputs.keys().any(|name| name.trim().is_empty()) {
        return Err("An input has no name that a step could read it by; write one");
    }
    Ok(())
}

/// An input.
#[data]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Type
    r#type: InputType,
    /// Title
    ///
    /// What people see beside the field; without one its name.
    title: Option<String>,
    /// Required
    ///
    /// What is not required may be left out or be null.
    #[serde(default = "yes")]
    required: bool,
}

const fn yes() -> bool {
    true
}

/// The type of an input.
#[data]
#[serde(rename_all = "snake_case")]
enum InputType {
    /// Text
    Text,
    /// Number
    Number,
    /// True or false
    Boolean,
    /// List
    List,
    /// Object
    Object,
    /// Anything
    Any,
}
